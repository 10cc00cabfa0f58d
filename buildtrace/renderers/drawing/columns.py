"""Cuts a long picture into columns side by side, as a page of a newspaper."""

from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING

from buildtrace.renderers.drawing.caption import MOST_ROWS
from buildtrace.renderers.drawing.diagram import Box, SubDiagram, ends
from buildtrace.renderers.drawing.member_graph import MemberGraph

if TYPE_CHECKING:
    from collections.abc import Sequence

    from buildtrace.renderers.drawing.diagram import Connection, Diagram, Group, Member

# Rough sizes in points; they decide where to cut, not where anything is drawn.
ROW, FRAME, GAP = 17, 14, 48
WIDTH = 350

LONG = 1_300
"""A picture that is not taller stays in one piece."""

WIDE = 1.6
"""Width over height that the picture as a whole should have: that of a slide."""

TRIED = 5
"""So many columns more and fewer than the rough sizes suggest are tried."""

EVEN = 0.7
"""Columns are not worth their signs if one of them has more of the height than this."""


def columns(diagram: Diagram) -> list[list[Member]]:
    """The members of the only model, by column; no columns if one is enough."""
    if len(diagram.models) != 1:
        return []
    pieces = _pieces(diagram.models[0], diagram.connections)
    inside = _connections_inside(pieces, diagram.connections)
    sizes = [_size(piece, own) for piece, own in zip(pieces, inside, strict=True)]
    heights = [height for _, height in sizes]
    if sum(heights) <= LONG:
        return []
    likely = round(math.sqrt(WIDE * sum(heights) / WIDTH))
    numbers = [1, *range(max(2, likely - TRIED), likely + TRIED + 1)]
    tries = [_balanced(heights, number) for number in numbers]
    tries = [cuts for cuts in tries if not cuts[1:] or _height(cuts, sizes) < EVEN * sum(heights)]
    best = min(tries, key=lambda cuts: _misfit(cuts, sizes))
    return [[m for piece in pieces[a:b] for m in piece] for a, b in best] if best[1:] else []


def side_by_side(diagram: Diagram) -> int:
    """How many of several models fit side by side in a picture of good shape."""
    inside = _connections_inside([[model] for model in diagram.models], diagram.connections)
    sizes = [_size([m], own) for m, own in zip(diagram.models, inside, strict=True)]
    width, height = (max(numbers) for numbers in zip(*sizes, strict=True))
    return max(1, round(math.sqrt(len(sizes) * WIDE * height / width)))


def _misfit(cuts: list[tuple[int, int]], sizes: list[tuple[int, int]]) -> float:
    """How far the picture is from the shape that it should have."""
    width = sum(max(width for width, _ in sizes[a:b]) for a, b in cuts)
    return abs(math.log(width / _height(cuts, sizes) / WIDE))


def _height(cuts: list[tuple[int, int]], sizes: list[tuple[int, int]]) -> int:
    return max(sum(height for _, height in sizes[a:b]) for a, b in cuts)


def _pieces(model: Group, connections: tuple[Connection, ...]) -> list[list[Member]]:
    """The members, cut wherever one box alone sends anything on."""
    return MemberGraph(SubDiagram(model.members, connections)).pieces()


def _connections_inside(
    pieces: Sequence[Sequence[Member]], connections: tuple[Connection, ...]
) -> list[tuple[Connection, ...]]:
    """For each piece the connections that begin and end in it."""
    piece_of = {id_: number for number, piece in enumerate(pieces) for id_ in ends(piece)}
    inside: list[list[Connection]] = [[] for _ in pieces]
    for connection in connections:
        number = piece_of[connection.source]
        if piece_of[connection.target] == number:
            inside[number].append(connection)
    return [tuple(own) for own in inside]


def _size(members: Sequence[Member], connections: tuple[Connection, ...]) -> tuple[int, int]:
    """Width and height of the members, each as far down as the longest way to it."""
    graph = MemberGraph(SubDiagram(tuple(members), connections))
    bottom: dict[str, int] = {}
    ranks: dict[str, int] = {}
    widths: Counter[int] = Counter()
    for member in members:
        sources = graph.sources(member) & bottom.keys()
        width, height = _own_size(member, connections)
        bottom[member.id] = max((bottom[id_] for id_ in sources), default=0) + height + GAP
        ranks[member.id] = max((ranks[id_] for id_ in sources), default=0) + 1
        widths[ranks[member.id]] += width
    return max(widths.values(), default=WIDTH), max(bottom.values(), default=0)


def _own_size(member: Member, connections: tuple[Connection, ...]) -> tuple[int, int]:
    if isinstance(member, Box):
        rows = len(member.rows)
        return WIDTH, FRAME + ROW * (2 if rows == 1 else min(rows, MOST_ROWS))
    width, height = _size(member.members, connections)
    return width + FRAME, height + 2 * ROW + FRAME


def _balanced(heights: list[int], number: int) -> list[tuple[int, int]]:
    """Cuts into at most so many columns, the tallest as low as can be."""
    low, high = max(heights), sum(heights)
    while low < high:
        middle = (low + high) // 2
        if len(_filled(heights, middle)) <= number:
            high = middle
        else:
            low = middle + 1
    return _filled(heights, low)


def _filled(heights: list[int], tallest: int) -> list[tuple[int, int]]:
    """Columns, as where each begins and ends, filled one after the other."""
    cuts = [0]
    filled = 0
    for number, height in enumerate(heights):
        if filled and filled + height > tallest:
            cuts.append(number)
            filled = 0
        filled += height
    return list(pairwise([*cuts, len(heights)]))


def column_of(by_column: list[list[Member]]) -> dict[str, int]:
    """The number of the column that each box and frame is in."""
    return {id_: i for i, members in enumerate(by_column) for id_ in ends(members)}
