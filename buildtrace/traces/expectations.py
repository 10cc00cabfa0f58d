"""Which inputs a layer takes: as it says itself, and as it was built for."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from buildtrace.traces.schema import Expected, Shape, TensorSpec


def meets(wanted: Expected, shape: Shape | None) -> bool:
    """Whether a shape is what a layer wants; an unknown size may be any, as for Keras."""
    if shape is None:
        return True
    rank = len(shape)
    sizes = dict(wanted.axes)
    if wanted.shape is not None:
        if len(wanted.shape) != rank:
            return False
        sizes |= {axis: size for axis, size in enumerate(wanted.shape) if size is not None}
    if wanted.ndim not in (None, rank) or rank < (wanted.min_ndim or 0):
        return False
    if wanted.max_ndim is not None and rank > wanted.max_ndim:
        return False
    return all(
        not -rank <= axis < rank or shape[axis] in (None, size) for axis, size in sizes.items()
    )


def fits(built_for: tuple[TensorSpec, ...], given: tuple[TensorSpec, ...]) -> bool:
    """Whether these could be the shapes that a layer was built for; the batch may be any size."""
    pairs = zip(built_for, given, strict=False)
    return all(_fits(one.shape, other.shape) for one, other in pairs)


def _fits(one: Shape | None, other: Shape | None) -> bool:
    if one is None or other is None:
        return True
    if len(one) != len(other):
        return False
    return all(a == b or None in (a, b) for a, b in zip(one[1:], other[1:], strict=True))
