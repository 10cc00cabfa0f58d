"""Nodes that came or went, those that hang together as one change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.comparison.layers import structural
from buildtrace.comparison.ranked_change import found

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Set as AbstractSet

    from buildtrace.comparison.graph_matching import GraphMatching, GraphSide
    from buildtrace.comparison.ranked_change import RankedChange


class Groups:
    """What only one of two graphs has."""

    def __init__(self, both: GraphMatching) -> None:
        """Of two graphs whose nodes know each other."""
        self.both = both
        self.matching = both.matching
        self.left = both.left
        self.right = both.right

    def changes(self) -> Iterator[RankedChange]:
        """What went, then what came."""
        yield from self._groups(self.left, frozenset(self.both.gone()), "removed")
        yield from self._groups(self.right, frozenset(self.both.come()), "added")

    def _groups(
        self, side: GraphSide, nodes: AbstractSet[int], word: str
    ) -> Iterator[RankedChange]:
        for group in side.components(nodes):
            ids = [
                id_ for n in group if (id_ := side.layer(n)) is not None and self._is_new(side, n)
            ]
            if not ids and any(side.layer(n) is not None for n in group):
                continue  # another call of a layer that is there on both sides: told before
            yield self._group(side, group, nodes, word, ids)

    def _is_new(self, side: GraphSide, node: int) -> bool:
        partners = self.matching.right_of if side is self.left else self.matching.left_of
        return side.layer(node) not in partners

    def _group(
        self, side: GraphSide, group: list[int], nodes: AbstractSet[int], word: str, ids: list[int]
    ) -> RankedChange:
        inside = frozenset(group)
        sources = self._around(side, group, nodes, back=True)
        targets = self._around(side, group, nodes, back=False)
        what = side.names(group)
        if self._is_detour(side, inside, sources, targets):
            where = self._where(side, sources, targets, word)
            verb = "inserted" if word == "added" else "removed from"
            message = f"{what} {verb}{where}" if where else f"{what} {word}"
        else:
            main = self._main(side, sources, targets)
            start = side.names([n for n in sources if n not in main] or sources)
            end = side.names(targets) or "the outputs"
            start = f" from {start}" if start else ""
            message = f"branch {word}{start} to {end}: {what}"
        place = self.matching.place
        if not ids:
            model = side.graph.model.id
            spot = place(left=model) if side is self.left else place(right=model)
            return found("graph", message, place=spot + 0.1, structural=True)
        return structural(self.matching, side.tree, ids, message)

    def _around(
        self, side: GraphSide, group: list[int], nodes: AbstractSet[int], *, back: bool
    ) -> list[int]:
        near = [n for node in group for n in side.beyond(node, nodes, back=back)]
        return list(dict.fromkeys(near))

    def _is_detour(
        self, side: GraphSide, group: AbstractSet[int], sources: list[int], targets: list[int]
    ) -> bool:
        """Whether all went straight from the sources to the targets before these came between."""
        for node in group:
            if len(side.sources[node]) > 1 or side.node(node).kind == "input":
                return False
        other = self.right if side is self.left else self.left
        partners = self.both.partner if side is self.left else self.both.back
        skip = frozenset(self.both.come() if other is self.right else self.both.gone())
        direct = side.edges(frozenset())
        straight = other.edges(frozenset()) | other.bridges(skip)
        ends = group & set(side.graph.outputs)
        if ends and any(
            s in side.graph.outputs or partners.get(s) not in other.graph.outputs for s in sources
        ):
            return False
        return all(
            (s, t) not in direct and (partners.get(s), partners.get(t)) in straight
            for s in sources
            for t in targets
        )

    def _main(self, side: GraphSide, sources: list[int], targets: list[int]) -> list[int]:
        """The sources that went straight to the targets without these."""
        other = self.right if side is self.left else self.left
        partners = self.both.partner if side is self.left else self.both.back
        straight = other.edges(frozenset())
        return [
            s
            for s in sources
            if any((partners.get(s), partners.get(t)) in straight for t in targets)
        ]

    def _where(self, side: GraphSide, sources: list[int], targets: list[int], word: str) -> str:
        before, behind = side.names(sources), side.names(targets)
        if before and behind:
            return f" between {before} and {behind}"
        if before:
            return f" behind {before}" if word == "added" else f" the end, behind {before}"
        return f" before {behind}" if behind else ""
