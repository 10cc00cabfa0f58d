"""Layers that one graph calls more often than the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.comparison.layers import kind_of
from buildtrace.comparison.ranked_change import counted, found, layer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.comparison.graph_matching import GraphMatching, GraphSide
    from buildtrace.comparison.ranked_change import RankedChange


class Sharing:
    """The layers of two graphs that are shared in one of them."""

    def __init__(self, both: GraphMatching) -> None:
        """Of two graphs whose nodes know each other."""
        self.both = both
        self.matching = both.matching
        self.left = both.left
        self.right = both.right

    def changes(self) -> Iterator[RankedChange]:
        """What is shared now, and what no longer; nodes that take another's place are paired."""
        yield from self._other_times(self.right, self.left)
        yield from self._other_times(self.left, self.right)

    def _other_times(self, more: GraphSide, less: GraphSide) -> Iterator[RankedChange]:
        """Layers that one side calls more often; a call may stand in place of another layer."""
        extra = self.both.come() if more is self.right else self.both.gone()
        partners = self.matching.left_of if more is self.right else self.matching.right_of
        told: set[int] = set()
        for node in extra:
            id_ = more.layer(node)
            if id_ is None or partners.get(id_) not in less.layers:
                continue
            instead = self._in_its_place(more, node, less)
            if instead is not None:
                self.both.pair(*((instead, node) if more is self.right else (node, instead)))
            if id_ not in told or instead is not None:
                told.add(id_)
                yield self._sharing(more, less, id_, partners[id_], instead)

    def _in_its_place(self, more: GraphSide, node: int, less: GraphSide) -> int | None:
        """The layer on the other side that is alone and has the same neighbors."""
        skip = frozenset(self.both.come()), frozenset(self.both.gone())
        more_skip, less_skip = skip if more is self.right else skip[::-1]
        for other in sorted(less_skip):
            id_ = less.layer(other)
            if id_ is None or less.node(other).class_name != more.node(node).class_name:
                continue
            if all(
                self._same(
                    more.beyond(node, more_skip, back=back),
                    less.beyond(other, less_skip, back=back),
                    more is self.right,
                )
                for back in (True, False)
            ):
                return other
        return None

    def _same(self, more: list[int], less: list[int], more_is_right: bool) -> bool:
        left, right = (less, more) if more_is_right else (more, less)
        return sorted(self.both.mapped(left)) == sorted(right)

    def _sharing(
        self, more: GraphSide, less: GraphSide, id_: int, partner: int, instead: int | None
    ) -> RankedChange:
        numbers = [
            sum(1 for n in side.graph.nodes if n.layer == each)
            for side, each in ((less, partner), (more, id_))
        ]
        forward = more is self.right
        before, after = numbers if forward else numbers[::-1]
        ref = self.right.tree.layers[id_ if forward else partner]
        weights = 0
        if forward:
            message = f"{layer(ref)} is shared: called {counted(after, 'time')}, was {before}"
        else:
            message = f"{layer(ref)} is called {counted(after, 'time')}, was {before}"
        if instead is not None:
            other = less.layer(instead)
            assert other is not None
            weights = less.tree.parameters(other)
            name = layer(less.tree.layers[other])
            message += f", also in place of {name}" if forward else f"; {name} is in its place"
        kind, severity = kind_of(weights)
        ids = (partner, id_) if forward else (id_, partner)
        return found(
            kind,
            message,
            *self.both.two(*ids),
            place=self.matching.place(right=ids[1]),
            severity=severity,
            structural=True,
        )
