"""Compares the weights of a trace with those of the model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
