"""How tensors flow through the members of a part, and where the flow can be cut."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.renderers.drawing.diagram import Box, boxes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from buildtrace.renderers.drawing.diagram import Member, Part, Row


MOST_READERS = 3
"""An only input that more members read than these is on the side, like a mask."""


class Flow:
    """The lines of a part as a graph of its direct members; a group counts as one.

    Args:
        part: the members and lines.
        inputs_count: whether a line from a model's input, too, keeps a chunk in one piece.
    """

    def __init__(self, part: Part, inputs_count: bool = False) -> None:
        self._members = part.members
        self._place = {member.id: place for place, member in enumerate(part.members)}
        self._inputs = {member.id for member in part.members if _is_input(member)}
        self._owner = {box.id: m.id for m in part.members for box in boxes([m])}
        self._before: dict[str, list[str]] = {}
        self._after: dict[str, list[str]] = {}
        for line in part.lines:
            source = self._owner.get(line.source, line.source)
            target = self._owner.get(line.target, line.target)
            if source != target:
                self._before.setdefault(target, []).append(source)
                self._after.setdefault(source, []).append(target)
        # An only input is where the main stream begins, not something on the side, unless
        # layers everywhere read it.
        only = [id_ for id_ in self._inputs if len(self._inputs) == 1]
        begins = any(len(set(self._after.get(id_, ()))) <= MOST_READERS for id_ in only)
        self._inputs_count = inputs_count or begins

    def before(self, member: Member) -> set[str]:
        """Ids of what sends tensors to the member."""
        return set(self._before.get(member.id, ()))

    def after(self, member: Member) -> set[str]:
        """Ids of what the member sends tensors to."""
        return set(self._after.get(member.id, ()))

    def chunks(self, width: int = 1) -> list[list[Member]]:
        """The members, cut wherever all that flows on comes from the last one before the cut.

        A layer in a chain is a chunk of its own; so is a fork, all its branches and their join.
        A mask that every block reads need not hold a cut up: see `inputs_count`.

        Args:
            width: so many members in all may send tensors over a cut.
        """
        place = self._place
        found: list[list[Member]] = [[]]
        open_: list[int] = []  # for each earlier member that sends beyond this one, how far
        for i, member in enumerate(self._members):
            found[-1].append(member)
            open_ = [reach for reach in open_ if reach > i]
            if len(open_) < width:
                found.append([])
            if self._inputs_count or not _is_input(member):
                open_.append(max((place.get(id_, -1) for id_ in self.after(member)), default=-1))
        return [chunk for chunk in found if chunk]

    def signature(
        self, chunk: Sequence[Member], sign: Callable[[Row], tuple[object, ...]]
    ) -> tuple[object, ...]:
        """What two chunks have in common if they are alike in their layers and wiring.

        Args:
            chunk: one of `chunks`.
            sign: what has to be the same of two layers.
        """
        place = {member.id: i for i, member in enumerate(chunk)}
        first = self._place[chunk[0].id]
        previous = self._members[first - 1].id if first else ""
        signs: list[object] = []
        for member in chunk:
            # A source outside the chunk is the end of the chunk before, or an input by its name.
            sources = [
                place.get(id_, id_ if id_ in self._inputs and id_ != previous else -1)
                for id_ in self._before.get(member.id, ())
            ]
            # The insides of two groups count as alike if their boxes are, in order.
            rows = tuple(sign(row) for box in boxes([member]) for row in box.rows)
            signs.append((isinstance(member, Box), rows, tuple(sources)))
        return tuple(signs)


def _is_input(member: Member) -> bool:
    return isinstance(member, Box) and member.rows[-1].kind.name == "input"
