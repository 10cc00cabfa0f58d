"""BT334: the cell of an RNN does not say how big its states are, or says what they are not."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from buildtrace.diagnosis.parsed_files import definitions_of
from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import wording
from buildtrace.traces.expectations import fits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.traces.failures import Raised
    from buildtrace.traces.schema import Call, Finding
    from buildtrace.traces.trace import Trace

_MISSING = re.compile(
    r"The RNN cell should have a `state_size` attribute.*?cell=<(?:[\w.<>]*\.)?(\w+)", re.DOTALL
)


def _check(trace: Trace) -> Iterator[Finding]:
    for failure in trace.index.failures:
        if said := _MISSING.search(failure.error.message):
            yield _missing(trace, failure, said[1])
    seen: set[int] = set()
    for call in trace.calls:
        if call.landmark != "Layer.__call__" or call.layer is None or call.layer.id in seen:
            continue
        if call.layer.class_name == "RNN" and (step := _changing(trace, call)):
            seen.add(call.layer.id)
            yield _other(trace, call, step)


def _missing(trace: Trace, failure: Raised, class_name: str) -> Finding:
    attribute = _keeps_units(trace, class_name)
    return RULE.finding(
        f"The cell {wording.sanitize(class_name)} has no `state_size`: the RNN around it does not "
        "know how many states to start it with, nor how big they are.",
        f"self.state_size = {attribute or 32}  # in __init__ of {wording.sanitize(class_name)}: "
        "the size of the state; a list of sizes if it has several",
        calls=failure.ids,
        caller=failure.line,
    )


def _keeps_units(trace: Trace, class_name: str) -> str:
    """The attribute with the size of the cell's output, if it goes by the name that Keras uses."""
    attributes = {
        node.attr
        for defined in definitions_of(trace, class_name)
        for node in ast.walk(defined.node)
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
    }
    return "self.units" if "units" in attributes else ""


def _changing(trace: Trace, around: Call) -> Call | None:
    """The step in which a cell gave back other states than it got; some run, others fail on it."""
    for step in trace.index.inside(around):
        outer = (c for c in trace.index.ancestors(step) if c.landmark == "Layer.__call__")
        if step.landmark != "Layer.__call__" or step.error or next(outer, None) is not around:
            continue
        if 1 < len(step.inputs) == len(step.outputs):
            return None if fits(step.inputs[1:], step.outputs[1:]) else step
    return None


def _other(trace: Trace, around: Call, step: Call) -> Finding:
    assert step.layer is not None
    given, back = step.inputs[1:], step.outputs[1:]
    sizes = [spec.shape[-1] if spec.shape else None for spec in back]
    said = repr(sizes[0] if len(sizes) == 1 else sizes)
    return RULE.finding(
        f"The cell {wording.layer(step.layer)} is started with the state "
        f"{wording.shapes_in_words(given)}, as its `state_size` says, and gives back "
        f"{wording.shapes_in_words(back)} after a step: a state keeps its shape.",
        f"self.state_size = {said}  # in {wording.sanitize(step.layer.class_name)}: the last "
        "size of each state that `call` gives back",
        calls=[*(c.id for c in trace.index.ancestors(around)), around.id, step.id],
        caller=around.caller,
        layer=step.layer.id,
    )


RULE = Rule(
    code="BT334",
    title="a cell whose `state_size` is missing, or is not the size of its state",
    severity="error",
    generations=BOTH,
    why="An RNN calls its cell once for each time step, on the input of that step and on the "
    "states of the step before. For the first step it makes states of zeros, and it takes their "
    "number and size from `state_size` of the cell: a number, or a list with one for each (RNN in "
    "layers/rnn/rnn.py of keras 3.15, layers/rnn/base_rnn.py of tf_keras 2.21).",
    bad="""\
from tensorflow import keras


class Averaging(keras.layers.Layer):
    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.dense = keras.layers.Dense(units)

    def build(self, input_shape):
        self.dense.build(input_shape)
        super().build(input_shape)

    def call(self, x, states):
        state = (self.dense(x) + states[0]) / 2
        return state, [state]


inputs = keras.Input((5, 8))
model = keras.Model(inputs, keras.layers.RNN(Averaging(4))(inputs))
""",
    good="""\
from tensorflow import keras


@keras.utils.register_keras_serializable("buildtrace")
class Averaging(keras.layers.Layer):
    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.state_size = units
        self.dense = keras.layers.Dense(units)

    def build(self, input_shape):
        self.dense.build(input_shape)
        super().build(input_shape)

    def call(self, x, states):
        state = (self.dense(x) + states[0]) / 2
        return state, [state]

    def get_config(self):
        return {**super().get_config(), "units": self.units}


inputs = keras.Input((5, 8))
model = keras.Model(inputs, keras.layers.RNN(Averaging(4))(inputs))
""",
    check=_check,
    hides=("BT301", "BT302", "BT601", "BT602"),
)
