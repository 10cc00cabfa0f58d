"""The graph in Graphviz' language."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.renderers.drawing import dot_labels, weight_areas
from buildtrace.renderers.drawing.columns import column_of, columns, side_by_side
from buildtrace.renderers.drawing.diagram import Box, Group, SubDiagram, boxes, count_boxes
from buildtrace.renderers.drawing.kinds import INK
from buildtrace.renderers.drawing.levels import diagrams
from buildtrace.renderers.drawing.member_graph import MemberGraph

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import graphviz

    from buildtrace.renderers import Options
    from buildtrace.renderers.drawing.diagram import Connection, Diagram, Member
    from buildtrace.traces.trace import Trace

FONT = "Helvetica,Arial,sans-serif"
GRAY = "#4B5563"

# Splines are never "ortho": some versions of dot crash on them.
GRAPH = {"rankdir": "TB", "ranksep": "0.3", "nodesep": "0.3"}

ACROSS = 4
"""So many boxes that nothing connects stand side by side."""

MOST_LABELED = 150
"""In a picture of more boxes, these say the shapes: labels on so many edges are clutter, and
dot takes long to lead edges around them."""


def render(trace: Trace, options: Options) -> str:
    """The file's content."""
    return source(next(diagrams(trace, options)))


def source(diagram: Diagram, plain: bool = False, page: bool = True) -> str:
    """The diagram in Graphviz' language; the same diagram gives the same text.

    Args:
        diagram: what to write down.
        plain: whether to make the layout as easy as can be: straight lines that say nothing.
        page: whether it stands alone: with a header, and in columns if it is long. Otherwise it is
            part of a page, whose scripts show how it comes to be: it has room for the weights.
    """
    import graphviz  # takes longer to import than the rest of this package

    ground = "white" if page else "transparent"
    graph = graphviz.Digraph(
        "buildtrace",
        graph_attr={**GRAPH, "fontname": FONT, "fontcolor": INK, "bgcolor": ground},
        node_attr={"fontname": FONT, "fontsize": "12", "fontcolor": INK, "shape": "box"},
        edge_attr={"fontname": FONT, "fontsize": "10", "fontcolor": GRAY, "color": GRAY},
    )
    # Without the two limits, dot does not end on long skip connections.
    labels = not plain and count_boxes(diagram) <= MOST_LABELED
    limit = "2" if labels else "0.2"
    graph.attr(nslimit=limit, nslimit1=limit)
    if plain:
        graph.attr(splines="line", mclimit="0.1")
    graph.attr(tooltip=" ")
    if page:
        graph.attr(label=dot_labels.header(diagram), labelloc="t")
    _DotWriter(diagram, graph, labels, columns(diagram) if page else [], live=not page).write()
    return str(graph.source)


class _DotWriter:
    """Writes a diagram into Graphviz' graph.

    Args:
        diagram: what to write.
        graph: is filled.
        labels: whether edges say the shapes of their tensors.
        by_column: the members of each column; none if there are no columns.
        live: whether a page shows how it comes to be.
    """

    def __init__(
        self,
        diagram: Diagram,
        graph: graphviz.Digraph,
        labels: bool,
        by_column: list[list[Member]],
        live: bool,
    ) -> None:
        self._diagram = diagram
        self._live = live
        self._weights = live and count_boxes(diagram) <= weight_areas.MOST_BOXES
        self._failed = set(_failed(diagram.models)) if live else set()
        self._graph = graph
        self._labels = labels
        self._labeled = {c.source for c in diagram.connections} if labels else set()
        self._columns = by_column
        self._column = column_of(self._columns)
        self._jump = self._numbered_jumps()
        self._frames = dict(_frames(diagram.models))
        self._connected = {end for c in diagram.connections for end in (c.source, c.target)}
        if self._frames.keys() & self._connected:
            graph.attr(compound="true")

    def _numbered_jumps(self) -> dict[tuple[str, int], int]:
        """A number for each box that sends to another column, by box and column."""
        numbers: dict[str, int] = {}
        jumps = {}
        for connection in self._diagram.connections:
            target = self._column.get(connection.target)
            if self._column.get(connection.source) != target and target is not None:
                number = numbers.setdefault(connection.source, len(numbers) + 1)
                jumps[connection.source, target] = number
        return jumps

    def write(self) -> None:
        models = self._diagram.models
        if len(self._columns) > 1:
            self._pack(len(self._columns))
            for number, members in enumerate(self._columns):
                # With "u", and without the numbers that it means, clusters are packed in the order
                # in which they are written; otherwise by size.
                with self._graph.subgraph(name=f"cluster_column{number}") as column:
                    column.attr(label="", peripheries="0", style="", margin="0")
                    self._members(column, members)
                    self._jumps(column, number)
        elif len(models) == 1:
            self._members(self._graph, models[0].members)
        else:
            across = side_by_side(self._diagram)
            if across < len(models):
                self._pack(across)
            for model in models:
                self._group(self._graph, model)
        self._edges()

    def _pack(self, across: int) -> None:
        """Have what is not connected in rows of so many, in the order in which it is written."""
        # Packed, dot forgets to make room for labels between two ranks: leave a rank free,
        # which is what it does by itself otherwise.
        self._graph.attr(pack="24", packmode=f"array_ut{across}", ranksep="0.15")
        self._graph.attr("edge", minlen="2")

    def _members(self, graph: graphviz.Digraph, members: list[Member] | tuple[Member, ...]) -> None:
        for member in members:
            if isinstance(member, Box):
                graph.node(
                    member.id,
                    id=member.id,
                    **dot_labels.box(
                        member, member.id not in self._labeled, self._live, self._weights
                    ),
                    **self._class(member.id),
                )
            else:
                self._group(graph, member)
        self._stack(graph, members)

    def _stack(self, graph: graphviz.Digraph, members: Sequence[Member]) -> None:
        """Has many members that nothing connects stand in rows, not in one long line."""
        if len(members) <= ACROSS or any(member.id in self._connected for member in members):
            return
        wires = MemberGraph(SubDiagram(tuple(members), self._diagram.connections))
        if any(wires.sources(member) or wires.targets(member) for member in members):
            return
        boxes_of = [[box.id for box in boxes([member])] for member in members]
        for above, below in zip(boxes_of, boxes_of[ACROSS:], strict=False):
            if above and below:
                graph.edge(above[-1], below[0], style="invis")

    def _group(self, graph: graphviz.Digraph, group: Group) -> None:
        with graph.subgraph(name=f"cluster_{group.id}") as inner:
            inner.attr(id=group.id, **dot_labels.group(group), **self._class(group.id))
            self._members(inner, group.members)

    def _class(self, id_: str) -> dict[str, str]:
        """What tells a page's styles that an exception ended it."""
        return {"class": "failed"} if id_ in self._failed else {}

    def _jumps(self, column: graphviz.Digraph, number: int) -> None:
        """A sign where an edge leaves the column, and one where it goes on in a later one."""
        for (source, target), jump in self._jump.items():
            if self._column[source] == number:
                _sign(column, f"from_{source}", jump)
            if target == number:
                _sign(column, f"to_{source}_{target}", jump)

    def _edges(self) -> None:
        labeled: set[tuple[str, str]] = set()
        left: set[str] = set()
        for number, connection in enumerate(self._diagram.connections):
            source, target = connection.source, connection.target
            # Of several edges with the same tensor one says its shape.
            said = not self._labels or (source, connection.label) in labeled
            label = "" if said else connection.label
            labeled.add((source, connection.label))
            column = self._column.get(target, 0)
            if (source, column) not in self._jump:
                self._edge(source, target, label, connection, number)
                continue
            if source not in left:
                self._edge(source, f"from_{source}", label, connection, number)
                left.add(source)
            self._edge(f"to_{source}_{column}", target, "", connection, number)

    def _edge(
        self, source: str, target: str, label: str, connection: Connection, number: int
    ) -> None:
        more = {"label": f"<{dot_labels.text(f' {label} ')}>"} if label else {}
        # Graphviz leads edges to nodes alone; it can cut them off at a frame around.
        if source in self._frames:
            more["ltail"], source = f"cluster_{source}", self._frames[source][1]
        if target in self._frames:
            more["lhead"], target = f"cluster_{target}", self._frames[target][0]
        tip = dot_labels.tooltip(connection.label) if connection.label else " "
        classes = f"line{number}{' failed' if connection.target in self._failed else ''}"
        self._graph.edge(source, target, edgetooltip=tip, **{"class": classes}, **more)


def _frames(members: Iterable[Member]) -> Iterator[tuple[str, tuple[str, str]]]:
    """For each frame that is not empty its first and its last box."""
    for member in members:
        if isinstance(member, Group):
            inside = [box.id for box in boxes(member.members)]
            if inside:
                yield member.id, (inside[0], inside[-1])
            yield from _frames(member.members)


def _failed(members: Iterable[Member]) -> Iterator[str]:
    """The ids of the boxes and frames that ended in an exception."""
    for member in members:
        if member.failed:
            yield member.id
        if isinstance(member, Group):
            yield from _failed(member.members)


def _sign(column: graphviz.Digraph, id_: str, number: int) -> None:
    column.node(
        id_,
        label=str(number),
        shape="circle",
        width="0.28",
        fixedsize="true",
        style="filled",
        fillcolor=INK,
        fontcolor="white",
        fontsize="10",
        tooltip=f"goes on at the other {number}",
    )
