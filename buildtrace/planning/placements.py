"""How a variable is spread over a mesh of devices: the shape that each one holds, and in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.traces import wording

if TYPE_CHECKING:
    from buildtrace.planning.planned import Mesh, PlannedVariable
    from buildtrace.traces.schema import MeshAxes, Shape

WHOLE = "each device"
"""What is said of a variable that no axis of the mesh splits."""


def shard_shape(shape: Shape, axes: MeshAxes, mesh: Mesh) -> Shape:
    """The shape that one device holds, rounded up where a size is not divisible."""
    return tuple(
        None if size is None else -(-size // mesh.size_of(axes[place] if place < len(axes) else ()))
        for place, size in enumerate(shape)
    )


def indivisible_axes(shape: Shape, axes: MeshAxes, mesh: Mesh) -> list[int]:
    """The axes of a variable that their parts do not divide."""
    return [
        place
        for place, (size, names) in enumerate(zip(shape, axes, strict=False))
        if size is not None and size % mesh.size_of(names)
    ]


def of_axes(axes: MeshAxes) -> str:
    """The axes of the mesh that a variable is split along: "(model, batch)", "(None, a+b)"."""
    words = ["+".join(map(wording.sanitize, names)) or "None" for names in axes]
    return f"({', '.join(words)}{',' if len(words) == 1 else ''})" if any(axes) else WHOLE


def short(variable: PlannedVariable) -> str:
    """Where a variable lies and what it takes there: "(model, batch) · 250 MiB"."""
    return f"{of_axes(variable.axes)} · {wording.size_in_memory(variable.on_device)}"


def of_mesh(mesh: Mesh) -> str:
    """A mesh in a few words: "batch=2 × model=4"."""  # noqa: RUF002
    pairs = zip(mesh.axes, mesh.shape, strict=False)
    return " × ".join(f"{wording.sanitize(name)}={size}" for name, size in pairs)  # noqa: RUF001
