"""The graph in Graphviz' language."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.renderers import boxes_html as html
from buildtrace.renderers.columns import column_of, columns
from buildtrace.renderers.diagram import Box
from buildtrace.renderers.picture import diagrams

if TYPE_CHECKING:
    import graphviz

    from buildtrace.renderers.diagram import Diagram, Group, Line, Member
    from buildtrace.renderers.options import Options
    from buildtrace.trace import Trace

FONT = "Helvetica,Arial,sans-serif"
GRAY = "#4B5563"

# Without the two limits, dot does not end on long skip connections. Splines are never "ortho":
# some versions of dot crash on them.
GRAPH = {"rankdir": "TB", "nslimit": "2", "nslimit1": "2", "ranksep": "0.3", "nodesep": "0.3"}


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
    graph.attr(label=html.header(diagram), labelloc="t", tooltip=" ")
    _Writer(diagram, graph).write()
    return str(graph.source)


class _Writer:
    def __init__(self, diagram: Diagram, graph: graphviz.Digraph) -> None:
        self._diagram = diagram
        self._graph = graph
        self._sending = {line.source for line in diagram.lines}

    def write(self) -> None:
        found = columns(self._diagram)
        if len(found) > 1:
            # Packed, dot forgets to make room for labels between two ranks: leave a rank free,
            # which is what it does by itself otherwise.
            self._graph.attr(pack="24", packmode=f"array_ut{len(found)}", ranksep="0.15")
            self._graph.attr("edge", minlen="2")
            for number, members in enumerate(found):
                self._members(self._graph, members, {"sortv": str(number + 1)})
        elif len(self._diagram.models) == 1:
            self._members(self._graph, self._diagram.models[0].members, {})
        else:
            for model in self._diagram.models:
                self._group(self._graph, model, {})
        self._lines(column_of(found))

    def _members(
        self, graph: graphviz.Digraph, members: list[Member] | tuple[Member, ...], more: dict[str, str]
    ) -> None:
        for member in members:
            if isinstance(member, Box):
                graph.node(member.id, **html.box(member, member.id not in self._sending), **more)
            else:
                self._group(graph, member, more)

    def _group(self, graph: graphviz.Digraph, group: Group, more: dict[str, str]) -> None:
        with graph.subgraph(name=f"cluster_{group.id}") as inner:
            inner.attr(**html.group(group), **more)
            self._members(inner, group.members, more)

    def _lines(self, column: dict[str, int]) -> None:
        labeled: set[tuple[str, str]] = set()
        jumps: dict[str, int] = {}
        for line in self._diagram.lines:
            # Of several lines with the same tensor one says its shape.
            label = "" if (line.source, line.label) in labeled else line.label
            labeled.add((line.source, line.label))
            first, last = column.get(line.source), column.get(line.target)
            if first == last or first is None or last is None:
                self._edge(line.source, line.target, label, line)
                continue
            if line.source not in jumps:
                jumps[line.source] = len(jumps) + 1
                self._jump(f"from{jumps[line.source]}", jumps[line.source], first)
                self._jump(f"to{jumps[line.source]}", jumps[line.source], last)
                self._edge(line.source, f"from{jumps[line.source]}", label, line)
            self._edge(f"to{jumps[line.source]}", line.target, "", line)

    def _jump(self, id_: str, number: int, column: int) -> None:
        """A sign at the end of a column and at the head of the next: go on there."""
        self._graph.node(
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
            sortv=str(column + 1),
        )

    def _edge(self, source: str, target: str, label: str, line: Line) -> None:
        text = html.text(f" {label} ") if label else ""
        tip = html.tooltip(line.label) if line.label else " "
        self._graph.edge(source, target, label=f"<{text}>" if text else "", edgetooltip=tip)
