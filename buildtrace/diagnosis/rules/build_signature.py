"""BT104: the arguments of a layer's `build` are not those that Keras gives it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from buildtrace.diagnosis import remedies
from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import wording
from buildtrace.traces.schema import SourceLine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.traces.schema import Call, Finding, LayerState, Method
    from buildtrace.traces.trace import Trace

REFUSED = re.compile(r"\bbuild\(\) (missing \d+ required|takes \d+ positional|got an unexpected)")
"""How Python says that `build` cannot be called so."""


def _check(trace: Trace) -> Iterator[Finding]:
    for call in trace.calls:
        if call.error is not None and trace.index.is_by_call(call):
            state = trace.index.state_after(call)
            method = state.method("build") if state is not None else None
            if state and method and _cannot_be_called(call, state, method):
                yield _finding(call, state, method)


def _cannot_be_called(call: Call, state: LayerState, build: Method) -> bool:
    """Whether this is the call that Keras could not make, for the arguments' sake."""
    assert call.error is not None
    if call.generation == "keras2":
        refused = call.error.type == "TypeError" and REFUSED.search(call.error.message)
        return call.landmark == "Layer.build" and bool(refused) and build.required != 1
    refuses = call.error.type == "ValueError" and "`build()` method with more" in call.error.message
    return call.landmark == "Layer._maybe_build" and refuses and _has_other_names(state, build)


def _has_other_names(state: LayerState, build: Method) -> bool:
    call = state.method("call")
    wanted = {f"{name}_shape" for name in (call.arguments if call else ())}
    return len(build.arguments) > 1 and not set(build.arguments) <= wanted


def _finding(call: Call, state: LayerState, build: Method) -> Finding:
    tensors = remedies.needed(state) or ["inputs"]
    takes = wording.listed(build.arguments) or "nothing"
    gets = (
        "passes only the shape of the first argument of `call`"
        if call.generation == "keras2"
        else f"passes {wording.listed([f'{name}_shape' for name in tensors])}"
    )
    fix = _for_a_list(tensors)
    if call.generation == "keras3" and len(tensors) > 1:
        shapes = ", ".join(f"{name}_shape" for name in tensors)
        fix = f"def build(self, {shapes}):  # the arguments of `call`, with _shape"
    return RULE.finding(
        f"`build` of {wording.layer(state.layer)} takes {takes}, but Keras {call.generation[-1]} "
        f"{gets}.",
        fix=fix,
        calls=[call.id],
        caller=SourceLine(file=build.file, line=build.line),
        layer=state.layer.id,
    )


def _for_a_list(tensors: list[str]) -> str:
    """All in one argument, which is what both generations hand on to `build`."""
    if len(tensors) < 2:
        return "def build(self, input_shape):  # one argument, whatever its name"
    names, shapes = ", ".join(tensors), ", ".join(f"{name}_shape" for name in tensors)
    return (
        f"def build(self, input_shape):\n    {shapes} = input_shape\n\n"
        f"def call(self, inputs):  # called on a list: layer([{names}])\n    {names} = inputs"
    )


RULE = Rule(
    code="BT104",
    title="`build` does not take what Keras gives it",
    severity="error",
    generations=BOTH,
    why="Keras 2 calls `build` with one argument, the shapes in the first argument of `call` "
    "(Layer._maybe_build in engine/base_layer.py of tf_keras 2.21). Keras 3 does the same if "
    "`build` has one argument; if it has more, each has to be named like an argument of `call`, "
    "with _shape at the end (update_shapes_dict_for_target_fn in layers/layer.py of keras 3.15).",
    bad="""\
from tensorflow import keras


class Scores(keras.layers.Layer):
    def build(self, query, value):
        self.w = self.add_weight(name="w", shape=(query[-1], value[-1]))

    def call(self, query, value):
        return keras.backend.dot(query, self.w) * value


ones = keras.backend.ones((2, 3))
scores = Scores()
scores(ones, ones)
""",
    good="""\
from tensorflow import keras


class Scores(keras.layers.Layer):
    def build(self, input_shape):
        query_shape, value_shape = input_shape
        self.w = self.add_weight(name="w", shape=(query_shape[-1], value_shape[-1]))
        super().build(input_shape)

    def call(self, inputs):
        query, value = inputs
        return keras.backend.dot(query, self.w) * value


ones = keras.backend.ones((2, 3))
scores = Scores()
scores([ones, ones])
""",
    check=_check,
)
