"""Nodes that moved, and edges, inputs and outputs, as far as nothing else explains them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.comparison.alignment import in_order
from buildtrace.comparison.ranked_change import found, layer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Set as AbstractSet

    from buildtrace.comparison.graph_matching import GraphMatching
    from buildtrace.comparison.ranked_change import RankedChange

MOST_WEIGHED = 300
"""Of so many nodes it is looked for which of two that changed places weighs less."""


class Edges:
    """How the nodes that two graphs have in common are connected."""

    def __init__(self, both: GraphMatching) -> None:
        """Of two graphs whose nodes know each other."""
        self.both = both
        self.matching = both.matching
        self.left = both.left
        self.right = both.right

    def changes(self) -> Iterator[RankedChange]:
        """What moved; then what differs without that, and without what came or went."""
        gone, come = frozenset(self.both.gone()), frozenset(self.both.come())
        moved = self._moved(gone, come)
        yield from (self._move(node, gone, come) for node in moved)
        gone |= set(moved)
        come |= set(self.both.mapped(moved))
        yield from self._edges(gone, come)
        yield from self._ends(gone, come)

    def _moved(self, gone: AbstractSet[int], come: AbstractSet[int]) -> list[int]:
        """The nodes on the left that are at another place among the same others now."""
        pairs = sorted(self.both.partner.items())
        kept = {i for i, _ in self._staying(pairs)}
        return [
            i
            for i, j in pairs
            if i not in kept
            and set(self.both.mapped(self.left.beyond(i, gone, back=True)))
            != set(self.right.beyond(j, come, back=True))
        ]

    def _staying(self, pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
        """The longest row that is in order; of two such, the one with more weights in it."""
        longest = in_order(pairs)
        if len(longest) == len(pairs) or len(pairs) > MOST_WEIGHED:
            return longest
        rows: list[tuple[float, list[tuple[int, int]]]] = []
        for i, j in pairs:
            before = max((row for row in rows if row[1][-1][1] < j), default=(0.0, []))
            layer_ = self.left.layer(i)
            weight = 1.5 if layer_ is not None and self.left.tree.parameters(layer_) else 1.0
            rows.append((before[0] + weight, [*before[1], (i, j)]))
        return max(rows, default=(0.0, []))[1]

    def _move(self, node: int, gone: AbstractSet[int], come: AbstractSet[int]) -> RankedChange:
        other = self.both.partner[node]
        was = self.left.names(self.left.beyond(node, gone, back=True))
        now = self.right.names(self.right.beyond(other, come, back=True))
        places = [f"behind {names}" if names else "at the start" for names in (now, was)]
        message = f"{self.right.name(other)} moved {places[0]}, was {places[1]}"
        ids = self.left.layer(node), self.right.layer(other)
        if ids[0] is None or ids[1] is None:
            return found("graph", message, place=self.both.place + 0.2, structural=True)
        return found(
            "graph",
            message,
            *self.both.two(ids[0], ids[1]),
            place=self.matching.place(right=ids[1]),
            structural=True,
        )

    def _edges(self, gone: AbstractSet[int], come: AbstractSet[int]) -> Iterator[RankedChange]:
        partner = self.both.partner
        was = {(partner[a], partner[b]) for a, b in self.left.edges(gone)}
        around = {(partner[a], partner[b]) for a, b in self.left.bridges(gone)}
        now, beside = self.right.edges(come), self.right.bridges(come)
        lost: dict[int, list[int]] = {}
        new: dict[int, list[int]] = {}
        for source, target in sorted(was - now - beside):
            lost.setdefault(target, []).append(source)
        for source, target in sorted(now - was - around):
            new.setdefault(target, []).append(source)
        for target in sorted({*lost, *new}):
            yield self._edge(target, lost.get(target, []), new.get(target, []))
        for left, right in partner.items():
            before = [partner.get(n) for n in self.left.sources[left]]
            after = self.right.sources[right]
            if before != after and sorted(map(str, before)) == sorted(map(str, after)):
                yield self._edge(right, [], [])

    def _edge(self, target: int, lost: list[int], new: list[int]) -> RankedChange:
        name = self.right.name(target)
        old, fresh = self.right.names(lost), self.right.names(new)
        if lost and new:
            message = f"{name} takes its input from {fresh} instead of {old}"
        elif new:
            message = f"{name} also takes its input from {fresh}"
        elif lost:
            message = f"{name} no longer takes its input from {old}"
        else:
            message = f"{name} takes its inputs in another order"
        id_ = self.right.layer(target)
        partner = None if id_ is None else self.matching.left_of.get(id_)
        if id_ is None or partner is None:
            return found("graph", message, place=self.both.place + 0.3, cause=True)
        place = self.matching.place(right=id_)
        return found("graph", message, *self.both.two(partner, id_), place=place, cause=True)

    def _ends(self, gone: AbstractSet[int], come: AbstractSet[int]) -> Iterator[RankedChange]:
        model = layer(self.right.graph.model)
        place = self.both.place + 0.4
        was, now = self.both.mapped(self.left.outputs(gone)), self.right.outputs(come)
        straight = [n for n in self.left.graph.outputs if n not in gone]
        lost = [n for n in self.both.mapped(straight) if n not in now]
        new = [n for n in self.right.graph.outputs if n not in come and n not in was]
        swapped = was != now and sorted(was) == sorted(now)
        if lost or new or swapped:
            yield found("graph", self._outputs(model, lost, new), place=place, cause=True)
        starts = self.both.mapped(self.left.graph.inputs)
        others = [n for n in self.right.graph.inputs if n in self.both.back]
        if starts != others and sorted(starts) == sorted(others):
            names_ = self.right.names(others)
            message = f"the inputs of {model} are in another order: {names_}"
            yield found("graph", message, place=place)

    def _outputs(self, model: str, lost: list[int], new: list[int]) -> str:
        """That outputs come from other nodes of the right."""
        gone, come = self.right.names(lost), self.right.names(new)
        if come and gone:
            return f"the output of {model} comes from {come} instead of {gone}"
        if come:
            return f"{model} also gives the output of {come}"
        if gone:
            return f"{model} no longer gives the output of {gone}"
        return f"the outputs of {model} are in another order"
