"""What a picture shows, before it is laid out: boxes, groups of boxes, and connections.

`topology` makes a `Diagram` of a trace's graphs, `coarsening` makes it coarser, and `dot` and
`mermaid` each write it down in a language.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from buildtrace.renderers.drawing.kinds import LayerKind
    from buildtrace.traces.schema import Node, Weight


class NodeRef(NamedTuple):
    """Names a node of a trace: the id of the model whose graph it is in, and its id there."""

    model: int
    node: int


@dataclass(frozen=True)
class BoxRow:
    """One layer (or what stands for several) as a box shows it.

    Attributes:
        name: the layer's name, whole.
        title: the name as the box shows it.
        class_name: the layer's class.
        kind: gives the color.
        shape: the output's shape, or "".
        parameters: number of parameters; 0 if there are none, or if another row says them.
        note: a few words on what is special here, such as "call 2 of 3".
        tooltip: all that is known, in one line.
        built: whether the layer is built.
        layers: how many layers the row stands for.
        node: the node of the graph, if the row is no more than that.
        node_refs: the nodes that the row stands for, those of repeated blocks included.
        weights: what the layer has, where this is the first call of a layer.
        again: whether it is a later call of a layer, which builds nothing.
    """

    name: str
    title: str
    class_name: str
    kind: LayerKind
    shape: str = ""
    parameters: int = 0
    note: str = ""
    tooltip: str = ""
    built: bool = True
    layers: int = 1
    node: Node | None = field(default=None, compare=False, repr=False)
    node_refs: tuple[NodeRef, ...] = field(default=(), compare=False)
    weights: tuple[Weight, ...] = field(default=(), compare=False, repr=False)
    again: bool = field(default=False, compare=False)

    @property
    def failed(self) -> bool:
        """Whether an exception ended it."""
        return self.kind.name == "failed"

    @property
    def faded(self) -> bool:
        """Whether it is drawn as something that is not there yet."""
        return not self.built and not self.failed

    @property
    def signature(self) -> tuple[object, ...]:
        """What two rows have in common if they differ in no more than their names."""
        return (self.class_name, self.kind.name, self.shape, self.parameters, self.built)


@dataclass(frozen=True)
class Box:
    """A box of one row or, for a run of layers one after the other, of several."""

    id: str
    rows: tuple[BoxRow, ...]

    @property
    def built(self) -> bool:
        """Whether every layer in it is built."""
        return all(row.built for row in self.rows)

    @property
    def failed(self) -> bool:
        """Whether a layer in it failed: such a box has no other row."""
        return any(row.failed for row in self.rows)


@dataclass(frozen=True)
class Group:
    """Boxes drawn inside a frame: a nested model, or one of several blocks that are alike.

    Attributes:
        repeats: how many alike blocks this one stands for; 1 for a model.
        side_by_side: whether these have the same sources and targets; otherwise each one's output
            is the next one's input.
        failed: whether an exception ended the call of the model.
        node_ref: the node that a nested model is, in the graph around it.
    """

    id: str
    title: str
    note: str = ""
    members: tuple[Member, ...] = ()
    repeats: int = 1
    side_by_side: bool = False
    built: bool = True
    failed: bool = False
    node_ref: NodeRef | None = field(default=None, compare=False)


Member = Box | Group


@dataclass(frozen=True)
class Connection:
    """A tensor on its way from one box to another.

    Attributes:
        source: id of the box that it comes from, or of a frame in which nobody knows its way.
        target: id of the box that it goes to, or of such a frame.
        label: its shape.
        node_refs: the nodes that it goes to; no part of what makes two connections the same.
    """

    source: str
    target: str
    label: str = ""
    node_refs: tuple[NodeRef, ...] = field(default=(), compare=False)


@dataclass(frozen=True)
class SubDiagram:
    """The inside of one model, or a part of it.

    Attributes:
        members: what is directly in it.
        connections: those among its boxes.
        entries: ids of the boxes that connections from outside go to.
        exits: ids of the boxes that connections to the outside come from.
    """

    members: tuple[Member, ...]
    connections: tuple[Connection, ...]
    entries: tuple[str, ...] = ()
    exits: tuple[str, ...] = ()


@dataclass(frozen=True)
class Diagram:
    """What a picture shows.

    Attributes:
        models: the models, side by side.
        connections: all of them, whatever group their ends are in.
        notes: what a viewer should know, such as what was made coarser.
        level: how coarse it is; 0 shows every layer.
    """

    models: tuple[Group, ...]
    connections: tuple[Connection, ...]
    notes: tuple[str, ...] = field(default=())
    level: int = 0


def boxes(members: Iterable[Member]) -> Iterator[Box]:
    """All boxes, those inside groups included, in order."""
    for member in members:
        if isinstance(member, Box):
            yield member
        else:
            yield from boxes(member.members)


def frames(members: Iterable[Member]) -> Iterator[Group]:
    """All groups, those inside of others included, in order."""
    for member in members:
        if isinstance(member, Group):
            yield member
            yield from frames(member.members)


def ends(members: Iterable[Member]) -> Iterator[str]:
    """The ids of all that a connection can begin or end at: boxes, and frames."""
    for member in members:
        yield member.id
        if isinstance(member, Group):
            yield from ends(member.members)


def count_boxes(diagram: Diagram) -> int:
    """How many boxes the picture has."""
    return sum(1 for _ in boxes(diagram.models))


def count_layers(members: Iterable[Member]) -> int:
    """How many layers the boxes stand for."""
    return _sum(members, lambda row: row.layers)


def count_parameters(members: Iterable[Member]) -> int:
    """How many parameters these layers have."""
    return _sum(members, lambda row: row.parameters)


def _sum(members: Iterable[Member], number: Callable[[BoxRow], int]) -> int:
    """The sum over all rows, those of repeated blocks as often as there are blocks."""
    return sum(
        sum(number(row) for row in member.rows)
        if isinstance(member, Box)
        else member.repeats * _sum(member.members, number)
        for member in members
    )


def rename(subdiagram: SubDiagram, names: dict[str, str]) -> SubDiagram:
    """The subdiagram with other boxes in the place of those that are named.

    Of connections that are the same then, there is one; one that ends where it begins is gone.
    Entries and exits keep their numbers, as connections from outside go by these.

    Args:
        subdiagram: its members are not changed.
        names: the id to use instead, by id.
    """
    node_refs: dict[Connection, dict[NodeRef, None]] = {}
    for connection in subdiagram.connections:
        source = names.get(connection.source, connection.source)
        target = names.get(connection.target, connection.target)
        if source != target:
            renamed = replace(connection, source=source, target=target)
            node_refs.setdefault(renamed, {}).update(dict.fromkeys(connection.node_refs))
    return replace(
        subdiagram,
        connections=tuple(replace(c, node_refs=tuple(refs)) for c, refs in node_refs.items()),
        entries=tuple(names.get(entry, entry) for entry in subdiagram.entries),
        exits=tuple(names.get(exit_, exit_) for exit_ in subdiagram.exits),
    )
