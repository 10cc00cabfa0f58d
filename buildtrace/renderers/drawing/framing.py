"""Puts a frame around each block of layers, for viewers that open and close frames by themselves.

Blocks are those that the layers' names tell of, as in "conv2_block1_add", and those that a picture
draws once or as one box (see `repeated_blocks` and `coarsening`). Here every layer of each stays.
"""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING

from buildtrace.renderers.drawing import coarsening, repeated_blocks
from buildtrace.renderers.drawing.caption import common_name, joined, short
from buildtrace.renderers.drawing.diagram import (
    Box,
    Group,
    Member,
    count_layers,
    count_parameters,
)
from buildtrace.renderers.drawing.levels import FEW
from buildtrace.renderers.drawing.member_graph import MemberGraph
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from buildtrace.renderers.drawing.diagram import SubDiagram

NUMBERED = re.compile(r"[A-Za-z]+[_-]?\d+[a-z]?(?=[_/.-])")
"""A part of a name that tells of a block: "block1", "block_2", "block3a", and more behind it."""


DEEPEST = 4
"""So many frames are around each other at most by what a name says."""


def blocks(subdiagram: SubDiagram) -> SubDiagram:
    """The inside of a model with its blocks in frames; of few layers each is seen at once.

    First those that names tell of. Of the rest, the blocks that come again and again; then layers
    that branch off and all lead to one of them; then what comes again in other sizes.
    """
    if len(subdiagram.members) <= FEW:
        return subdiagram
    subdiagram = replace(subdiagram, members=tuple(_by_name(subdiagram.members)))
    rows = repeated_blocks.rows_of_blocks(subdiagram, repeated_blocks.exactly)
    subdiagram = _framed(subdiagram, _blocks_in(rows))
    graph = MemberGraph(subdiagram)
    joining = coarsening.joining_blocks(subdiagram)
    branched = (b for b in joining if any(len(graph.sources(member)) > 1 for member in b))
    subdiagram = _framed(subdiagram, branched)
    rows = repeated_blocks.rows_of_blocks(subdiagram, repeated_blocks.roughly)
    return _framed(subdiagram, _blocks_in(rows))


# -- by name ----------------------------------------------------------------------------------


def _by_name(members: Sequence[Member], depth: int = 0) -> Iterator[Member]:
    """The members, with frames around those next to each other whose names begin alike.

    Members next to each other are a block however they are connected: all that one of them leads
    to comes behind it.

    Args:
        members: in the order of a subdiagram.
        depth: how many numbered parts their names have in common already.
    """
    for stem, run in groupby(members, lambda member: _stem(member, depth)):
        together = [*run]
        if stem and len(together) > 1 and depth < DEEPEST:
            inside = [*_by_name(together, depth + 1)]
            yield inside[0] if len(inside) == 1 else _frame(inside, short(stem))
        else:
            yield from together


def _stem(member: Member, depth: int) -> str:
    """What a name begins with: "conv2", and with one more part "conv2_block1"; "" if nothing."""
    name, end = _name(member), 0
    for _ in range(depth + 1):
        found = NUMBERED.match(name, end)
        if found is None or _is_given_by_keras(member):
            return ""
        end = found.end() + 1
    return name[: end - 1]


def _is_given_by_keras(member: Member) -> bool:
    """Whether a layer's name is that of its class with a number, as in "conv2d_7"."""
    if isinstance(member, Group):
        return True
    row = member.rows[0]
    return row.name.replace("_", "").rstrip("0123456789") == row.class_name.lower()


# -- by the connections -----------------------------------------------------------------------


def _blocks_in(rows: Iterable[Sequence[Sequence[Member]]]) -> Iterator[Sequence[Member]]:
    """The blocks of these rows that no block is in yet."""
    for row in rows:
        yield from (block for block in row if not any(map(_is_block, block)))


def _is_block(member: Member) -> bool:
    """Whether it is a frame of ours, and no nested model."""
    return isinstance(member, Group) and member.node_ref is None


def _framed(subdiagram: SubDiagram, blocks: Iterable[Sequence[Member]]) -> SubDiagram:
    """The subdiagram with a frame around each of these, where the last of its members was.

    All that leads into the block stands before that. A block of one needs no frame.
    """
    frames = {b[-1].id: _frame(b, _title(b)) for b in blocks if len(b) > 1}
    inside = {member.id for frame in frames.values() for member in frame.members}
    members = [
        frames.get(member.id, member)
        for member in subdiagram.members
        if member.id in frames or member.id not in inside
    ]
    return replace(subdiagram, members=tuple(members))


def _title(block: Sequence[Member]) -> str:
    """What the names in it begin with, or else the first and the last one."""
    names = [_name(member) for member in block if not _is_operation(member)]
    if not names:
        return "operations"
    return short(common_name(names) or f"{names[0]} to {names[-1]}")


# -- frames -----------------------------------------------------------------------------------


def _frame(block: Sequence[Member], title: str) -> Group:
    parameters = count_parameters(block)
    return Group(
        id=f"{block[0].id}_b",
        title=title,
        note=joined(
            wording.count(count_layers(block), "layer"),
            wording.count(parameters, "parameter") if parameters else "",
        ),
        members=tuple(block),
        built=all(member.built for member in block),
    )


def _name(member: Member) -> str:
    return member.title if isinstance(member, Group) else member.rows[0].name


def _is_operation(member: Member) -> bool:
    return isinstance(member, Box) and member.rows[0].kind.name == "operation"
