"""Makes a diagram of a trace's graphs: every layer a box, nested models as groups."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from buildtrace.errors import NothingToDrawError, UsageError
from buildtrace.renderers.drawing.caption import joined, short
from buildtrace.renderers.drawing.diagram import (
    Box,
    BoxRow,
    Connection,
    Diagram,
    Group,
    Member,
    NodeRef,
    SubDiagram,
    boxes,
)
from buildtrace.renderers.drawing.kinds import kind_of
from buildtrace.traces import wording
from buildtrace.traces.shown_models import More, folded
from buildtrace.traces.totals import NOTHING, Share, shares, totals_of_model
from buildtrace.traces.unseen import unseen_flow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from buildtrace.renderers import Options
    from buildtrace.renderers.drawing.coarsening import Coarsening
    from buildtrace.traces.schema import Edge, Graph, Node, Weight
    from buildtrace.traces.trace import Trace

UNFINISHED = "the build ended in an exception"
UNSEEN = "its flow was not seen"

MODERATE = 30
"""A nested model of more layers is drawn as one box unless everything is asked for."""


def diagram_of(trace: Trace, options: Options, coarsen: Coarsening) -> Diagram:
    """The picture of the models in a trace, all of them as coarse.

    Args:
        trace: what was recorded.
        options: `model`, `depth` and `full` matter here.
        coarsen: makes the inside of one model coarser.

    Raises:
        RenderError: the trace has no graph.
        UsageError: the trace has no model of the name asked for.
    """
    graphs, notes = chosen(trace, options)
    models = [model(trace, options, coarsen, graph, n) for n, graph in enumerate(graphs, 1)]
    return diagram(models, notes)


class ModelPart(NamedTuple):
    """What a diagram has of one model.

    Attributes:
        group: the model with all that is in it.
        inside: the same without its frame.
        unseen: what they do not show, as lines.
    """

    group: Group
    inside: SubDiagram
    unseen: tuple[str, ...]


def diagram(models: Sequence[ModelPart], notes: Sequence[str]) -> Diagram:
    """The picture of these models."""
    return Diagram(
        models=tuple(model.group for model in models),
        connections=tuple(c for model in models for c in model.inside.connections),
        notes=(*notes, *dict.fromkeys(line for model in models for line in model.unseen)),
    )


def chosen(trace: Trace, options: Options) -> tuple[list[Graph], list[str]]:
    """The graphs that get a picture of their own, and what is said of those that get none.

    These are the ones that are not inside another, or the one that was named.

    Raises:
        RenderError: the trace has no graph.
        UsageError: the trace has no model of the name asked for.
    """
    candidates = _candidates(trace, options)
    inside = trace.index.inside_of_parts if options.model is None else frozenset()
    held = [graph.model.name for graph in candidates if graph.model.id in inside]
    if len(held) == len(candidates):
        held, inside = [], frozenset()
    outside = [graph for graph in candidates if graph.model.id not in inside]
    shown = folded(outside, options.full)
    notes = [f"models: {more.text}" for more in shown if isinstance(more, More)]
    if held and not options.full:
        names = wording.listed(map(wording.sanitize, held), most=6)
        notes.append(f"models inside of other layers: {names}")
    return [graph for graph in shown if not isinstance(graph, More)], notes


def _candidates(trace: Trace, options: Options) -> list[Graph]:
    if options.model is not None:
        try:
            return [trace.graph(options.model)]
        except KeyError:
            known = dict.fromkeys(short(g.model.name) for g in trace.graphs)
            asked = short(options.model)
            raise UsageError(
                f"no model named {asked} was built; built: {', '.join(known) or 'none'}"
            ) from None
    if not trace.graphs:
        raise NothingToDrawError("no model was built: there is nothing to draw")
    return trace.index.outermost_graphs


def model(
    trace: Trace, options: Options, coarsen: Coarsening, graph: Graph, number: int
) -> ModelPart:
    """A model of its own, with all that is in it.

    Args:
        trace: what was recorded.
        options: `depth` and `full` matter here.
        coarsen: makes the inside of one model coarser.
        graph: of the model.
        number: its place in the picture; ids begin with it.
    """
    return _DiagramMaker(trace, options, coarsen).model(graph, f"m{number}")


class _DiagramMaker:
    """Makes groups of graphs; a box's id says no more than where in the diagram it is.

    Attributes:
        unseen: what the groups that were made do not show, as lines.
    """

    def __init__(self, trace: Trace, options: Options, coarsen: Coarsening) -> None:
        self._graphs = trace.index.graph_by_model
        self._trace = trace
        self._options = options
        self._coarsen = coarsen
        self.unseen: dict[str, None] = {}

    def model(self, graph: Graph, id_: str) -> ModelPart:
        """A model of its own, with all that is in it."""
        inside = self._inside(graph, id_, (graph.model.id,))
        return ModelPart(self._group(graph, id_, inside), inside, tuple(self.unseen))

    def _group(self, graph: Graph, id_: str, inside: SubDiagram, note: str = "") -> Group:
        parameters = totals_of_model(self._trace, graph).parameters
        unseen = unseen_flow(self._trace, graph)
        if graph.model.id in self._trace.index.part_graphs:
            class_name = short(graph.model.class_name)
            unseen = f"the flow inside of {class_name} was not seen"
        if unseen:
            self.unseen[unseen] = None
        return Group(
            id=id_,
            title=short(graph.model.name),
            note=joined(
                short(graph.model.class_name),
                wording.count(parameters, "parameter") if parameters else "",
                "" if graph.built else UNFINISHED if graph.unfinished else "not built",
                UNSEEN if unseen else "",
                note,
            ),
            members=inside.members,
            built=graph.built,
        )

    def _inside(self, graph: Graph, prefix: str, within: tuple[int, ...]) -> SubDiagram:
        """The inside of a model. `within`: the models around, so that no model holds itself."""
        calls = Counter(node.layer for node in graph.nodes if node.layer is not None)
        turn = _turns(graph)
        share = shares(self._trace, graph)
        members: list[Member] = []
        connections: list[Connection] = []
        ports: dict[int, tuple[tuple[str, ...], tuple[str, ...]]] = {}
        for node in _in_order(graph):
            id_ = f"{prefix}_{node.id}"
            call = turn[node.id]
            times = calls[node.layer] if node.layer is not None else 1
            note = joined(
                _failure(graph, node) if node.failed else "",
                "shared" if times > 1 and call == 1 else "",
                f"call {call} of {times}" if times > 1 else "",
            )
            inner = self._inner(node)
            if inner and call == 1 and self._expands(inner, within):
                inside = self._inside(inner, id_, (*within, inner.model.id))
                group = self._group(inner, id_, inside, note)
                ref = NodeRef(graph.model.id, node.id)
                members.append(replace(group, failed=node.failed, node_ref=ref))
                connections += inside.connections
                ports[node.id] = inside.entries, inside.exits
                if inner.source == "flow" and not inner.edges:
                    ports[node.id] = (id_,), (id_,)  # nobody knows where in it
            else:
                # What a shared layer weighs is said at its first call only: it is there once.
                own = share[node.layer] if node.layer is not None and call == 1 else NOTHING
                row = self._row(node, inner, own, call, note)
                row = replace(
                    row,
                    node_refs=(NodeRef(graph.model.id, node.id),),
                    weights=self._weights(node) if call == 1 and not inner else (),
                    again=call > 1,
                )
                members.append(Box(id_, (row,)))
                ports[node.id] = (id_,), (id_,)
        subdiagram = SubDiagram(
            tuple(members),
            (*connections, *_connections(graph, ports)),
            tuple(ports[n][0][0] for n in graph.inputs if n in ports),
            tuple(ports[n][1][0] for n in graph.outputs if n in ports),
        )
        if not subdiagram.entries or not subdiagram.exits:
            subdiagram = _with_ends(subdiagram)
        return self._coarsen(subdiagram)

    def _weights(self, node: Node) -> tuple[Weight, ...]:
        """The weights of a node's layer that it still has."""
        if node.layer is None:
            return ()
        weights = self._trace.index.weights_within(node.layer)
        return tuple(weight for weight in weights if not weight.replaced)

    def _inner(self, node: Node) -> Graph | None:
        """The graph of what is inside a node; of parts alone if everything is asked for."""
        if node.layer is None:
            return None
        parts = self._trace.index.part_graphs if self._options.full else {}
        return self._graphs.get(node.layer, parts.get(node.layer))

    def _expands(self, inner: Graph, within: tuple[int, ...]) -> bool:
        """Whether a nested model is opened; never without end, never empty."""
        if inner.model.id in within or not inner.nodes:
            return False
        if self._options.depth is not None and len(within) >= self._options.depth:
            return False
        return self._options.full or self._size(inner, (inner.model.id,)) <= MODERATE

    def _size(self, graph: Graph, within: tuple[int, ...]) -> int:
        """Number of layers in a model, those of models inside it included."""
        total = 0
        for node in graph.nodes:
            inner = self._graphs.get(node.layer) if node.layer is not None else None
            if inner and inner.model.id not in within:
                total += self._size(inner, (*within, inner.model.id))
            else:
                total += 1
        return total

    def _row(self, node: Node, inner: Graph | None, share: Share, call: int, note: str) -> BoxRow:
        parameters = share.parameters
        if share.others:
            others = wording.listed(map(short, share.others), 2)
            note = joined(note, f"weights shared with {others}")
        layers = self._size(inner, (inner.model.id,)) if inner else 1
        if inner and call == 1 and inner.nodes:
            note = joined(note, f"{wording.count(layers, 'layer')} inside")
        shape = wording.tensors(node.outputs)
        return BoxRow(
            name=node.name,
            title=short(node.name or node.class_name),
            class_name=short(node.class_name),
            kind=kind_of(node),
            shape=shape,
            parameters=parameters,
            note=note,
            tooltip=joined(
                wording.sanitize(node.name),
                wording.sanitize(node.class_name),
                shape and f"output {shape}",
                wording.count(parameters, "parameter") if parameters else "",
                f"depth {node.depth}",
                note,
                "" if node.built or node.failed else "not built",
            ),
            built=node.built,
            layers=layers,
            node=node,
        )


def _failure(graph: Graph, node: Node) -> str:
    """What a layer failed on."""
    given = [edge.tensor for edge in graph.edges if edge.target == node.id]
    return f"failed on {wording.tensors(given)}" if given else "failed"


def _turns(graph: Graph) -> dict[int, int]:
    """Which call of its layer in this model each node is, from 1."""
    seen: Counter[int | None] = Counter()
    turns = {}
    for node in sorted(graph.nodes, key=lambda node: (node.index, node.id)):
        seen[node.layer] += 1
        turns[node.id] = 1 if node.layer is None else seen[node.layer]
    return turns


def _in_order(graph: Graph) -> list[Node]:
    """The nodes from inputs to outputs, a branch at a time; what is in a cycle comes last."""
    waiting = Counter(edge.target for edge in set(graph.edges) if edge.source != edge.target)
    targets: dict[int, list[int]] = {}
    for edge in dict.fromkeys(graph.edges):
        if edge.source != edge.target:
            targets.setdefault(edge.source, []).append(edge.target)
    nodes = {node.id: node for node in graph.nodes}
    first = [id_ for id_ in graph.inputs if id_ in nodes and not waiting[id_]]
    free = [node.id for node in graph.nodes if not waiting[node.id] and node.id not in first]
    ready = [*reversed(free), *reversed(first)]
    order: dict[int, Node] = {id_: nodes[id_] for id_ in first}
    while ready:
        id_ = ready.pop()
        if id_ in nodes:
            order[id_] = nodes[id_]
        for target in reversed(targets.get(id_, ())):
            waiting[target] -= 1
            if waiting[target] == 0:
                ready.append(target)
    return [*order.values(), *(node for node in graph.nodes if node.id not in order)]


def _connections(
    graph: Graph, ports: dict[int, tuple[tuple[str, ...], tuple[str, ...]]]
) -> list[Connection]:
    """The graph's edges between boxes; the n-th edge into a nested model goes to its n-th input."""
    arrived: Counter[int] = Counter()
    nodes = {node.id: node for node in graph.nodes}
    connections = []
    for edge in graph.edges:
        if edge.source not in ports or edge.target not in ports:
            continue
        sources, targets = ports[edge.source][1], ports[edge.target][0]
        source = sources[_output(nodes[edge.source], edge) % len(sources)]
        target = targets[arrived[edge.target] % len(targets)]
        arrived[edge.target] += 1
        node_ref = NodeRef(graph.model.id, edge.target)
        connections.append(Connection(source, target, wording.tensor(edge.tensor), (node_ref,)))
    return connections


def _output(node: Node, edge: Edge) -> int:
    """Which output of its source an edge is; where nobody noted that, by what it looks like."""
    if edge.output or edge.tensor not in node.outputs:
        return edge.output
    return node.outputs.index(edge.tensor)


def _with_ends(subdiagram: SubDiagram) -> SubDiagram:
    """For a graph that names no inputs or outputs, the first and the last box will do."""
    ids = [box.id for box in boxes(subdiagram.members)]
    return replace(
        subdiagram,
        entries=subdiagram.entries or tuple(ids[:1]),
        exits=subdiagram.exits or tuple(ids[-1:]),
    )
