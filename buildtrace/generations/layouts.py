"""What Keras' distributions say of variables, as plain data: meshes, layout maps and their entries.

Nothing here asks a variable for its value, or makes a layout of a backend's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from buildtrace.traces.schema import MeshAxes


class DistributionFacts(NamedTuple):
    """What can be said of a distribution but for its layout map, which may grow."""

    class_name: str
    mesh_axes: tuple[str, ...]
    mesh_shape: tuple[int, ...]
    batch_axis: str


def distribution_facts(distribution: Any) -> DistributionFacts:
    """Of a distribution of Keras, or of a class of the user's below it."""
    mesh = getattr(distribution, "device_mesh", None)
    batch_axis = getattr(distribution, "_batch_dim_name", None)
    return DistributionFacts(
        type(distribution).__name__,
        tuple(str(name) for name in getattr(mesh, "axis_names", ())),
        tuple(int(size) for size in getattr(mesh, "shape", ())),
        "" if batch_axis is None else str(batch_axis),
    )


def layout_map(distribution: Any) -> Any:
    """The layout map of a distribution; `None` if it has none."""
    held = getattr(distribution, "_layout_map", None)
    return held if isinstance(entries(held), dict) else None


def entries(layout_map: Any) -> Any:
    """The entries of a layout map: TensorLayouts, by pattern."""
    return getattr(layout_map, "_layout_map", None)


def mesh_axes(layout: Any) -> MeshAxes:
    """The axes of a mesh that each axis of a variable is split along.

    Args:
        layout: Keras' TensorLayout, or a NamedSharding of JAX; of others nothing is known.
    """
    axes = getattr(layout, "axes", None)
    if axes is None:
        axes = getattr(layout, "spec", None)
    return tuple([_names(axis) for axis in axes or ()])


def _names(axis: Any) -> tuple[str, ...]:
    if axis is None:
        return ()
    if isinstance(axis, (list, tuple)):
        return tuple([str(name) for name in axis])
    return (str(axis),)


def pattern_of(layout_map: Any, layout: Any, path: str) -> str | None:
    """The pattern of the entry that a layout map has given for a path; `None` if it gave none.

    Args:
        layout_map: of Keras.
        layout: what it gave.
        path: of the variable, or of a layer's output.
    """
    held = entries(layout_map)
    found = [pattern for pattern, entry in held.items() if entry is layout]
    if len(found) < 2:
        return found[0] if found else None
    if path in found:  # as it stands: Keras looks for that first
        return path
    return next((pattern for pattern in found if _answers(layout_map, pattern, path)), None)


def _answers(layout_map: Any, pattern: str, path: str) -> bool:
    """Whether a map of this one entry alone has something for the path: Keras itself is asked."""
    kind = next(cls for cls in type(layout_map).__mro__ if cls.__module__.startswith("keras."))
    alone = kind(None)
    entries(alone)[pattern] = True
    return bool(alone[path])
