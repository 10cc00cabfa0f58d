"""BT209: a preprocessing layer is used that was never told about the data, by `adapt` or a file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from buildtrace.diagnosis import remedies
from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.traces.failures import Raised
    from buildtrace.traces.schema import Finding, LayerRef, Use
    from buildtrace.traces.trace import Trace

_DOES = {
    "Normalization.call": "with mean 0 and variance 1, it gives out what it gets",
    "Discretization.call": "without boundaries, it puts every number into bin 0",
}

_LOOKUPS = ("TextVectorization", "StringLookup", "IntegerLookup")
_RAISED = (
    ("Table not initialized", _LOOKUPS, "vocabulary"),
    ("you must set the layer's vocabulary before calling it", _LOOKUPS, "vocabulary"),
    ("You need to either pass the `bin_boundaries`", ("Discretization",), "boundaries"),
)
"""What is raised, by which layers, and what they lack."""

_NODE = re.compile(r"\bnode ([\w./-]+)")
"""Where TensorFlow says which part of a graph has failed."""


def _check(trace: Trace) -> Iterator[Finding]:
    for use in trace.index.uses_by(*_DOES):
        if use.model is not None and not _was_loaded(trace, use.model):
            yield _silent(use, use.model)
    for raised in trace.index.raised:
        for text, classes, lacks in _RAISED:
            layer = _layer_of(trace, raised, classes) if raised.says(text) else None
            if layer is not None:
                yield _failed(raised, layer, lacks)


def _was_loaded(trace: Trace, layer: LayerRef) -> bool:
    """Whether a file gave the layer values: in Keras 2, a Discretization makes no bins of them."""
    fed = (weight for call in trace.calls if call.loaded for weight in call.loaded.weights)
    return any(trace.weights[weight].layer == layer.id for weight in fed)


def _layer_of(trace: Trace, raised: Raised, classes: tuple[str, ...]) -> LayerRef | None:
    """The layer that an exception is about; `None` if that is not known for sure."""
    for call in raised.calls:
        if call.layer is not None and call.layer.class_name in classes:
            return call.layer
    named = {layer.name: layer for layer in trace.layers.values() if layer.class_name in classes}
    message = f"{raised.error.message}\n{raised.reported}"
    for path in _NODE.findall(message):
        for part in path.split("/"):
            # In Keras 3, the second time that a layer runs in a graph its name has a number more.
            names = {part, part.rpartition("_")[0]} & named.keys()
            if names:
                return named[names.pop()] if len(names) == 1 else None
    return None


def _silent(use: Use, layer: LayerRef) -> Finding:
    what = "used on data" if use.ran else "put into a model"
    return RULE.finding(
        f"{wording.layer(layer)} was {what} and never adapted: {_DOES[use.name]}.",
        fix=_fix(layer),
        caller=use.caller,
        layer=layer.id,
        severity=None if use.ran else "note",
    )


def _failed(raised: Raised, layer: LayerRef, lacks: str) -> Finding:
    return RULE.finding(
        f"{wording.layer(layer)} was used on data and never adapted: it has no {lacks}.",
        fix=_fix(layer),
        calls=raised.ids,
        caller=raised.line,
        layer=layer.id,
    )


def _fix(layer: LayerRef) -> str:
    return f"{remedies.variable(layer)}.adapt(x)  # x: your training data; before anything uses it"


RULE = Rule(
    code="BT209",
    title="a preprocessing layer that was never adapted",
    severity="error",
    generations=BOTH,
    why="These layers learn in `adapt` what they need to know of the data. A Normalization starts "
    "with mean 0 and variance 1 and says nothing (layers/preprocessing/normalization.py of keras "
    "3.15.1 and of tf_keras 2.21). It takes new values over in `finalize_state`, which `adapt` and "
    "the loading of a file run, and set_weights in tf_keras, but not in Keras 3. A layer with a "
    "vocabulary fails with TensorFlow's “Table not initialized”.",
    bad="""\
import numpy as np
from tensorflow import keras

x = np.random.default_rng(0).normal(50, 9, (64, 3)).astype("float32")
normalization = keras.layers.Normalization()
model = keras.Sequential([keras.Input((3,)), normalization, keras.layers.Dense(1)])
model(x)
""",
    good="""\
import numpy as np
from tensorflow import keras

x = np.random.default_rng(0).normal(50, 9, (64, 3)).astype("float32")
normalization = keras.layers.Normalization()
normalization.adapt(x)
model = keras.Sequential([keras.Input((3,)), normalization, keras.layers.Dense(1)])
model(x)
""",
    check=_check,
)
