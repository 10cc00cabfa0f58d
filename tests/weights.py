"""Compares the weights of a trace with those of the model."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from buildtrace.traces.totals import shares, totals, totals_of_model

if TYPE_CHECKING:
    from scenarios import Keras


def path_of(k: Keras, variable: Any) -> str:
    return variable.path if k.generation == 3 else variable.name.removesuffix(":0")


def dtype_of(variable: Any) -> str:
    return getattr(variable.dtype, "name", variable.dtype)


def expected(k: Keras, model: Any, variable: Any) -> tuple[Any, ...]:
    return (
        path_of(k, variable),
        path_of(k, variable).rpartition("/")[2],
        tuple(variable.shape),
        dtype_of(variable),
        # In Keras 2 a variable of a frozen layer still says that it is trainable.
        any(variable is each for each in model.trainable_weights),
    )


def same_weights(k: Keras, model: Any, trace: Any) -> None:
    graph = trace.graph(model.name)
    by_id = {weight.id: weight for weight in trace.weights}
    ours = [by_id[i] for i in graph.weights]
    found = [
        (w.path.removesuffix(":0"), w.name, tuple(w.shape), w.dtype, w.trainable) for w in ours
    ]
    assert found == [expected(k, model, variable) for variable in model.weights]
    assert sum(w.parameters for w in ours) == model.count_params()
    assert len(set(graph.weights)) == len(graph.weights)
    for weight in ours:
        if weight.call is not None:
            call = trace.call(weight.call)
            assert call.name == "Layer.add_weight"
            assert call.layer.id == weight.layer


def same_totals(k: Keras, model: Any, trace: Any) -> None:
    """The sums of a model and of each layer in its graph, against those that Keras has now."""
    graph = trace.graph(model.name)
    found = totals_of_model(trace, graph)
    trained, rest = (
        sum(math.prod(variable.shape) for variable in variables)
        for variables in (model.trainable_weights, model.non_trainable_weights)
    )
    assert (found.parameters, found.trainable) == (model.count_params(), trained)
    assert (found.weights, found.not_trainable) == (len(model.weights), rest)
    layers = {layer.name: layer for layer in model.layers}
    for node in graph.nodes:
        if node.layer is not None and node.name in layers:
            wanted = sum(math.prod(variable.shape) for variable in layers[node.name].weights)
            assert totals(trace.index.weights_within(node.layer)).parameters == wanted, node.name
    counted = sum(share.parameters for share in shares(trace, graph).values())
    own = [w for w in trace.weights_of(graph.model.id) if w.id in graph.weights]
    assert counted + totals(own).parameters == found.parameters
