"""Blocks that are drawn as one box or once for several, opened in their place."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from buildtrace.renderers.drawing import coarsening, topology
from buildtrace.renderers.drawing.caption import joined
from buildtrace.renderers.drawing.diagram import Box, Group, boxes, count_boxes
from buildtrace.renderers.drawing.levels import LEVELS
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from buildtrace.renderers import Options
    from buildtrace.renderers.drawing.diagram import Diagram, Member, NodeRef
    from buildtrace.traces.trace import Trace


class FoldedBlock(NamedTuple):
    """What is folded in a diagram.

    Attributes:
        id: of the box or frame.
        title: what is written on it, without how often it is there.
        nodes: of all layers that it stands for.
    """

    id: str
    title: str
    nodes: frozenset[NodeRef]

    @property
    def opened_id(self) -> str:
        """The id of the frame around its layers when it is open."""
        return f"{self.id}_open"


def blocks(members: Iterable[Member]) -> Iterator[FoldedBlock]:
    """The blocks that can be opened; none that is inside of another."""
    for member in members:
        if isinstance(member, Box):
            row = member.rows[0]
            if len(member.rows) == 1 and row.layers > 1 and row.node is None:
                yield FoldedBlock(member.id, row.title, frozenset(row.node_refs))
        elif member.repeats > 1:
            nodes = (ref for box in boxes([member]) for row in box.rows for ref in row.node_refs)
            yield FoldedBlock(member.id, member.title.partition(": ")[2], frozenset(nodes))
        else:
            yield from blocks(member.members)


def opened(trace: Trace, options: Options, diagram: Diagram, block: FoldedBlock) -> Diagram:
    """The diagram of one model with one of its blocks open, and all the rest as it is."""
    graphs, notes = topology.chosen(trace, options)
    note = joined(wording.count(len(block.nodes), "layer"), "open")
    frame = Group(id=block.opened_id, title=block.title, note=note)
    coarsen = coarsening.opened(LEVELS[diagram.level], block.nodes, frame)
    drawn = topology.model(trace, options, coarsen, graphs[0], 1)
    made = topology.diagram([drawn], notes)
    first = diagram.notes[0].partition(" drawn as ")[0]
    number = wording.count(count_boxes(made), "box", "boxes")
    return replace(made, notes=(f"{first} drawn as {number}", *made.notes), level=diagram.level)
