"""BT704: data that has the model's rank only since Keras has added an axis, and does not fit it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.diagnosis import edits
from buildtrace.diagnosis.compared_losses import same_size
from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import wording
from buildtrace.traces.shape_origins import INPUT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.diagnosis.edits import Edits
    from buildtrace.traces.schema import Call, Finding, LayerRef, Shape
    from buildtrace.traces.trace import Trace

_LANDMARKS = ("Trainer.compute_loss", "Model.compute_loss")


def _check(trace: Trace) -> Iterator[Finding]:
    told = set()
    for call in trace.calls:
        if call.landmark not in _LANDMARKS or call.layer is None or call.layer.id in told:
            continue
        wanted = _input_of(trace, call.layer)
        given = call.inputs[0].shape if len(call.inputs) == 1 else None
        if wanted is not None and given is not None and _was_stretched(given, wanted):
            told.add(call.layer.id)
            losses = [inner.id for inner in trace.index.inside(call) if inner.loss is not None]
            yield _finding(trace, [call.id, *losses], call, given, wanted)


def _input_of(trace: Trace, model: LayerRef) -> Shape | None:
    """The shape of a model's one input; `None` if it has several, or no graph."""
    graph = trace.index.graph_by_model.get(model.id)
    if graph is None or graph.source != "keras" or len(graph.inputs) != 1:
        return None
    outputs = graph.nodes[graph.inputs[0]].outputs
    return outputs[0].shape if len(outputs) == 1 else None


def _was_stretched(given: Shape, wanted: Shape) -> bool:
    """Whether data got a last axis of size 1 to be of the wanted rank, and is of another size."""
    if len(given) + 1 != len(wanted) or wanted[-1] != 1:
        return False
    return not all(map(same_size, given, wanted[:-1]))


def _finding(trace: Trace, proof: list[int], call: Call, given: Shape, wanted: Shape) -> Finding:
    assert call.layer is not None
    size = wording.shape_in_words(given[1:])
    got, made = wording.shape_in_words(given), wording.shape_in_words((*given, 1))
    return RULE.finding(
        f"{wording.layer(call.layer)} has an input for {wording.shape_in_words(wanted)} and "
        f"was trained on {got}. Keras has added an axis to make it {made}: that is not what the "
        "input says, and all that the layers give has one axis more.",
        fix=f"keras.Input({size})  # the shape of one example: x.shape[1:]",
        calls=proof,
        caller=call.caller,
        layer=call.layer.id,
        edits=_edits(trace, call.layer, size),
    )


def _edits(trace: Trace, model: LayerRef, size: str) -> Edits:
    """The shape of the Input."""
    graph = trace.index.graph_by_model[model.id]
    inputs = [graph.nodes[number].layer for number in graph.inputs]
    made = [c for c in trace.calls if c.landmark == INPUT and c.layer and c.layer.id in inputs]
    line = made[0].caller if len(made) == 1 else None
    return edits.argument(trace, line, "Input", "shape", size, 0)


RULE = Rule(
    code="BT704",
    title="data that fits the model only with an axis that Keras has added",
    severity="error",
    generations=BOTH,
    why="A functional model adds a last axis of size 1 to data that has one axis less than its "
    "input, or takes one away, and compares the sizes of the axes no more "
    "(Functional._adjust_input_rank in models/functional.py of keras 3.15, "
    "_conform_to_reference_input in engine/functional.py of tf_keras 2.21). It is meant for "
    "columns of numbers. An Input made from the shape of all the data has the number of examples "
    "for an axis, and all goes through in a shape that nobody meant.",
    bad="""\
import numpy as np
from tensorflow import keras

x = np.arange(7, dtype="float32").reshape(7, 1)
model = keras.Sequential([keras.Input(x.shape), keras.layers.Dense(7), keras.layers.Dense(1)])
model.compile("sgd", "mse")
model.fit(x, x * 2, verbose=0)
""",
    good="""\
import numpy as np
from tensorflow import keras

x = np.arange(7, dtype="float32").reshape(7, 1)
model = keras.Sequential([keras.Input(x.shape[1:]), keras.layers.Dense(7), keras.layers.Dense(1)])
model.compile("sgd", "mse")
model.fit(x, x * 2, verbose=0)
""",
    check=_check,
    hides=("BT702",),
)
