"""Which models a trace has, and which weights belong to what: shared by several views."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from buildtrace.trace import Call, Graph, Trace, Weight


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
