"""Cuts a long picture into columns side by side, as a page of a newspaper."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from buildtrace.renderers.diagram import Box, Part, boxes
from buildtrace.renderers.flow import Flow

if TYPE_CHECKING:
    from buildtrace.renderers.diagram import Diagram, Group, Line, Member

# Rough sizes in points; they decide where to cut, not where anything is drawn.
ROW, FRAME, GAP = 17, 14, 48
WIDTH = 420

LONG = 1_300
"""A picture that is not taller stays in one piece."""

WIDE = 1.5
"""Width over height that the picture as a whole should have: that of a slide."""

MOST_ROWS = 14
"""A box of more rows leaves out the middle."""


def columns(diagram: Diagram) -> list[list[Member]]:
    """The members of the only model, by column; of several models, no columns at all."""
    if len(diagram.models) != 1:
        return []
    model = diagram.models[0]
    pieces = _pieces(model, diagram.lines)
    heights = [_height(piece, diagram.lines) for piece in pieces]
    total = sum(heights)
    if total <= LONG:
        return []
    number = max(1, round(math.sqrt(WIDE * total / WIDTH)))
    return _balanced(pieces, heights, number)


def _pieces(model: Group, lines: tuple[Line, ...]) -> list[list[Member]]:
    """The members, cut wherever one box alone sends anything on."""
    return Flow(Part(model.members, lines), inputs_count=True).chunks()


def _height(members: list[Member], lines: tuple[Line, ...]) -> int:
    """Height of the longest way through the members."""
    flow = Flow(Part(tuple(members), lines))
    bottom: dict[str, int] = {}
    for member in members:
        top = max((bottom.get(id_, 0) for id_ in flow.before(member)), default=0)
        if isinstance(member, Box):
            rows = len(member.rows)
            own = FRAME + ROW * (2 if rows == 1 else min(rows, MOST_ROWS))
        else:
            own = 2 * ROW + FRAME + _height(list(member.members), lines)
        bottom[member.id] = top + own + GAP
    return max(bottom.values())


def _balanced(
    pieces: list[list[Member]], heights: list[int], number: int
) -> list[list[Member]]:
    """The pieces in order, in at most so many columns, the tallest as low as can be."""
    low, high = max(heights), sum(heights)
    while low < high:
        middle = (low + high) // 2
        if len(_filled(pieces, heights, middle)) <= number:
            high = middle
        else:
            low = middle + 1
    return _filled(pieces, heights, low)


def _filled(pieces: list[list[Member]], heights: list[int], tallest: int) -> list[list[Member]]:
    found: list[list[Member]] = [[]]
    filled = 0
    for piece, height in zip(pieces, heights, strict=True):
        if found[-1] and filled + height > tallest:
            found.append([])
            filled = 0
        found[-1] += piece
        filled += height
    return found


def column_of(found: list[list[Member]]) -> dict[str, int]:
    """The number of the column that each box is in."""
    return {box.id: i for i, members in enumerate(found) for box in boxes(members)}
