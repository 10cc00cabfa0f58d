"""The topology: a row for each node from the inputs to the outputs, with its lines drawn."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from buildtrace.renderers.drawing.member_graph import MOST_READERS
from buildtrace.renderers.terminal import summary
from buildtrace.renderers.text import styles
from buildtrace.renderers.text.lanes import Lanes
from buildtrace.renderers.text.lines import Line, Lines, Part, width_of, wrapped
from buildtrace.renderers.text.tables import Column, Row, SpanningRow, table
from buildtrace.traces import wording
from buildtrace.traces.gaps import Gap, Limits, gaps
from buildtrace.traces.shown_models import More, form, shown
from buildtrace.traces.totals import NOTHING, Share, shares, totals_of_model
from buildtrace.traces.unseen import unseen_flow

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from buildtrace.renderers import Options
    from buildtrace.traces.schema import Graph, Node
    from buildtrace.traces.trace import Trace

LIMITS = Limits(few=40, many=80, most=100)
"""How many rows a graph may have; a model in it is a graph of its own."""

NO_MODEL = "No model was built: there is no graph to show."
NO_MODEL_IN_FILE = "The file does not say how its layers are connected: there is no graph to show."

NO_GRAPH = "This model has no graph, or none yet; these are its layers."

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
    graphs = shown(trace, options.full)
    if not graphs:
        yield [Part(NO_MODEL if trace.saved is None else NO_MODEL_IN_FILE)]
    for number, graph in enumerate(graphs):
        if number:
            yield []
        if isinstance(graph, More):
            yield from wrapped(graph.text, width, [], [], styles.NOTE)
            continue
        yield from _heading(trace, graph, width)
        maker = _Rows(trace, options.full)
        rows = list(maker.of(graph, [], ""))
        if any(width_of(_cells(row)[0]) > WIDEST_DRAWING for row in rows):
            for row in rows:
                _cells(row)[0] = []
        if rows:
            yield from table(COLUMNS, rows, width)
        yield from summary.folded_rows(maker.hidden, len(rows) - maker.gaps + maker.hidden, width)


def _cells(row: Row | SpanningRow) -> Row:
    return row.cells if isinstance(row, SpanningRow) else row


def _heading(trace: Trace, graph: Graph, width: int) -> Iterator[Line]:
    parameters = totals_of_model(trace, graph).parameters
    facts = [
        wording.count(len(graph.nodes), "node"),
        wording.count(len(graph.edges), "connection"),
        wording.count(parameters, "parameter"),
        *([] if trace.saved else ["built" if graph.built else "not built"]),
    ]
    title = wording.layer_title(graph.model)
    yield from wrapped(title, width, [], [], styles.HEADING)
    yield from wrapped(" · ".join(facts), width, [], [])
    if graph.unfinished:
        text = "An exception ended the build: this is as far as it came."
        yield from wrapped(text, width, [], [], styles.ERROR)
    if graph.source == "flow":
        text = "Keras keeps no graph of this model; this one shows how its tensors went."
        if not graph.edges:
            unseen = unseen_flow(trace, graph)
            text = f"These are its parts; {unseen}." if unseen else NO_GRAPH
        yield from wrapped(text, width, [], [], styles.NOTE)


class _Rows:
    """The rows of a graph, and of the graphs of the models in it."""

    def __init__(self, trace: Trace, full: bool) -> None:
        self.trace = trace
        self.full = full
        self.shown: dict[Hashable, str] = {}
        self.graphs = trace.index.graph_by_model
        self.hidden = self.gaps = 0

    def of(self, graph: Graph, outer: list[int], before: str) -> Iterator[Row | SpanningRow]:
        """The rows of `graph`, which is inside the models `outer`.

        Args:
            graph: whose nodes.
            outer: ids of the models around it, itself not included.
            before: the lines of those models, which go on beside this one's.
        """
        nodes = sorted(graph.nodes, key=lambda node: (-node.depth, node.id))
        sources = _sources(graph)
        lanes = Lanes([node.id for node in nodes], sources)
        around = [*outer, graph.model.id]
        share = shares(self.trace, graph)
        start = 0
        for gap in [*self._gaps(nodes, sources), Gap(len(nodes), len(nodes), "")]:
            previous: int | None = None  # what is left out cannot be pointed to without a word
            for node in nodes[start : gap.start]:
                inner = self._inner(node, around)
                like = self.shown.get(form(inner), "") if inner and not self.full else ""
                drawing = before + lanes.draw(node.id, _dot(node))
                size = _size(node, share)
                row = self._row(node, drawing, size, sources[node.id], previous, len(outer))
                row[2] += [Part(f" (inside as {like})", styles.NOTE)] if like else []
                row[2] += _shared(node, share)
                yield row
                previous = node.id
                if inner and not like:
                    self.shown[form(inner)] = wording.sanitize(node.name)
                    yield from self.of(inner, around, f"{before}{lanes.going_on()}  ")
            hidden = nodes[gap.start : gap.end]
            for node in hidden:
                lanes.draw(node.id, "")
            if hidden:
                self.hidden += len(hidden)
                self.gaps += 1
                layers = dict.fromkeys(node.layer for node in hidden if not node.index)
                number = sum(share[n].parameters for n in layers if n is not None)
                yield self._gap(gap, hidden, number, f"{before}{lanes.going_on()}", len(outer))
            start = gap.end

    def _gaps(self, nodes: list[Node], sources: dict[int, list[int]]) -> list[Gap]:
        """What is left out of a graph."""
        if self.full:
            return []
        row = {node.id: number for number, node in enumerate(nodes)}
        readers = Counter(source for taken in sources.values() for source in taken)
        # From an input that is read everywhere, it is the same line however far it has come.
        aside = {n.id for n in nodes if n.kind == "input" and readers[n.id] > MOST_READERS}
        kinds: list[Hashable] = []
        for node in nodes:
            ways = [s if s in aside else row[s] - row[node.id] for s in sources[node.id]]
            inner = self.graphs.get(-1 if node.layer is None else node.layer)
            inside = form(inner) if inner else None
            facts = (node.class_name, node.kind, node.built, node.index > 0, node.failed)
            kinds.append((*facts, inside, tuple(ways)))
        return gaps(kinds, LIMITS)

    def _gap(
        self, gap: Gap, hidden: list[Node], parameters: int, drawing: str, level: int
    ) -> SpanningRow:
        """The row that stands for those that are left out."""
        size = f", {wording.count(parameters, 'parameter')}" if parameters else ""
        text = f"{gap.text}{size}: {wording.span([node.name for node in hidden])}"
        return SpanningRow(
            [[Part(drawing, styles.QUIET)]], [Part("  " * level + text, styles.NOTE)]
        )

    def _inner(self, node: Node, around: list[int]) -> Graph | None:
        """The graph inside a node, if it is to be shown there."""
        if node.layer is None or node.index or node.layer in around:
            return None
        return self.graphs.get(node.layer)

    def _row(
        self,
        node: Node,
        drawing: str,
        size: Part,
        sources: list[int],
        previous: int | None,
        level: int,
    ) -> Row:
        style = styles.KIND[node.kind] if node.built else styles.QUIET
        if node.failed:
            style = styles.ERROR
        name = [Part("  " * level), Part(wording.sanitize(node.name), style)]
        class_name = "operation" if node.kind == "operation" else wording.sanitize(node.class_name)
        origin = ", ".join(str(source) for source in sources)
        return [
            [Part(drawing, styles.QUIET)],
            [Part(str(node.id), styles.QUIET)],
            name,
            [Part(class_name, styles.QUIET)],
            [Part(wording.tensors(node.outputs))],
            [size],
            [Part(str(node.depth), styles.QUIET)],
            [Part("" if sources == [previous] else origin)],
        ]


def _shared(node: Node, shares: dict[int, Share]) -> Line:
    """With which layers before it a layer has weights in common."""
    if node.layer is None or node.index or not shares[node.layer].others:
        return []
    others = wording.listed(map(wording.sanitize, shares[node.layer].others), 2)
    return [Part(f" (shared with {others})", styles.NOTE)]


def _size(node: Node, shares: dict[int, Share]) -> Part:
    """How many parameters come with this call of a layer, or why there are none."""
    if node.failed:
        return Part("failed", styles.ERROR)
    if not node.built:
        return Part("not built", styles.SWALLOWED)
    share = NOTHING if node.layer is None else shares[node.layer]
    if node.index or (share.others and not share.parameters):
        return Part("shared", styles.NOTE)
    return Part(f"{share.parameters:,}" if share.parameters else "")


def _sources(graph: Graph) -> dict[int, list[int]]:
    """For each node the nodes that it gets its input from."""
    sources_of: dict[int, dict[int, None]] = {node.id: {} for node in graph.nodes}
    for edge in graph.edges:
        if edge.target in sources_of and edge.source in sources_of:
            sources_of[edge.target][edge.source] = None
    return {node: [*sources] for node, sources in sources_of.items()}


def _dot(node: Node) -> str:
    if node.failed:
        return "✗"
    if node.kind == "model":
        return "◆"
    return "●" if node.built and node.kind != "input" else "○"
