"""Which models a trace has, and which weights belong to what: shared by several views."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from buildtrace.renderers.text.gaps import Limits, gaps
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Hashable

    from buildtrace.traces.schema import Call, Graph, Weight
    from buildtrace.traces.trace import Trace

LIMITS = Limits(few=6, many=10, most=15)
"""Of so many models each is shown."""


class More(NamedTuple):
    """Models that are not shown, and the line that says so."""

    graphs: list[Graph]
    text: str


def shown(trace: Trace, full: bool) -> list[Graph | More]:
    """The outermost models; of many that are alike, the first and how many more there are."""
    return folded(outermost(trace), full)


def folded(graphs: list[Graph], full: bool) -> list[Graph | More]:
    """These models; of many that are alike, the first and how many more there are."""
    kinds = [(graph.model.class_name, graph.built, form(graph)) for graph in graphs]
    found: list[Graph | More] = []
    place = 0
    for gap in [] if full else gaps(kinds, LIMITS):
        hidden = graphs[gap.start : gap.end]
        names = [wording.sanitize(graph.model.name) for graph in (hidden[0], hidden[-1])]
        more = More(hidden, f"{gap.text}: {' to '.join(names)}")
        found += [*graphs[place : gap.start], more]
        place = gap.end
    return found + graphs[place:]


def form(graph: Graph) -> Hashable:
    """Equal for graphs of the same classes, connected alike."""
    nodes = tuple((node.class_name, node.kind, node.built) for node in graph.nodes)
    return nodes, tuple((edge.source, edge.target) for edge in graph.edges)


def outermost(trace: Trace) -> list[Graph]:
    """The graphs of the models that are not a layer of another model."""
    nested = {
        node.layer
        for graph in trace.graphs
        for node in graph.nodes
        if node.kind == "model" and node.layer != graph.model.id
    }
    return [graph for graph in trace.graphs if graph.model.id not in nested] or list(trace.graphs)


def weights_by_layer(trace: Trace) -> dict[int, list[Weight]]:
    """Each layer's weights, those included that were made while it was at work.

    A wrapper or a recurrent layer owns few weights itself: the layers in it do. A model has
    those that its graph names.
    """
    by_id = {weight.id: weight for weight in trace.weights}
    models = {g.model.id: [by_id[n] for n in g.weights if n in by_id] for g in trace.graphs}
    found: dict[int, list[Weight]] = {}
    layers_at: dict[int, frozenset[int]] = {}
    for call in trace.calls:  # parents come before their children
        outer = layers_at[call.parent] if call.parent is not None else frozenset()
        own = call.layer.id if call.layer else None
        layers_at[call.id] = outer if own is None or own in outer else outer | {own}
    for weight in trace.weights:
        layers = layers_at.get(-1 if weight.call is None else weight.call, frozenset())
        if weight.layer is not None:
            layers = layers | {weight.layer}
        for layer in layers:
            found.setdefault(layer, []).append(weight)
    return found | {model: weights for model, weights in models.items() if weights}


def build_around(trace: Trace, call: Call) -> Call | None:
    """The nearest layer's own `build` that `call` is inside of."""
    for outer in [call, *trace.ancestors(call)]:
        if outer.step == "build" and outer.landmark == "Layer.build":
            return outer
    return None
