"""Lines beside the rows of a graph, drawn as version control tools draw branches."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class Lanes:
    """Draws one node after the other, each under those that it gets its input from.

    A lane is a column that a node's output runs down in, until the last node that takes it.
    """

    def __init__(self, order: Sequence[int], sources: dict[int, list[int]]) -> None:
        """Prepare to draw.

        Args:
            order: the nodes, in the order in which `draw` will be called.
            sources: for each node the nodes that it gets its input from.
        """
        row = {node: number for number, node in enumerate(order)}
        # A connection that goes upwards cannot be drawn this way.
        self.sources = {n: [s for s in sources[n] if row.get(s, row[n]) < row[n]] for n in order}
        self.takers = dict.fromkeys(order, 0)
        for node in order:
            for source in self.sources[node]:
                self.takers[source] += 1
        self.lanes: list[int | None] = []

    def draw(self, node: int, dot: str) -> str:
        """The drawing of the next node's row."""
        inputs = [n for n, source in enumerate(self.lanes) if source in self.sources[node]]
        for lane in inputs:
            self.takers[self.lanes[lane]] -= 1  # type: ignore[index]
        ending = [n for n in inputs if self.takers[self.lanes[n]] == 0]  # type: ignore[index]
        own = ending[0] if ending else self._free_lane()
        marks = [self._mark(lane, own, inputs, ending) for lane in range(len(self.lanes))]
        marks[own] = dot
        first, last = min([own, *inputs]), max([own, *inputs])
        gaps = ["─" if first <= lane < last else " " for lane in range(len(self.lanes))]
        for lane in ending:
            self.lanes[lane] = None
        self.lanes[own] = node if self.takers[node] else None
        while self.lanes and self.lanes[-1] is None:
            self.lanes.pop()
        return "".join(mark + gap for mark, gap in zip(marks, gaps, strict=True)).rstrip()

    def going_on(self) -> str:
        """The lanes alone, for a row between two nodes."""
        return " ".join(" " if source is None else "│" for source in self.lanes)

    def _free_lane(self) -> int:
        if None in self.lanes:
            return self.lanes.index(None)
        self.lanes.append(None)
        return len(self.lanes) - 1

    def _mark(self, lane: int, own: int, inputs: list[int], ending: list[int]) -> str:
        """What stands in a lane: it passes, is crossed, is tapped, or ends here."""
        first, last = min([own, *inputs]), max([own, *inputs])
        inner = first < lane < last
        if lane in ending:
            return "┴" if inner else "╯"  # the leftmost one that ends is the node's own
        if lane in inputs:
            return "┼" if inner else "├" if lane < own else "┤"
        if self.lanes[lane] is None:
            return "─" if inner else " "
        return "│" if not inner else "┼"
