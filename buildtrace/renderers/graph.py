"""The topology: a row for each node from the inputs to the outputs, with its lines drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.renderers import format as fmt
from buildtrace.renderers import styles, summary
from buildtrace.renderers.lanes import Lanes
from buildtrace.renderers.lines import Line, Lines, Part, wrapped
from buildtrace.renderers.models import outermost, weights_by_layer
from buildtrace.renderers.tables import Column, Row, table

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from buildtrace.renderers.options import Options
    from buildtrace.trace import Graph, Node, Trace, Weight

WIDEST_DRAWING = 24
"""If the lines need more columns than this, the column "from" alone says what is connected."""

COLUMNS = [
    Column(""),
    Column("#", right=True),
    Column("layer", least=18),
    Column("class", least=14, rank=3),
    Column("output", least=20),
    Column("parameters", right=True),
    Column("depth", right=True, rank=4),
    Column("from", least=8, rank=1),
]


def render(trace: Trace, options: Options) -> Lines:
    """The graphs of all models, nested ones inside the models that they are part of."""
    trace = summary.subject(trace, options)
    return Lines(lambda width: _lines(trace, options, width))


def _lines(trace: Trace, options: Options, width: int) -> Iterator[Line]:
    graphs = outermost(trace)
    if not graphs:
        yield [Part("No model was built: there is no graph to show.")]
    weights = weights_by_layer(trace)
    for number, graph in enumerate(graphs):
        if number:
            yield []
        yield from _heading(graph, weights, width)
        rows = list(_Rows(trace, weights, options.full).of(graph, [], ""))
        if any(sum(len(part.text) for part in row[0]) > WIDEST_DRAWING for row in rows):
            rows = [[[], *row[1:]] for row in rows]
        if rows:
            yield from table(COLUMNS, rows, width)
    yield from summary.failure(trace, width)


def _heading(graph: Graph, weights: dict[int, list[Weight]], width: int) -> Iterator[Line]:
    made = fmt.parameters(weights.get(graph.model.id, []))
    facts = [
        fmt.count(len(graph.nodes), "node"),
        fmt.count(len(graph.edges), "connection"),
        fmt.count(made, "parameter"),
        "built" if graph.built else "not built",
    ]
    title = f"{fmt.clean(graph.model.name)} {fmt.layer(graph.model)}"
    yield from wrapped(title, width, [], [], styles.HEADING)
    yield from wrapped(" · ".join(facts), width, [], [])
    if graph.source == "flow":
        text = "Keras keeps no graph of this model; this one shows how its tensors went."
        if not graph.edges:
            text = "This model has no graph, or none yet; these are its layers."
        yield from wrapped(text, width, [], [], styles.NOTE)


class _Rows:
    """The rows of a graph, and of the graphs of the models in it."""

    def __init__(self, trace: Trace, weights: dict[int, list[Weight]], full: bool) -> None:
        self.weights = weights
        self.full = full
        self.shown: dict[Hashable, str] = {}
        self.graphs = {graph.model.id: graph for graph in trace.graphs}

    def of(self, graph: Graph, outer: list[int], before: str) -> Iterator[Row]:
        """The rows of `graph`, which is inside the models `outer`.

        Args:
            graph: whose nodes.
            outer: ids of the models around it, itself not included.
            before: the lines of those models, which go on beside this one's.
        """
        nodes = sorted(graph.nodes, key=lambda node: (-node.depth, node.id))
        sources: dict[int, list[int]] = {node.id: [] for node in nodes}
        for edge in graph.edges:
            if edge.target in sources and edge.source not in sources[edge.target]:
                sources[edge.target].append(edge.source)
        lanes = Lanes([node.id for node in nodes], sources)
        previous: int | None = None
        for node in nodes:
            inner = self._inner(node, [*outer, graph.model.id])
            like = self.shown.get(_form(inner), "") if inner and not self.full else ""
            drawing = before + lanes.draw(node.id, _dot(node))
            row = self._row(node, drawing, sources[node.id], previous, len(outer))
            row[2] += [Part(f" (inside as {like})", styles.NOTE)] if like else []
            yield row
            previous = node.id
            if inner and not like:
                self.shown[_form(inner)] = fmt.clean(node.name)
                around = [*outer, graph.model.id]
                yield from self.of(inner, around, f"{before}{lanes.going_on()}  ")

    def _inner(self, node: Node, around: list[int]) -> Graph | None:
        """The graph inside a node, if it is to be shown there."""
        if node.layer is None or node.index or node.layer in around:
            return None
        return self.graphs.get(node.layer)

    def _row(
        self, node: Node, drawing: str, sources: list[int], previous: int | None, level: int
    ) -> Row:
        style = styles.KIND[node.kind] if node.built else styles.QUIET
        name = [Part("  " * level), Part(fmt.clean(node.name), style)]
        class_name = "operation" if node.kind == "operation" else fmt.clean(node.class_name)
        origin = ", ".join(str(source) for source in sources)
        return [
            [Part(drawing, styles.QUIET)],
            [Part(str(node.id), styles.QUIET)],
            name,
            [Part(class_name, styles.QUIET)],
            [Part(fmt.tensors(node.outputs))],
            [self._parameters(node)],
            [Part(str(node.depth), styles.QUIET)],
            [Part("" if sources == [previous] else origin)],
        ]

    def _parameters(self, node: Node) -> Part:
        if not node.built:
            return Part("not built", styles.SWALLOWED)
        if node.index:
            return Part("shared", styles.NOTE)
        number = fmt.parameters(self.weights.get(-1 if node.layer is None else node.layer, []))
        return Part(f"{number:,}" if number else "")


def _form(graph: Graph) -> Hashable:
    """Equal for graphs of the same classes, connected alike."""
    nodes = tuple((node.class_name, node.kind, node.built) for node in graph.nodes)
    return nodes, tuple((edge.source, edge.target) for edge in graph.edges)


def _dot(node: Node) -> str:
    if node.kind == "model":
        return "◆"
    return "●" if node.built and node.kind != "input" else "○"
