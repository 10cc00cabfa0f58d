"""How the members of a subdiagram are connected, and where that graph can be cut."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.renderers.drawing.diagram import Box, boxes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from buildtrace.renderers.drawing.diagram import BoxRow, Member, SubDiagram


MOST_READERS = 3
"""An only input that more members read than these is on the side, like a mask."""


class MemberGraph:
    """The direct members of a subdiagram as nodes; a group counts as one.

    Args:
        subdiagram: the members and their connections.
        inputs_count: whether a connection from a model's input, too, keeps a chunk in one piece.
    """

    def __init__(self, subdiagram: SubDiagram, inputs_count: bool = False) -> None:
        self._members = subdiagram.members
        self._position = {member.id: n for n, member in enumerate(subdiagram.members)}
        self._inputs = {member.id for member in subdiagram.members if _is_input(member)}
        self._owner = {box.id: m.id for m in subdiagram.members for box in boxes([m])}
        self._sources: dict[str, list[str]] = {}
        self._targets: dict[str, list[str]] = {}
        for connection in subdiagram.connections:
            source = self._owner.get(connection.source, connection.source)
            target = self._owner.get(connection.target, connection.target)
            if source != target:
                self._sources.setdefault(target, []).append(source)
                self._targets.setdefault(source, []).append(target)
        # An only input is where the main stream begins, not something on the side, unless
        # layers everywhere read it.
        only = [id_ for id_ in self._inputs if len(self._inputs) == 1]
        begins = any(len(set(self._targets.get(id_, ()))) <= MOST_READERS for id_ in only)
        self._inputs_count = inputs_count or begins

    def sources(self, member: Member) -> set[str]:
        """Ids of what sends tensors to the member."""
        return set(self._sources.get(member.id, ()))

    def targets(self, member: Member) -> set[str]:
        """Ids of what the member sends tensors to."""
        return set(self._targets.get(member.id, ()))

    def chunks(self, width: int = 1) -> list[list[Member]]:
        """The members, cut wherever all that flows on comes from the last one before the cut.

        A layer in a chain is a chunk of its own; so is a fork, all its branches and their join.
        A mask that every block reads need not hold a cut up: see `inputs_count`.

        Args:
            width: so many members in all may send tensors over a cut.
        """
        position = self._position
        chunks: list[list[Member]] = [[]]
        open_: list[int] = []  # for each earlier member that sends beyond this one, how far
        for i, member in enumerate(self._members):
            chunks[-1].append(member)
            open_ = [reach for reach in open_ if reach > i]
            if len(open_) < width:
                chunks.append([])
            if self._inputs_count or not _is_input(member):
                reached = (position.get(id_, -1) for id_ in self.targets(member))
                open_.append(max(reached, default=-1))
        return [chunk for chunk in chunks if chunk]

    def signature(
        self, chunk: Sequence[Member], sign: Callable[[BoxRow], tuple[object, ...]]
    ) -> tuple[object, ...]:
        """What two chunks have in common if they are alike in their layers and wiring.

        Args:
            chunk: one of `chunks`.
            sign: what has to be the same of two layers.
        """
        position = {member.id: i for i, member in enumerate(chunk)}
        first = self._position[chunk[0].id]
        previous = self._members[first - 1].id if first else ""
        signs: list[object] = []
        for member in chunk:
            # A source outside the chunk is the end of the chunk before, or an input by its name.
            sources = [
                position.get(id_, id_ if id_ in self._inputs and id_ != previous else -1)
                for id_ in self._sources.get(member.id, ())
            ]
            # The insides of two groups count as alike if their boxes are, in order.
            rows = tuple(sign(row) for box in boxes([member]) for row in box.rows)
            signs.append((isinstance(member, Box), rows, tuple(sources)))
        return tuple(signs)


def _is_input(member: Member) -> bool:
    return isinstance(member, Box) and member.rows[-1].kind.name == "input"
