"""Draws blocks that are alike once: "times 12" for blocks in a row, "times 8, side by side".

Blocks are alike if they have the same layers, inside connections, inputs and outputs:

- In a row, what each block takes of the one before is what the first one takes from outside, and
  what the next one takes of it is what the last one gives to the outside. Besides, all of them may
  take the same from outside, such as a mask, and give to the same, such as a concatenation.
- Side by side, all of them take the same and give to the same.

So a frame around one block says how all of them are connected.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from buildtrace.renderers.drawing.caption import TIMES, common_name, joined, short
from buildtrace.renderers.drawing.diagram import (
    Box,
    BoxRow,
    Connection,
    Group,
    Member,
    SubDiagram,
    boxes,
    count_layers,
    count_parameters,
    ends,
    rename,
)
from buildtrace.renderers.drawing.member_graph import MemberGraph
from buildtrace.renderers.drawing.wiring import Seams, Wiring
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Sequence

    Sign = Callable[[BoxRow], Hashable]

Members = list[Member]

LONGEST_PERIOD = 64
LEAST_SAVED = 4
"""Blocks are drawn once if that saves so many boxes."""


def exactly(row: BoxRow) -> Hashable:
    """What two layers have in common that differ in their names alone."""
    return row.signature


def roughly(row: BoxRow) -> Hashable:
    """What two layers have in common that differ in their sizes too."""
    return row.class_name, row.kind.name, row.built


def _sign(member: Member, sign: Sign) -> Hashable:
    """What two members have in common that are alike, whatever they are connected to."""
    if isinstance(member, Box):
        return tuple(sign(row) for row in member.rows)
    inside = tuple(_sign(inner, sign) for inner in member.members)
    return member.repeats, member.side_by_side, member.built, member.failed, inside


def _size(block: Members) -> int:
    return sum(1 for _ in boxes(block))


# -- side by side -----------------------------------------------------------------------------


def side_by_side(subdiagram: SubDiagram) -> SubDiagram:
    """Draws alike branches with the same sources and the same targets once."""
    wiring = Wiring(subdiagram)
    alike: dict[Hashable, list[Members]] = defaultdict(list)
    for branch in _branches(subdiagram):
        signs = tuple(_sign(member, exactly) for member in branch)
        alike[signs, wiring.seams(branch)].append(branch)
    folded = [
        branches
        for branches in alike.values()
        if (len(branches) - 1) * _size(branches[0]) >= LEAST_SAVED
    ]
    return _drawn_once(subdiagram, [(branches, _frame(branches, True)) for branches in folded])


def _branches(subdiagram: SubDiagram) -> Iterator[Members]:
    """The members in chains that are as long as can be."""
    graph = MemberGraph(subdiagram)
    member_by_id = {member.id: member for member in subdiagram.members}
    following: dict[str, Member] = {}
    for member in subdiagram.members:
        targets = graph.targets(member)
        after = member_by_id.get(next(iter(targets))) if len(targets) == 1 else None
        is_end = any(id_ in subdiagram.exits for id_ in ends([member]))
        if after and not is_end and graph.sources(after) == {member.id}:
            following[member.id] = after
    later = {member.id for member in following.values()}
    for member in subdiagram.members:
        if member.id not in later:
            branch = [member]
            while branch[-1].id in following:
                branch.append(following[branch[-1].id])
            yield branch


# -- in a row ---------------------------------------------------------------------------------


def in_a_row(subdiagram: SubDiagram, sign: Sign) -> SubDiagram:
    """Draws alike blocks, each of which goes on where the one before ended, once.

    Args:
        subdiagram: the inside of a model.
        sign: what has to be the same of two layers.
    """
    note = "" if sign is exactly else ROUGH
    rows = rows_of_blocks(subdiagram, sign)
    return _drawn_once(subdiagram, [(blocks, _frame(blocks, False, note)) for blocks in rows])


def rows_of_blocks(subdiagram: SubDiagram, sign: Sign) -> Iterator[list[Members]]:
    """The alike blocks of each row, as `in_a_row` finds them."""
    search = _Search(subdiagram, sign)
    at = 0
    while at < len(search.chunks):
        start, period, times = search.best(at)
        if times > 1:
            yield [search.block(start + number * period, period) for number in range(times)]
        at = start + period * times


class _RowSeams(NamedTuple):
    """How a block of a row is connected; each box by its place in its own block.

    Attributes:
        seams: how it is connected at all.
        taken: what comes from the block before.
        besides: what comes from elsewhere.
        given: what goes elsewhere than to the block after.
    """

    seams: Seams
    taken: frozenset[tuple[int, int]]
    besides: frozenset[tuple[int, int]]
    given: frozenset[tuple[int, int]]


class _Search:
    """Finds alike blocks that come one after the other."""

    def __init__(self, subdiagram: SubDiagram, sign: Sign) -> None:
        self.chunks = MemberGraph(subdiagram).chunks()
        self._signs = [tuple(_sign(member, sign) for member in chunk) for chunk in self.chunks]
        self._wiring = Wiring(subdiagram)

    def block(self, start: int, period: int) -> Members:
        """The members of so many chunks."""
        return [member for chunk in self.chunks[start : start + period] for member in chunk]

    def best(self, at: int) -> tuple[int, int, int]:
        """The repetition that begins `at` a chunk and saves most: its start, period, how often."""
        best, saved = (at, 1, 1), LEAST_SAVED - 1
        for period in range(1, min(LONGEST_PERIOD, (len(self.chunks) - at) // 2) + 1):
            times = self._times(at, period)
            saves = (times - 1) * _size(self.block(at, period)) if times > 1 else 0
            if saves > saved:
                best, saved = (at, period, times), saves
        start, period, times = best
        # Of the ways to cut a repetition into blocks, one that begins at a fork reads best.
        for shift in range(period if times > 1 else 0):
            is_fork = len(self.chunks[start + shift]) > 1
            if is_fork and self._times(start + shift, period) == times:
                return start + shift, period, times
        return best

    def _times(self, start: int, period: int) -> int:
        """How often the block of `period` chunks from `start` on comes, each time alike."""
        signs = self._signs[start : start + period]
        times = 1
        while signs == self._signs[start + times * period : start + (times + 1) * period]:
            times += 1
        return self._connected_alike(start, period, times) if times > 1 else 1

    def _connected_alike(self, start: int, period: int, times: int) -> int:
        """How many of so many blocks are connected as the first is."""
        first, second = (self._row_seams(start + number * period, period) for number in (0, 1))
        if not second.taken or not _begins_alike(first, second):
            return 1
        links = [first]
        for number in range(1, times):
            before, link = links[-1], self._row_seams(start + number * period, period)
            if (link.seams.inner, link.taken, link.besides) != (
                first.seams.inner,
                second.taken,
                second.besides,
            ) or before.given != first.given:
                break
            links.append(link)
        # Fewer blocks always end alike: the last of these gives what it has to a further one.
        return len(links) if _ends_alike(links[-1], second, first) else len(links) - 1

    def _row_seams(self, start: int, period: int) -> _RowSeams:
        block = self.block(start, period)
        first, size = self._wiring.place(block), sum(1 for _ in ends(block))
        seams = self._wiring.seams(block)
        before, after = range(first - size, first), range(first + size, first + 2 * size)
        return _RowSeams(
            seams,
            frozenset((s - before.start, t) for s, t in seams.entering if s in before),
            frozenset((s, t) for s, t in seams.entering if s not in before),
            frozenset((s, t) for s, t in seams.leaving if t not in after),
        )


def _begins_alike(first: _RowSeams, second: _RowSeams) -> bool:
    """Whether the first block takes from outside what the second one takes of the first."""
    entering = first.seams.entering
    if not second.besides <= entering:
        return False
    own = entering - second.besides
    explained = set(second.besides)
    for giver in {source for source, _ in second.taken}:
        takers = {target for source, target in second.taken if source == giver}
        sources = [s for s in {s for s, _ in entering} if {(s, t) for t in takers} <= entering]
        if not sources:
            return False
        # What every block takes besides can stand for the block before, too.
        source = max(sources, key=lambda s: (any((s, t) in own for t in takers), s))
        explained |= {(source, target) for target in takers}
    return entering <= explained


def _ends_alike(last: _RowSeams, second: _RowSeams, first: _RowSeams) -> bool:
    """Whether the last block gives to the outside what the others give to the next one."""
    givers = {source for source, _ in second.taken}
    leaving = last.seams.leaving
    return first.given <= leaving and {s for s, _ in leaving - first.given} <= givers


# -- drawing once -----------------------------------------------------------------------------

ROUGH = "alike but for their sizes"


def _frame(blocks: Sequence[Members], side_by_side: bool, note: str = "") -> Group:
    """The group that stands for alike blocks."""
    names = [_name(block) for block in (blocks[0], blocks[-1])]
    if names[0] == names[1]:
        names = [_first_name(block) for block in (blocks[0], blocks[-1])]
    times = f"{TIMES} {len(blocks):,}{', side by side' if side_by_side else ''}"
    total = sum(count_parameters(block) for block in blocks)
    return Group(
        id=f"{blocks[0][0].id}_x",
        title=f"{times}: {' … '.join(dict.fromkeys(map(short, names)))}",
        note=joined(
            f"{wording.count(count_layers(blocks[0]), 'layer')} each",
            f"{wording.count(total, 'parameter')} in all" if total else "",
            note,
        ),
        members=tuple(_standing_for(blocks)),
        repeats=len(blocks),
        side_by_side=side_by_side,
        built=all(box.built for block in blocks for box in boxes(block)),
    )


def _name(block: Members) -> str:
    """What the names in a block begin with, or else the first one."""
    names: list[str] = []
    for member in block:
        if isinstance(member, Group):
            names.append(member.title)
        else:
            names += [row.name for row in member.rows if row.kind.name != "operation"]
    return common_name(names) or _first_name(block)


def _first_name(block: Members) -> str:
    first = block[0]
    return first.title if isinstance(first, Group) else first.rows[0].name


def _standing_for(blocks: Sequence[Sequence[Member]]) -> Iterator[Member]:
    """The members of the first block, each row naming the nodes of all of them."""
    for members in zip(*blocks, strict=True):
        first = members[0]
        if isinstance(first, Group):
            inner = [member.members for member in members if isinstance(member, Group)]
            yield replace(first, members=tuple(_standing_for(inner)))
        else:
            rows = zip(*(member.rows for member in members if isinstance(member, Box)), strict=True)
            yield Box(first.id, tuple(_one_row(same) for same in rows))


def _one_row(rows: Sequence[BoxRow]) -> BoxRow:
    notes = dict.fromkeys([rows[0].note, rows[-1].note])
    return replace(
        rows[0],
        note=" … ".join(notes),
        node_refs=tuple(node_ref for row in rows for node_ref in row.node_refs),
    )


class _Copy(NamedTuple):
    """A box or frame of one of several alike blocks.

    Attributes:
        drawn: what is drawn for it.
        frame: the frame around the block that is drawn.
        block: the number of its own block.
    """

    drawn: str
    frame: str
    block: int


def _drawn_once(
    subdiagram: SubDiagram, folded: Sequence[tuple[list[Members], Group]]
) -> SubDiagram:
    """The subdiagram with each list of alike blocks replaced by its frame."""
    copies: dict[str, _Copy] = {}
    frames: dict[str, Group] = {}
    gone: set[str] = set()
    for blocks, frame in folded:
        # All that the first block takes stands before its last member.
        frames[blocks[0][-1].id] = frame
        gone.update(member.id for block in blocks for member in block)
        for number, block in enumerate(blocks):
            pairs = zip(ends(block), ends(blocks[0]), strict=True)
            copies.update((id_, _Copy(first, frame.id, number)) for id_, first in pairs)
    members = [
        frames.get(member.id, member)
        for member in subdiagram.members
        if member.id in frames or member.id not in gone
    ]
    kept = replace(
        subdiagram,
        members=tuple(members),
        connections=tuple(_said_once(subdiagram.connections, copies)),
    )
    return rename(kept, {id_: copy.drawn for id_, copy in copies.items()})


def _said_once(connections: Sequence[Connection], copies: dict[str, _Copy]) -> list[Connection]:
    """The connections, but for those that a frame says.

    One of a first block stands for those of the others. What the last block alone gives away
    leaves the frame.
    """
    kept: dict[int, Connection] = {}
    drawn: dict[tuple[str, str], int] = {}
    order = sorted(range(len(connections)), key=lambda n: _is_copy(connections[n], copies))
    for number in order:
        connection = connections[number]
        source, target = copies.get(connection.source), copies.get(connection.target)
        if source and target and source.frame == target.frame and source.block != target.block:
            continue  # from block to block
        ends = (
            source.drawn if source else connection.source,
            target.drawn if target else connection.target,
        )
        if _is_copy(connection, copies) and ends in drawn:
            same = kept[drawn[ends]]
            node_refs = (*same.node_refs, *connection.node_refs)
            kept[drawn[ends]] = replace(same, node_refs=node_refs)
        else:
            drawn.setdefault(ends, number)
            kept[number] = replace(connection, source=ends[0], target=ends[1])
    return [kept[number] for number in sorted(kept)]


def _is_copy(connection: Connection, copies: dict[str, _Copy]) -> bool:
    """Whether it has an end in a block that is not drawn."""
    ends = (copies.get(connection.source), copies.get(connection.target))
    return any(copy is not None and copy.block > 0 for copy in ends)
