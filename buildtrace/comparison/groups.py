"""Nodes that came or went, those that hang together as one change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.comparison.found import found
from buildtrace.comparison.layers import structural

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Set as AbstractSet

    from buildtrace.comparison.found import Found
    from buildtrace.comparison.topology import Half, Topologies


class Groups:
    """What only one of two graphs has."""

    def __init__(self, both: Topologies) -> None:
        """Of two graphs whose nodes know each other."""
        self.both = both
        self.sides = both.sides
        self.left = both.left
        self.right = both.right

    def changes(self) -> Iterator[Found]:
        """What went, then what came."""
        yield from self._groups(self.left, frozenset(self.both.gone()), "removed")
        yield from self._groups(self.right, frozenset(self.both.come()), "added")

    def _groups(self, half: Half, nodes: AbstractSet[int], word: str) -> Iterator[Found]:
        for group in half.components(nodes):
            ids = [
                id_ for n in group if (id_ := half.layer(n)) is not None and self._is_new(half, n)
            ]
            if not ids and any(half.layer(n) is not None for n in group):
                continue  # another call of a layer that is there on both sides: told before
            yield self._group(half, group, nodes, word, ids)

    def _is_new(self, half: Half, node: int) -> bool:
        partners = self.sides.right_of if half is self.left else self.sides.left_of
        return half.layer(node) not in partners

    def _group(
        self, half: Half, group: list[int], nodes: AbstractSet[int], word: str, ids: list[int]
    ) -> Found:
        inside = frozenset(group)
        sources = self._around(half, group, nodes, back=True)
        targets = self._around(half, group, nodes, back=False)
        what = half.names(group)
        if self._is_detour(half, inside, sources, targets):
            where = self._where(half, sources, targets, word)
            verb = "inserted" if word == "added" else "removed from"
            message = f"{what} {verb}{where}" if where else f"{what} {word}"
        else:
            main = self._main(half, sources, targets)
            start = half.names([n for n in sources if n not in main] or sources)
            end = half.names(targets) or "the outputs"
            start = f" from {start}" if start else ""
            message = f"branch {word}{start} to {end}: {what}"
        place = self.sides.place
        if not ids:
            model = half.graph.model.id
            spot = place(left=model) if half is self.left else place(right=model)
            return found("graph", message, place=spot + 0.1, structural=True)
        return structural(self.sides, half.anatomy, ids, message)

    def _around(
        self, half: Half, group: list[int], nodes: AbstractSet[int], *, back: bool
    ) -> list[int]:
        near = [n for node in group for n in half.beyond(node, nodes, back=back)]
        return list(dict.fromkeys(near))

    def _is_detour(
        self, half: Half, group: AbstractSet[int], sources: list[int], targets: list[int]
    ) -> bool:
        """Whether all went straight from the sources to the targets before these came between."""
        for node in group:
            if len(half.sources[node]) > 1 or half.node(node).kind == "input":
                return False
        other = self.right if half is self.left else self.left
        partners = self.both.partner if half is self.left else self.both.back
        skip = frozenset(self.both.come() if other is self.right else self.both.gone())
        direct = half.edges(frozenset())
        straight = other.edges(frozenset()) | other.bridges(skip)
        ends = group & set(half.graph.outputs)
        if ends and any(
            s in half.graph.outputs or partners.get(s) not in other.graph.outputs for s in sources
        ):
            return False
        return all(
            (s, t) not in direct and (partners.get(s), partners.get(t)) in straight
            for s in sources
            for t in targets
        )

    def _main(self, half: Half, sources: list[int], targets: list[int]) -> list[int]:
        """The sources that went straight to the targets without these."""
        other = self.right if half is self.left else self.left
        partners = self.both.partner if half is self.left else self.both.back
        straight = other.edges(frozenset())
        return [
            s
            for s in sources
            if any((partners.get(s), partners.get(t)) in straight for t in targets)
        ]

    def _where(self, half: Half, sources: list[int], targets: list[int], word: str) -> str:
        before, behind = half.names(sources), half.names(targets)
        if before and behind:
            return f" between {before} and {behind}"
        if before:
            return f" behind {before}" if word == "added" else f" the end, behind {before}"
        return f" before {behind}" if behind else ""
