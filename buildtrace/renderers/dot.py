"""The graph in Graphviz' language."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.renderers import boxes_html as html
from buildtrace.renderers.columns import column_of, columns
from buildtrace.renderers.diagram import Box, count_boxes
from buildtrace.renderers.picture import diagrams

if TYPE_CHECKING:
    import graphviz

    from buildtrace.renderers.diagram import Diagram, Group, Line, Member
    from buildtrace.renderers.options import Options
    from buildtrace.trace import Trace

FONT = "Helvetica,Arial,sans-serif"
GRAY = "#4B5563"

MOST_LABELED = 150
"""In a picture of more boxes, these say the shapes: labels on so many lines are clutter, and
dot's way of leading long lines around them does not end."""

# Splines are never "ortho": some versions of dot crash on them.
GRAPH = {"rankdir": "TB", "ranksep": "0.3", "nodesep": "0.3"}


def render(trace: Trace, options: Options) -> str:
    """The file's content."""
    return source(next(diagrams(trace, options)))


def source(diagram: Diagram) -> str:
    """The diagram in Graphviz' language; the same diagram gives the same text."""
    import graphviz  # takes longer to import than the rest of this package

    graph = graphviz.Digraph(
        "buildtrace",
        graph_attr={**GRAPH, "fontname": FONT, "fontcolor": html.INK, "bgcolor": "white"},
        node_attr={"fontname": FONT, "fontsize": "12", "fontcolor": html.INK, "shape": "box"},
        edge_attr={"fontname": FONT, "fontsize": "10", "fontcolor": GRAY, "color": GRAY},
    )
    # Without the two limits, dot does not end on long skip connections.
    limit = "2" if count_boxes(diagram) <= MOST_LABELED else "0.2"
    graph.attr(nslimit=limit, nslimit1=limit)
    graph.attr(label=html.header(diagram), labelloc="t", tooltip=" ")
    _Writer(diagram, graph).write()
    return str(graph.source)


class _Writer:
    def __init__(self, diagram: Diagram, graph: graphviz.Digraph) -> None:
        self._diagram = diagram
        self._graph = graph
        self._labels = count_boxes(diagram) <= MOST_LABELED
        self._saying = {line.source for line in diagram.lines} if self._labels else set()
        self._columns = columns(diagram)
        self._column = column_of(self._columns)
        self._jump = self._numbered_jumps()

    def _numbered_jumps(self) -> dict[tuple[str, int], int]:
        """A number for each box that sends to another column, by box and column."""
        numbers: dict[str, int] = {}
        found = {}
        for line in self._diagram.lines:
            target = self._column.get(line.target)
            if self._column.get(line.source) != target and target is not None:
                number = numbers.setdefault(line.source, len(numbers) + 1)
                found[line.source, target] = number
        return found

    def write(self) -> None:
        found = self._columns
        if len(found) > 1:
            # Packed, dot forgets to make room for labels between two ranks: leave a rank free,
            # which is what it does by itself otherwise.
            self._graph.attr(pack="24", packmode=f"array_ut{len(found)}", ranksep="0.15")
            self._graph.attr("edge", minlen="2")
            for number, members in enumerate(found):
                # With "u", and without the numbers that it means, clusters are packed in the order
                # in which they are written; otherwise by size.
                with self._graph.subgraph(name=f"cluster_column{number}") as column:
                    column.attr(label="", peripheries="0", style="", margin="0")
                    self._members(column, members)
                    self._jumps(column, number)
        elif len(self._diagram.models) == 1:
            self._members(self._graph, self._diagram.models[0].members)
        else:
            for model in self._diagram.models:
                self._group(self._graph, model)
        self._lines()

    def _members(self, graph: graphviz.Digraph, members: list[Member] | tuple[Member, ...]) -> None:
        for member in members:
            if isinstance(member, Box):
                graph.node(
                    member.id, id=member.id, **html.box(member, member.id not in self._saying)
                )
            else:
                self._group(graph, member)

    def _group(self, graph: graphviz.Digraph, group: Group) -> None:
        with graph.subgraph(name=f"cluster_{group.id}") as inner:
            inner.attr(id=group.id, **html.group(group))
            self._members(inner, group.members)

    def _jumps(self, column: graphviz.Digraph, number: int) -> None:
        """A sign where a line leaves the column, and one where it goes on in a later one."""
        for (source, target), jump in self._jump.items():
            if self._column[source] == number:
                _sign(column, f"from_{source}", jump)
            if target == number:
                _sign(column, f"to_{source}_{target}", jump)

    def _lines(self) -> None:
        labeled: set[tuple[str, str]] = set()
        left: set[str] = set()
        for line in self._diagram.lines:
            # Of several lines with the same tensor one says its shape.
            said = not self._labels or (line.source, line.label) in labeled
            label = "" if said else line.label
            labeled.add((line.source, line.label))
            target = self._column.get(line.target, 0)
            if (line.source, target) not in self._jump:
                self._edge(line.source, line.target, label, line)
                continue
            if line.source not in left:
                self._edge(line.source, f"from_{line.source}", label, line)
                left.add(line.source)
            self._edge(f"to_{line.source}_{target}", line.target, "", line)

    def _edge(self, source: str, target: str, label: str, line: Line) -> None:
        more = {"label": f"<{html.text(f' {label} ')}>"} if label else {}
        tip = html.tooltip(line.label) if line.label else " "
        self._graph.edge(source, target, edgetooltip=tip, **more)


def _sign(column: graphviz.Digraph, id_: str, number: int) -> None:
    column.node(
        id_,
        label=str(number),
        shape="circle",
        width="0.28",
        fixedsize="true",
        style="filled",
        fillcolor=html.INK,
        fontcolor="white",
        fontsize="10",
        tooltip=f"goes on at the other {number}",
    )
