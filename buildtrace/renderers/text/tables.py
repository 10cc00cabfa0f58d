"""Tables of lines: as many columns as there is room for."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from buildtrace.renderers.text.lines import Line, Part, cut, cut_start, size, width_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class Column(NamedTuple):
    """A column of a table.

    Attributes:
        title: its heading.
        right: whether its text stands at the right.
        least: to how many characters it may be cut; 0 if it is never cut.
        tail: whether the end of its text is kept when it is cut, as for paths.
        rank: columns of the highest rank are left out first if there is no room.
    """

    title: str
    right: bool = False
    least: int = 0
    rank: int = 0
    tail: bool = False


Row = list[Line]
GAP = 2


class SpanningRow(NamedTuple):
    """A row of which but the first cells are in columns.

    Attributes:
        cells: of the first columns.
        line: what takes the place of all the others.
    """

    cells: Row
    line: Line


def table(columns: list[Column], rows: Sequence[Row | SpanningRow], width: int) -> Iterator[Line]:
    """The lines of a table: headings and rows, as many columns as there is room for."""
    most = [0] * len(columns)
    for row in rows:
        for number, cell in enumerate(row.cells if isinstance(row, SpanningRow) else row):
            most[number] = max(most[number], width_of(cell))
    needed = [max(size(column.title), most[number]) for number, column in enumerate(columns)]
    filled = [width > 0 for width in most]
    shown = _shown(columns, needed, [p for p in range(len(columns)) if filled[p]], width)
    widths = _widths(columns, needed, shown, width)
    headings: Row = [[Part(column.title, "dim")] for column in columns]
    for row in [headings, *rows]:
        cells = row.cells if isinstance(row, SpanningRow) else row
        line: Line = []
        for number in shown:
            if number >= len(cells):
                break
            shorter = cut_start if columns[number].tail else cut
            cell = shorter(cells[number], widths[number])
            space = Part(" " * (widths[number] - width_of(cell)))
            line += [space, *cell] if columns[number].right else [*cell, space]
            line.append(Part(" " * GAP))
        yield cut([*line, *row.line], width) if isinstance(row, SpanningRow) else line[:-1]


def _shown(columns: list[Column], needed: list[int], numbers: list[int], width: int) -> list[int]:
    """The columns that there is room for."""

    def least(number: int) -> int:
        return min(needed[number], columns[number].least or needed[number])

    while sum(least(p) + GAP for p in numbers) - GAP > width:
        worst = max(numbers, key=lambda p: (columns[p].rank, p))
        if columns[worst].rank == 0:
            break
        numbers = [p for p in numbers if p != worst]
    return numbers


def _widths(columns: list[Column], needed: list[int], numbers: list[int], width: int) -> list[int]:
    """The columns' widths: the widest of those that may be cut gives way first."""
    widths = list(needed)
    spare = width - sum(widths[p] + GAP for p in numbers) + GAP
    while spare < 0:
        flexible = [p for p in numbers if columns[p].least and widths[p] > columns[p].least]
        if not flexible:
            break
        widest = max(flexible, key=lambda p: widths[p])
        widths[widest] -= 1
        spare += 1
    return widths
