"""How the members of a subdiagram are connected, and where that graph can be cut."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.renderers.drawing.diagram import Box, ends

if TYPE_CHECKING:
    from collections.abc import Container

    from buildtrace.renderers.drawing.diagram import Member, SubDiagram


MOST_READERS = 3
"""What members in more places read than these is on the side, like a mask."""


class MemberGraph:
    """The direct members of a subdiagram as nodes; a group counts as one.

    Args:
        subdiagram: the members and their connections.
    """

    def __init__(self, subdiagram: SubDiagram) -> None:
        self._members = subdiagram.members
        self._position = {member.id: n for n, member in enumerate(subdiagram.members)}
        self._owner = {id_: m.id for m in subdiagram.members for id_ in ends([m])}
        self._sources: dict[str, set[str]] = {}
        self._targets: dict[str, set[str]] = {}
        for connection in subdiagram.connections:
            source = self._owner.get(connection.source, connection.source)
            target = self._owner.get(connection.target, connection.target)
            if source != target:
                self._sources.setdefault(target, set()).add(source)
                self._targets.setdefault(source, set()).add(target)

    def sources(self, member: Member) -> set[str]:
        """Ids of what sends tensors to the member."""
        return self._sources.get(member.id, set())

    def targets(self, member: Member) -> set[str]:
        """Ids of what the member sends tensors to."""
        return self._targets.get(member.id, set())

    def pieces(self) -> list[list[Member]]:
        """The members, cut wherever all that flows on comes from the last one before the cut."""
        return self._cut(())

    def chunks(self) -> list[list[Member]]:
        """As `pieces`, but what is on the side may go on over a cut.

        A layer in a chain is a chunk of its own; so is a fork, all its branches and their join.
        A mask that every block reads does not hold a cut up.
        """
        return self._cut(self._on_the_side())

    def _on_the_side(self) -> set[str]:
        """Several inputs, and what is read everywhere; not an only input, where all begins."""
        inputs = {member.id for member in self._members if is_input(member)}
        side = inputs if len(inputs) > 1 else set()
        wide = {m.id for m in self._members if len(self.targets(m)) > MOST_READERS}
        chunk_of = {
            member.id: number
            for number, chunk in enumerate(self._cut(side | wide))
            for member in chunk
        }
        for id_ in wide:
            read_in = {chunk_of.get(target) for target in self._targets[id_]}
            if len(read_in) > MOST_READERS:
                side.add(id_)
        return side

    def _cut(self, side: Container[str]) -> list[list[Member]]:
        """The members, cut where only the last one before the cut, or one on the side, sends on."""
        pieces: list[list[Member]] = [[]]
        reach = -1  # how far those send that are not the last one
        for i, member in enumerate(self._members):
            pieces[-1].append(member)
            if reach <= i:
                pieces.append([])
            if member.id not in side:
                reached = (self._position.get(id_, -1) for id_ in self.targets(member))
                reach = max(reach, *reached, -1)
        return [piece for piece in pieces if piece]


def is_input(member: Member) -> bool:
    """Whether a member is an input of the model."""
    return isinstance(member, Box) and member.rows[-1].kind.name == "input"
