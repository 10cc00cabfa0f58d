"""Makes a diagram coarser: alike blocks become one, runs of layers become one box.

Works on the inside of one model at a time. A nested model that is drawn as a group is one
member among others here, and stays as it is.

Whatever is made coarser, the wiring stays: between two boxes there is a connection if, and only
if, a layer of the one feeds a layer of the other. And no box leads back to itself: of what a box
stands for, each layer comes before, or nothing lies in between.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from buildtrace.renderers.drawing import repeated_blocks
from buildtrace.renderers.drawing.caption import TIMES, common_name, joined, short
from buildtrace.renderers.drawing.diagram import (
    Box,
    BoxRow,
    Group,
    Member,
    SubDiagram,
    boxes,
    rename,
)
from buildtrace.renderers.drawing.member_graph import MemberGraph, is_input
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence

    from buildtrace.renderers.drawing.diagram import NodeRef

Coarsening = Callable[[SubDiagram], SubDiagram]


def nothing(subdiagram: SubDiagram) -> SubDiagram:
    """Leaves every layer as it is."""
    return subdiagram


def repeats(subdiagram: SubDiagram) -> SubDiagram:
    """Blocks that differ in names alone are drawn once, "times 3"."""
    return repeated_blocks.in_a_row(
        repeated_blocks.side_by_side(subdiagram), repeated_blocks.exactly
    )


def alike(subdiagram: SubDiagram) -> SubDiagram:
    """As `repeats`, for blocks in a row that differ in sizes too."""
    return repeated_blocks.in_a_row(subdiagram, repeated_blocks.roughly)


def runs(subdiagram: SubDiagram) -> SubDiagram:
    """Layers one after the other, with no way in or out between them, share a box."""
    return _everywhere(subdiagram, lambda part, _: _runs(part, _is_layer))


def runs_of_blocks(subdiagram: SubDiagram) -> SubDiagram:
    """As `runs`, for boxes that stand for blocks too."""
    return _everywhere(subdiagram, lambda part, _: _runs(part, lambda _: True))


def blocks(subdiagram: SubDiagram) -> SubDiagram:
    """Layers that all lead to one of them, and nowhere else, become one box."""
    return _everywhere(subdiagram, _blocks)


def _everywhere(
    subdiagram: SubDiagram, coarsen: Callable[[SubDiagram, int], SubDiagram], times: int = 1
) -> SubDiagram:
    """The subdiagram made coarser, and inside its repeated blocks too.

    Args:
        subdiagram: the inside of a model, or of a block.
        coarsen: gets that, and how many blocks it stands for.
        times: how many that are.
    """
    members: list[Member] = []
    for member in subdiagram.members:
        if isinstance(member, Group) and member.repeats > 1:
            inside = replace(subdiagram, members=member.members)
            inner = _everywhere(inside, coarsen, times * member.repeats)
            member = replace(member, members=inner.members)
            subdiagram = replace(inner, members=subdiagram.members)
        members.append(member)
    return coarsen(replace(subdiagram, members=tuple(members)), times)


def opened(coarsen: Coarsening, nodes: frozenset[NodeRef], frame: Group) -> Coarsening:
    """As another coarsening, but what is folded into one box or frame is drawn layer by layer.

    Args:
        coarsen: what is done to all the rest: a group stays as it is.
        nodes: those of the layers that are drawn, all of one model.
        frame: is drawn around them.
    """

    def coarse(subdiagram: SubDiagram) -> SubDiagram:
        inside = [member for member in subdiagram.members if _nodes([member]) <= nodes]
        inside = [member for member in inside if _nodes([member])]
        if _nodes(inside) != nodes:
            return coarsen(subdiagram)
        group = replace(frame, members=tuple(inside))
        ids = {member.id for member in inside}
        members = [
            group if member.id == inside[-1].id else member
            for member in subdiagram.members
            if member.id not in ids or member.id == inside[-1].id
        ]
        return coarsen(replace(subdiagram, members=tuple(members)))

    return coarse


def _nodes(members: Sequence[Member]) -> set[NodeRef]:
    """The nodes that these stand for."""
    return {node_ref for box in boxes(members) for row in box.rows for node_ref in row.node_refs}


# -- runs -------------------------------------------------------------------------------------


def _is_layer(box: Box) -> bool:
    return all(row.node is not None for row in box.rows)


def _runs(subdiagram: SubDiagram, fits: Callable[[Box], bool]) -> SubDiagram:
    """Chains of boxes that fit share a box."""
    graph = MemberGraph(subdiagram)
    merged: list[list[Member]] = []
    for member in subdiagram.members:
        last = merged[-1][-1] if merged else None
        if (
            isinstance(member, Box)
            and isinstance(last, Box)
            and graph.sources(member) == {last.id}
            and graph.targets(last) == {member.id}
            and last.id not in subdiagram.exits
            and _mixes(last, member)
            and fits(last)
            and fits(member)
        ):
            merged[-1].append(member)
        else:
            merged.append([member])
    return _joined(subdiagram, merged, lambda rows: rows)


def _mixes(last: Box, member: Box) -> bool:
    """Inputs stay on their own, and what is built, what is not and what failed apart."""
    if last.failed or member.failed:
        return False
    return last.rows[-1].kind.name != "input" and last.built == member.built


def _joined(
    subdiagram: SubDiagram,
    merged: Sequence[Sequence[Member]],
    row_of: Callable[[tuple[BoxRow, ...]], tuple[BoxRow, ...]],
) -> SubDiagram:
    """The subdiagram with each list of boxes made one box, called by the first one's id.

    Args:
        subdiagram: whose members.
        merged: all of its members; a list of several has nothing but boxes.
        row_of: makes the rows of a box of all rows of a list.
    """
    members: list[Member] = []
    names: dict[str, str] = {}
    for together in merged:
        first = together[0]
        if len(together) == 1:
            members.append(first)
            continue
        rows = tuple(row for box in boxes(together) for row in box.rows)
        members.append(Box(first.id, row_of(rows)))
        names.update((member.id, first.id) for member in together)
    return rename(replace(subdiagram, members=tuple(members)), names)


# -- blocks -----------------------------------------------------------------------------------


def _blocks(subdiagram: SubDiagram, times: int) -> SubDiagram:
    merged = [*joining_blocks(subdiagram)]
    return _joined(subdiagram, merged, lambda rows: (_summary(rows, times),))


def joining_blocks(subdiagram: SubDiagram) -> Iterator[list[Member]]:
    """All members, those together that lead to one of them, and nowhere else.

    An input, a group, an exit and what failed is on its own.
    """
    graph = MemberGraph(subdiagram)
    for chunk in graph.chunks():
        whole = {
            member.id
            for member in chunk
            if not isinstance(member, Box)
            or is_input(member)
            or member.failed
            or member.id in subdiagram.exits
        }
        kinds = _kinds_at_ends(graph, chunk, whole)
        ends = _ends(graph, chunk, whole | {m.id for m in chunk if _kind(m) in kinds}, whole)
        yield from _grouped(chunk, ends)


def _ends(
    graph: MemberGraph, chunk: Sequence[Member], fixed: set[str], whole: set[str]
) -> dict[str, str]:
    """For each member of a chunk the one that its block ends with.

    All that is in a block leads to its end, and nowhere else. So blocks are no more in a circle
    than their ends are.

    Args:
        graph: of the subdiagram that the chunk is a part of.
        chunk: members in order.
        fixed: ids of those that end a block in any case.
        whole: ids of those of these that no other member shares a block with.
    """
    ends: dict[str, str] = {}
    for member in reversed(chunk):
        led_to = {ends.get(target, "") for target in graph.targets(member)}
        end = led_to.pop() if len(led_to) == 1 else ""
        ends[member.id] = member.id if not end or end in whole or member.id in fixed else end
    return ends


def _kinds_at_ends(graph: MemberGraph, chunk: Sequence[Member], whole: set[str]) -> set[Hashable]:
    """The kinds of layers most of which end a block: one that joins others, and that others read.

    Of a network of cells, the last ones may be read by one other alone, and would be lost in it.
    """
    forks = {member.id for member in chunk if len(graph.targets(member)) > 1}
    ends = _ends(graph, chunk, whole | forks, whole)
    sources: dict[str, set[str]] = defaultdict(set)
    for member in chunk:
        own = ends[member.id]
        sources[own] |= {ends.get(id_, "") for id_ in graph.sources(member)} - {own}
    at_ends = Counter(
        _kind(member)
        for member in chunk
        if len(sources[member.id]) > 1
        and len({ends.get(id_, "") for id_ in graph.targets(member)} - {ends[member.id]}) > 1
    )
    all_ = Counter(_kind(member) for member in chunk)
    return {kind for kind, number in at_ends.items() if number > all_[kind] / 2}


def _kind(member: Member) -> Hashable:
    """Equal for layers that do the same at different places of a model, by class and name."""
    if not isinstance(member, Box):
        return member.id
    row = member.rows[-1]
    return row.class_name, re.sub(r"\d+", "#", row.name)


def _grouped(chunk: Sequence[Member], ends: dict[str, str]) -> Iterator[list[Member]]:
    """The members of each block, the blocks in the order of their ends."""
    together: dict[str, list[Member]] = defaultdict(list)
    for member in chunk:
        together[ends[member.id]].append(member)
    for member in chunk:
        if ends[member.id] == member.id:
            yield together[member.id]


def _summary(rows: Sequence[BoxRow], times: int) -> BoxRow:
    """One row that stands for a block, or for so many that are alike."""
    pieces = [len(row.node_refs) // times for row in rows]
    node_refs = [
        node_ref
        for block in range(times)
        for row, piece in zip(rows, pieces, strict=True)
        for node_ref in row.node_refs[block * piece : (block + 1) * piece]
    ]
    classes = Counter(row.class_name for row in rows)
    name = common_name([row.name for row in rows if row.kind.name != "operation"])
    heaviest = max(rows, key=lambda row: row.parameters)
    words = [f"{name} {TIMES} {n}" if n > 1 else name for name, n in classes.most_common(4)]
    return BoxRow(
        name=name or rows[-1].name,
        title=short(name) or f"… {rows[-1].title}",
        class_name=", ".join(words) + (", …" if len(classes) > len(words) else ""),
        kind=heaviest.kind,
        shape=rows[-1].shape,
        parameters=sum(row.parameters for row in rows),
        note=wording.count(sum(row.layers for row in rows), "layer"),
        tooltip=joined(*(row.title for row in rows)),
        built=all(row.built for row in rows),
        layers=sum(row.layers for row in rows),
        node_refs=tuple(node_refs),
    )
