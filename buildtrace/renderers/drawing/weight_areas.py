"""The weights of a layer as areas in its box, each as big as its shape says.

Only the pictures of a page have them: its script shows each when it is made.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from buildtrace.renderers.drawing.caption import TIMES, joined, short
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Sequence

    from buildtrace.renderers.drawing.diagram import Box
    from buildtrace.traces.schema import Shape, Weight

LONGEST, SHORTEST = 26, 4
"""Of a side, in points."""

A_DOUBLING = 2.2
"""A side that has twice as many numbers is longer by so much: the scale is logarithmic, or a table
of 50,000 words would hide a kernel of 10 columns."""

MOST = 6
"""A box has no more areas; it says how many weights there are besides."""

MOST_BOXES = 300
"""A picture of more boxes has none: nobody could tell them apart."""


class WeightArea(NamedTuple):
    """How a weight is drawn.

    Attributes:
        weight: its id.
        width: of the area, in points.
        height: of the area.
        label: its name and its shape.
        tooltip: more of both.
    """

    weight: int
    width: int
    height: int
    label: str
    tooltip: str


def areas(drawn: Box) -> tuple[list[WeightArea], int]:
    """The areas of a box, and how many more weights it has.

    A box of several layers has none, and one that stands for several alike layers neither: their
    weights are not made at the same time.
    """
    row = drawn.rows[0]
    if len(drawn.rows) > 1 or len(row.node_refs) > 1:
        return [], 0
    return [_area(weight) for weight in row.weights[:MOST]], max(0, len(row.weights) - MOST)


def _area(weight: Weight) -> WeightArea:
    width, height = _sides(weight.shape)
    sizes = TIMES.join("?" if size is None else str(size) for size in weight.shape) or "scalar"
    return WeightArea(
        weight.id,
        width,
        height,
        f"{short(weight.name)} {sizes}",
        joined(
            wording.sanitize(weight.path or weight.name),
            wording.shape(weight.shape),
            wording.count(weight.parameters, "parameter"),
        ),
    )


def _sides(shape: Shape) -> tuple[int, int]:
    """Width and height: a bias is a bar, and of a kernel's axes all but the last are its rows."""
    *rows, columns = shape or (1,)
    return _side([columns]), _side(rows)


def _side(sizes: Sequence[int | None]) -> int:
    numbers = math.prod(max(1, size or 1) for size in sizes)  # a size may be 0, or not known
    return min(LONGEST, SHORTEST + round(A_DOUBLING * math.log2(numbers)))
