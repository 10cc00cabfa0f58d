"""BT401: two layers of one model have the same name."""

from __future__ import annotations

import re
from itertools import count
from typing import TYPE_CHECKING

from buildtrace.diagnosis import edits, remedies
from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import wording
from buildtrace.traces.shape_origins import INPUT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.diagnosis.edits import Edits
    from buildtrace.traces.schema import Call, Finding, LayerRef, SourceLine
    from buildtrace.traces.trace import Trace

# What the two mappers of Keras say, and Sequential.add.
_SAID = re.compile(
    r'The name "(.+)" is used \d+ times in the model|'
    r"Name ['\"](.+)['\"] is already the name of a layer in this model"
)


def _check(trace: Trace) -> Iterator[Finding]:
    error = trace.error
    said = None if error is None else _SAID.search(error.message)
    if error is None or said is None:
        return
    name = said[1] or said[2]
    layers = _named(trace, name)
    makers = [call for layer in layers for call in _first_calls(trace, layer)]
    second = makers[-1].caller if len(makers) > 1 else None
    yield RULE.finding(
        f"{_several(layers)} in one model have the name '{name}'{_lines(makers)}.",
        _fix(trace, name, layers),
        calls=[*[call.id for call in trace.index.failing], *[call.id for call in makers]],
        caller=second or error.place,
        layer=layers[-1].id if layers else None,
        edits=_edits(trace, name, layers, second) if len(layers) > 1 else (),
    )


def _named(trace: Trace, name: str) -> list[LayerRef]:
    """The layers of this name: those of the model that failed, if its graph is known."""
    failing = {call.layer.id for call in trace.index.failing if call.layer}
    for graph in trace.graphs:
        layers = {n.layer for n in graph.nodes if n.name == name and n.layer is not None}
        if graph.model.id in failing and len(layers) > 1:
            return [trace.layers[layer] for layer in sorted(layers)]
    return [ref for _, ref in sorted(trace.layers.items()) if ref.name == name]


def _first_calls(trace: Trace, layer: LayerRef) -> list[Call]:
    """The call in which the layer first appeared; none if it never did."""
    makers = (call for call in trace.calls if call.landmark == INPUT and call.layer == layer)
    return [*trace.index.calls_of(layer.id), *makers][:1]


def _several(layers: list[LayerRef]) -> str:
    if len(layers) < 2:
        return "Two layers"
    return f"{len(layers)} layers ({wording.listed([layer.class_name for layer in layers])})"


def _lines(makers: list[Call]) -> str:
    places = list(dict.fromkeys(wording.line(call.caller) for call in makers if call.caller))
    return f": {wording.listed(places)}" if places else ""


def _free(trace: Trace, name: str) -> str:
    """A name that no layer has."""
    taken = {layer.name for layer in trace.layers.values()}
    return next(new for n in count(2) if (new := f"{name}_{n}") not in taken)


def _edits(trace: Trace, name: str, layers: list[LayerRef], line: SourceLine | None) -> Edits:
    """Another name for the last of the layers, where it is given its name."""
    is_input = layers[-1].class_name == "InputLayer"
    made = "Input" if is_input else layers[-1].class_name
    new = remedies.text(_free(trace, name))
    given = {repr(name), remedies.text(name)}
    return edits.argument(trace, line, made, "name", lambda code: new if code in given else "")


def _fix(trace: Trace, name: str, layers: list[LayerRef]) -> str:
    free = _free(trace, name)
    if layers and layers[-1].class_name == "InputLayer":
        return f'keras.Input(..., name="{free}")  # or no name at all: Keras finds a free one'
    if layers and trace.graph_of(layers[-1].id) is not None:
        calls = trace.index.calls_of(layers[-1].id)
        name_of = "_name" if calls and calls[0].generation == "keras2" else "name"
        return f'{name}.{name_of} = "{free}"  # the second of these models, before it is called'
    made = remedies.constructor(trace, layers[-1]) if layers else "keras.layers.Dense"
    return f'{made}(..., name="{free}")  # or no name at all: Keras finds a free one'


RULE = Rule(
    code="BT401",
    title="two layers with the same name in a model",
    severity="error",
    generations=BOTH,
    why="The names of a model's layers are the keys of its config and of its weights in a file, so "
    "Keras refuses two with the same name (map_graph in ops/function.py of keras 3.15, "
    "_map_graph_network in engine/functional.py of tf_keras 2.21), and does not say which two. "
    "One layer that is called twice is one layer, and fine.",
    bad="""\
from tensorflow import keras

inputs = keras.Input((3,))
x = keras.layers.Dense(4, name="fc")(inputs)
outputs = keras.layers.Dense(4, name="fc")(x)
model = keras.Model(inputs, outputs)
""",
    good="""\
from tensorflow import keras

inputs = keras.Input((3,))
x = keras.layers.Dense(4, name="fc")(inputs)
outputs = keras.layers.Dense(4, name="fc_2")(x)
model = keras.Model(inputs, outputs)
""",
    check=_check,
)
