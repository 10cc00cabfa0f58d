"""What comes out: of the models, and of layers that get the same and give something else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.comparison.found import found, layer, side, specs

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from buildtrace.comparison.anatomy import Anatomy
    from buildtrace.comparison.found import Found
    from buildtrace.comparison.identity import Sides
    from buildtrace.traces.schema import TensorSpec


def changes(sides: Sides) -> Iterator[Found]:
    """All differences of shapes and dtypes, layer by layer, and then of the models."""
    for left, right in sides.pairs():
        if sides.replaced(left):
            continue
        if left in sides.left.graphs and right in sides.right.graphs:
            if sides.left.owner[left] is None:
                yield from _model(sides, left, right)
        else:
            yield from _layer(sides, left, right)


def _layer(sides: Sides, left: int, right: int) -> Iterator[Found]:
    was, now = sides.left.outputs(left), sides.right.outputs(right)
    given = sides.left.inputs.get(left, ()), sides.right.inputs.get(right, ())
    if same(was, now) or not was or not now or not same(*given):
        return
    if _shapes(sides.left, left) != _shapes(sides.right, right):
        return  # told by its weights
    ref = sides.right.layers[right]
    is_input = ref.class_name == "InputLayer"
    text = "is" if is_input else "gives"
    yield found(
        "outputs",
        f"{layer(ref)} {text} {specs(now)}, was {specs(was)}",
        side(sides.left, left, specs(was)),
        side(sides.right, right, specs(now)),
        place=sides.place(right=right),
        cause=True,
    )


def _model(sides: Sides, left: int, right: int) -> Iterator[Found]:
    halves = (sides.left, left), (sides.right, right)
    was, now = (_ends(anatomy, id_, "outputs") for anatomy, id_ in halves)
    if not was or not now or same(was, now):
        return
    ref = sides.right.layers[right]
    yield found(
        "outputs",
        f"the output of {layer(ref)} is {specs(now)}, was {specs(was)}",
        side(sides.left, left, specs(was)),
        side(sides.right, right, specs(now)),
        place=sides.place(right=right),
        follows=True,
    )


def _ends(anatomy: Anatomy, model: int, ends: str) -> tuple[TensorSpec, ...]:
    graph = anatomy.graphs[model]
    return tuple(spec for node in getattr(graph, ends) for spec in graph.nodes[node].outputs)


def _shapes(anatomy: Anatomy, layer: int) -> list[object]:
    return [(w.name, w.shape, w.dtype) for w in anatomy.weights(layer)]


def same(left: Sequence[TensorSpec], right: Sequence[TensorSpec]) -> bool:
    """Whether these are the same tensors, as far as both are known."""
    return len(left) == len(right) and all(
        a.shape == b.shape and (a.dtype == b.dtype or not a.dtype or not b.dtype)
        for a, b in zip(left, right, strict=True)
    )
