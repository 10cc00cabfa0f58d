"""What made an image or a sequence smaller on its way to a layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.traces import wording
from buildtrace.traces.shape_origins import INPUT

if TYPE_CHECKING:
    from buildtrace.traces.schema import Call, TensorSpec

_SHOWN = 5
"""The last few of many steps are shown."""


def steps(way: list[Call]) -> list[Call]:
    """Those of the calls on a way that made it smaller, and the Input, if it begins with that."""
    axes = len(way[0].outputs[0].shape or ()) if way else 0
    return [maker for maker in way if _is_begin(maker, axes) or shrank(maker)]


def _is_begin(maker: Call, axes: int) -> bool:
    return maker.landmark == INPUT and len(maker.outputs[0].shape or ()) == axes


def shrank(maker: Call) -> bool:
    """Whether a layer gave out an image or a sequence smaller than the one it got."""
    if not maker.inputs or not maker.outputs:
        return False
    before, after = room(maker.inputs[0]), room(maker.outputs[0])
    return len(before) == len(after) and any(a < b for a, b in zip(after, before, strict=True))


def room(spec: TensorSpec) -> list[int]:
    """The known sizes of the axes between the batch and the channels."""
    return [size for size in (spec.shape or ())[1:-1] if size is not None]


def course(steps: list[Call]) -> str:
    """These steps in a sentence, from the first to the last; "" if there are none."""
    shown = [
        f"'{maker.layer.name}' ({wording.line(maker.caller)}) "
        f"{wording.shapes_in_words(maker.outputs)}"
        for maker in steps[:_SHOWN][::-1]
        if maker.layer
    ]
    return f"; on the way there it shrank: {' → '.join(shown)}" if shown else ""
