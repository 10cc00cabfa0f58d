"""BT345: a recurrent layer gets initial states of another size than its own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from buildtrace.diagnosis import edits
from buildtrace.diagnosis.parsed_files import maker_of
from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.diagnosis.edits import Edits
    from buildtrace.traces.schema import Call, Finding, TensorSpec
    from buildtrace.traces.trace import Trace

_STATES = {"SimpleRNN": 1, "GRU": 1, "LSTM": 2}
"""Layers, and how many states each has: of as many numbers as it has units.

One tensor may be given for both.
"""

_OWN_SIZE = re.compile(r"not compatible with `cell\.state_size`.*`cell\.state_size` is \[(\d+)\b")
"""What tf_keras says; the layer has no weights yet then."""


def _check(trace: Trace) -> Iterator[Finding]:
    told = set()
    for call in trace.calls:
        layer = call.layer
        if call.landmark != "Layer.__call__" or layer is None or layer.id in told:
            continue
        size = _size_given(call) if layer.class_name in _STATES else 0
        units = _units(trace, call) if size else 0
        if units and units != size:
            told.add(layer.id)
            yield _finding(trace, call, units, size)


def _size_given(call: Call) -> int:
    """Of the states that a layer is called with; 0 if there are none, or they are unlike."""
    layer = call.layer
    if layer is None or not call.inputs or len(call.inputs[0].shape or ()) != 3:
        return 0
    states = call.inputs[1:]
    if not all("float" in (spec.dtype or "") for spec in states):
        return 0  # a mask is among them
    sizes = {spec.shape[1] for spec in states if spec.shape and len(spec.shape) == 2}
    is_whole = 0 < len(states) <= _STATES[layer.class_name] and len(sizes) == 1
    return (sizes.pop() or 0) if is_whole else 0


def _units(trace: Trace, call: Call) -> int:
    assert call.layer is not None
    state = trace.index.state_of(call.layer.id)
    if state is not None and state.file:
        return 0  # a class of the user's
    weights = trace.index.weights_within(call.layer.id)
    for weight in weights:
        if weight.name == "recurrent_kernel" and len(weight.shape) == 2:
            return weight.shape[0] or 0
    said = _OWN_SIZE.search(call.error.message) if call.error else None
    return int(said[1]) if said else 0


def _finding(trace: Trace, call: Call, units: int, size: int) -> Finding:
    layer = call.layer
    assert layer is not None
    source = _source(trace, call, call.inputs[1])
    is_double = source is not None and size == 2 * units
    where = f", from {wording.layer(source.layer)}" if source and source.layer else ""
    joined = ", which joins both directions" if is_double else ""
    placed = _edits(trace, call, units, size)
    adds_up = '\n# or Bidirectional(..., merge_mode="sum"), which adds them up'
    summed = adds_up if is_double and not placed else ""
    failing = [one.id for one in trace.index.failing if one.layer == call.layer]
    return RULE.finding(
        f"{wording.layer(layer)} has {wording.count(units, 'unit')}, and gets an initial state of "
        f"{size:,} numbers{where}{joined}.",
        fix=f"keras.layers.{layer.class_name}({size}, ...)  # as many as the state has{summed}",
        calls=[call.id, *([source.id] if source else []), *failing],
        caller=call.caller,
        layer=layer.id,
        edits=placed,
    )


def _source(trace: Trace, call: Call, state: TensorSpec) -> Call | None:
    """The one Bidirectional that gave a tensor like this before."""
    found = {
        before.layer.id: before
        for before in trace.calls[: call.id]
        if before.landmark == "Layer.__call__" and before.layer is not None
        if before.layer.class_name == "Bidirectional" and state in before.outputs
    }
    return next(iter(found.values())) if len(found) == 1 else None


def _edits(trace: Trace, call: Call, units: int, size: int) -> Edits:
    assert call.layer is not None
    line = maker_of(trace, call.layer, call.caller)
    more = size // units if size % units == 0 else 0

    def value(code: str) -> str:
        if code.isdigit():
            return str(size)
        return f"{more} * {code}" if more and code.isidentifier() else ""

    return edits.argument(trace, line, call.layer.class_name, "units", value, place=0)


RULE = Rule(
    code="BT345",
    title="an initial state of another size",
    severity="error",
    generations=BOTH,
    why="The state of a recurrent layer has as many numbers as the layer has units. What a "
    "Bidirectional gives has those of both directions, unless it merges them otherwise. tf_keras "
    "2.21 refuses it (RNN.build in layers/rnn/base_rnn.py), keras 3.15.1 lets the model be made, "
    "and fails when it runs.",
    bad="""\
import numpy as np
from tensorflow import keras

words = keras.Input((6, 3))
summary = keras.layers.Bidirectional(keras.layers.GRU(8))(words)
target = keras.Input((4, 3))
decoder = keras.layers.GRU(8, return_sequences=True)
outputs = decoder(target, initial_state=[summary])
model = keras.Model([words, target], outputs)
model([np.ones((2, 6, 3), "float32"), np.ones((2, 4, 3), "float32")])
""",
    good="""\
import numpy as np
from tensorflow import keras

words = keras.Input((6, 3))
summary = keras.layers.Bidirectional(keras.layers.GRU(8))(words)
target = keras.Input((4, 3))
decoder = keras.layers.GRU(16, return_sequences=True)
outputs = decoder(target, initial_state=[summary])
model = keras.Model([words, target], outputs)
model([np.ones((2, 6, 3), "float32"), np.ones((2, 4, 3), "float32")])
""",
    check=_check,
)
