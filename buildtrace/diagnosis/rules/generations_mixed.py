"""BT501: layers, tensors or optimizers of two packages of Keras meet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.diagnosis.packages import classes_in, generation_of
from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.traces.failures import Raised
    from buildtrace.traces.schema import Call, Finding
    from buildtrace.traces.trace import Trace

_NAMES = {"keras2": "Keras 2", "keras3": "Keras 3"}
_REFUSED = {
    "Only instances of `keras.Layer` can be added to a Sequential model": "keras3",
    "layer with a `keras.layers.Layer` instance": "keras3",
    "values must be KerasTensors": "keras3",
    "layer with a `tf.keras.layers.Layer` instance": "keras2",
    "The added layer must be an instance of class Layer": "keras2",
}
"""What Keras says when something is not what it must be: text → the generation that says it."""

_IDENTIFIER = "Could not interpret optimizer identifier"
"""What both say of an optimizer that is none of theirs."""


def _check(trace: Trace) -> Iterator[Finding]:
    told = set()
    for raised in trace.index.raised:
        refused = _refused(trace, raised)
        if refused is not None:
            told.update(raised.ids)
            yield _error(raised, *refused)
    for call in trace.calls:
        if call.foreign and call.error is None and call.id not in told:
            told.update([call.id, *(inner.id for inner in trace.index.inside(call))])
            yield _given(call)
    yield from _held(trace, told)


# -- what Keras refused ---------------------------------------------------------------------------


def _refused(trace: Trace, raised: Raised) -> tuple[str, str] | None:
    """The class that does not fit, and the generation that refused it."""
    for call in reversed(raised.calls):
        if call.foreign:
            return call.foreign[0], call.generation
    for name in classes_in(raised.error.message):
        of = generation_of(trace, name)
        if raised.says(_IDENTIFIER) and of is not None:
            return name, _other(of)
        for text, by in _REFUSED.items():
            if raised.says(text) and of not in (by, None):
                return name, by
    return None


def _other(generation: str) -> str:
    return "keras2" if generation == "keras3" else "keras3"


def _error(raised: Raised, class_name: str, generation: str) -> Finding:
    layer = next((call.layer for call in reversed(raised.calls) if call.layer is not None), None)
    model = layer or (raised.use.model if raised.use is not None else None)
    what = f"{wording.layer(model)} of " if model is not None and model.name else ""
    return RULE.finding(
        f"A {_last(class_name)} of {_NAMES[_other(generation)]} ({class_name}) is given to {what}"
        f"{_NAMES[generation]} at {wording.line(raised.line)}: neither knows the other's classes.",
        fix=_fix(class_name, generation),
        calls=raised.ids,
        caller=raised.line,
        layer=None if model is None else model.id,
    )


def _last(class_name: str) -> str:
    return class_name.rpartition(".")[2]


def _fix(class_name: str, generation: str) -> str:
    name = class_name.rpartition(".")[2]
    if class_name.startswith("tensorflow_hub."):
        return (
            "# tensorflow_hub makes layers of Keras 2: use it everywhere, set before anything "
            "else\n"
            'os.environ["TF_USE_LEGACY_KERAS"] = "1"\n'
            "import tensorflow as tf  # tf.keras is tf_keras now"
        )
    package = "keras" if generation == "keras3" else "tf_keras"
    part = next((p for p in ("layers", "optimizers", "losses") if f".{p}." in class_name), "layers")
    maker = "keras.Input" if name == "KerasTensor" else f"keras.{part}.{name}"
    alias = "import keras" if package == "keras" else f"import {package} as keras"
    return f"{alias}  # in every module, from one package\n\n{maker}(...)"


# -- what nobody refused --------------------------------------------------------------------------


def _given(call: Call) -> Finding:
    who = wording.layer(call.layer) if call.layer is not None else call.name
    return RULE.finding(
        f"{who} of {_NAMES[call.generation]} is called at {wording.line(call.caller)} on a "
        f"{_last(call.foreign[0])} of {_NAMES[_other(call.generation)]} ({call.foreign[0]}): what "
        "comes out is not connected to it, and no model can have both.",
        fix=_fix(call.foreign[0], call.generation),
        calls=[call.id],
        caller=call.caller,
        layer=None if call.layer is None else call.layer.id,
    )


def _held(trace: Trace, told: set[int]) -> Iterator[Finding]:
    """Layers with weights that a layer of the other generation calls in its `call`."""
    layers = set()
    for call in trace.calls:
        if call.landmark != "Layer.__call__" or call.layer is None or call.layer.id in layers:
            continue
        outer = trace.index.run_around(call)
        if outer is None or outer.generation == call.generation or call.id in told:
            continue
        if call.error is None and trace.index.weights_made_in(call):
            layers.add(call.layer.id)
            yield _inside(call, outer)


def _inside(call: Call, outer: Call) -> Finding:
    assert call.layer is not None
    assert outer.layer is not None
    lost = "trained, saved or shown" if outer.generation == "keras3" else "saved or shown"
    return RULE.finding(
        f"{wording.layer(outer.layer)} is of {_NAMES[outer.generation]}, and calls "
        f"{wording.layer(call.layer)} of {_NAMES[call.generation]} ({wording.line(call.caller)}): "
        f"it runs, but the other does not take it for a layer, and it is not {lost} as one.",
        fix=_fix(f"layers.{call.layer.class_name}", outer.generation),
        calls=[outer.id, call.id],
        caller=call.caller,
        layer=call.layer.id,
    )


RULE = Rule(
    code="BT501",
    title="two generations of Keras in one model",
    severity="error",
    generations=BOTH,
    why="Keras 3 (the package keras) and Keras 2 (the package tf_keras, and `tf.keras` with "
    "TF_USE_LEGACY_KERAS=1) are two libraries with classes of the same names. Each takes the "
    "other's layers for any object: Sequential refuses them (Sequential.add in "
    "models/sequential.py of keras 3.15.1 and engine/sequential.py of tf_keras 2.21), a tensor of "
    "the other has none of the attributes that are asked of it, and an attribute of a layer that "
    "holds one is not tracked.",
    bad="""\
import keras as keras3
import tf_keras as keras2
from tensorflow import keras

other = keras2 if keras.Model is keras3.Model else keras3
model = keras.Sequential([keras.Input((3,)), other.layers.Dense(2)])
""",
    good="""\
from tensorflow import keras

model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
""",
    check=_check,
    hides=("BT203",),
)
