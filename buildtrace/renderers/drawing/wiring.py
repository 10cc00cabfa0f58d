"""How a block of a subdiagram is connected: what two blocks have in common that are wired alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from buildtrace.renderers.drawing.diagram import ends

if TYPE_CHECKING:
    from collections.abc import Iterable

    from buildtrace.renderers.drawing.diagram import Member, SubDiagram

    Pairs = frozenset[tuple[int, int]]

OUTSIDE = -1
"""The place of what is outside of the whole subdiagram."""


class Seams(NamedTuple):
    """How a block is connected, as pairs of places: those of its own boxes count from 0 in it.

    Attributes:
        inner: from a box of the block to another one of it.
        entering: from a box elsewhere, by its place in the subdiagram, to one of the block.
        leaving: from a box of the block to one elsewhere.
    """

    inner: Pairs
    entering: Pairs
    leaving: Pairs


class Wiring:
    """The boxes and frames of a subdiagram, by their places in its order.

    Args:
        subdiagram: the boxes and their connections.
    """

    def __init__(self, subdiagram: SubDiagram) -> None:
        self._place = {id_: n for n, id_ in enumerate(ends(subdiagram.members))}
        self._sources: dict[int, set[int]] = {n: set() for n in self._place.values()}
        self._targets: dict[int, set[int]] = {n: set() for n in self._place.values()}
        for connection in subdiagram.connections:
            source = self._place.get(connection.source, OUTSIDE)
            target = self._place.get(connection.target, OUTSIDE)
            self._connect(source, target)
        for id_ in subdiagram.entries:
            self._connect(OUTSIDE, self._place.get(id_, OUTSIDE))
        for id_ in subdiagram.exits:
            self._connect(self._place.get(id_, OUTSIDE), OUTSIDE)

    def _connect(self, source: int, target: int) -> None:
        if target != OUTSIDE:
            self._sources[target].add(source)
        if source != OUTSIDE:
            self._targets[source].add(target)

    def place(self, block: Iterable[Member]) -> int:
        """The place of the block's first box or frame."""
        return self._place[next(ends(block))]

    def seams(self, block: Iterable[Member]) -> Seams:
        """How the block is connected."""
        places = [self._place[id_] for id_ in ends(block)]
        own = {place: number for number, place in enumerate(places)}
        arriving = [(source, place) for place in places for source in self._sources[place]]
        leaving = [(place, target) for place in places for target in self._targets[place]]
        return Seams(
            frozenset((own[s], own[t]) for s, t in arriving if s in own),
            frozenset((s, own[t]) for s, t in arriving if s not in own),
            frozenset((own[s], t) for s, t in leaving if t not in own),
        )
