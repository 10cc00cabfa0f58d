"""BT202: a weight is made in `call`, not in `build`."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from buildtrace.diagnosis.locked import LOCKED, ONCE, is_about_weight, made_by
from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.traces.failures import Raised
    from buildtrace.traces.schema import Call, Finding, Weight
    from buildtrace.traces.trace import Trace


def _check(trace: Trace) -> Iterator[Finding]:
    told = set()
    for raised in trace.index.raised:
        run = _refused_in(trace, raised)
        if run is not None and run.layer is not None and run.layer.id not in told:
            told.add(run.layer.id)
            yield _refused(trace, raised, run)
    for makers in _made_in_call(trace).values():
        if makers[0].layer is not None and makers[0].layer.id not in told:
            told.add(makers[0].layer.id)
            yield _made(trace, makers)


def _refused_in(trace: Trace, raised: Raised) -> Call | None:
    """The run of `call` in which Keras or TensorFlow refused to make a variable."""
    run = made_by(raised)
    if run is None or run.layer is None or trace.index.came_to_nothing(raised.calls[0]):
        return None
    if raised.says(LOCKED):
        inner = trace.children(raised.calls[-1])
        return run if is_about_weight(raised, inner) else None
    if raised.says(ONCE):  # no call of a layer of its own below: a variable of the layer's
        return run
    return None


def _made_in_call(trace: Trace) -> dict[tuple[int, str], list[Call]]:
    """The calls of `add_weight` that a `call` of the user's made, by layer and name."""
    makers: dict[tuple[int, str], list[Call]] = defaultdict(list)
    for call in trace.calls:
        if call.landmark != "Layer.add_weight" or call.layer is None or call.error is not None:
            continue
        outer = next((c for c in trace.ancestors(call) if c.layer is not None), None)
        if outer is None or outer.layer != call.layer or outer.caller == call.caller:
            continue
        if call.generation == "keras2" and outer.landmark not in ("Layer.build", "_maybe_build"):
            for weight in trace.weights_made_by(call):
                makers[call.layer.id, weight.name].append(call)
    return makers


def _refused(trace: Trace, raised: Raised, run: Call) -> Finding:
    assert run.layer is not None
    weights = [weight for call in raised.calls for weight in trace.index.weights_made_in(call)]
    name = f"the weight '{weights[-1].name}'" if weights else "a weight"
    return RULE.finding(
        f"`call` of {wording.layer(run.layer)} makes {name} at {wording.line(raised.line)}, when "
        "the layer is already built, and Keras refuses it: it would be another one at each call.",
        fix=_fix(weights[-1] if weights else None),
        calls=raised.ids,
        caller=raised.line,
        layer=run.layer.id,
    )


def _made(trace: Trace, calls: list[Call]) -> Finding:
    first = calls[0]
    assert first.layer is not None
    weight = trace.weights_made_by(first)[0]
    again = len(calls) > 1
    how_often = (
        f"anew at each call: there are {len(calls)} of them by now, and none keeps what it learns."
        if again
        else "not in `build`: it is not there when saved weights are loaded into a new layer."
    )
    return RULE.finding(
        f"`call` of {wording.layer(first.layer)} makes the weight '{weight.name}' "
        f"{wording.shape_in_words(weight.shape)} at {wording.line(first.caller)}, {how_often}",
        fix=_fix(weight),
        calls=[call.id for call in calls],
        caller=first.caller,
        layer=first.layer.id,
        severity="error" if again else "note",
    )


def _fix(weight: Weight | None) -> str:
    name, shape = (weight.name, wording.shape_in_words(weight.shape)) if weight else ("w", "(...)")
    return (
        "def build(self, input_shape):\n"
        f"    self.{name} = self.add_weight(name={name!r}, shape={shape})\n"
        "    super().build(input_shape)\n"
        "\n"
        "def call(self, x):\n"
        f"    ...  # uses self.{name}"
    )


RULE = Rule(
    code="BT202",
    title="a weight is made in `call`",
    severity="error",
    generations=BOTH,
    why="`call` runs again and again, and each `add_weight` makes a variable. Keras 2 appends it "
    "to the layer's weights without a word (Layer.add_weight in engine/base_layer.py of tf_keras "
    "2.21). Keras 3 locks a layer's state when it is built, and builds it before its first call "
    "(Layer._lock_state in layers/layer.py of keras 3.15.1): the variable is refused. Both load "
    "saved weights after `build`, and before any `call`.",
    bad="""\
import numpy as np
from tensorflow import keras


class Scale(keras.layers.Layer):
    def call(self, x):
        w = self.add_weight(name="w", shape=(3,), initializer="ones")
        return x * w


x = np.ones((2, 3), "float32")
layer = Scale()
layer(x)
layer(x)
""",
    good="""\
import numpy as np
from tensorflow import keras


class Scale(keras.layers.Layer):
    def build(self, input_shape):
        self.w = self.add_weight(name="w", shape=(3,), initializer="ones")
        super().build(input_shape)

    def call(self, x):
        return x * self.w


x = np.ones((2, 3), "float32")
layer = Scale()
layer(x)
layer(x)
""",
    check=_check,
    hides=("BT206",),
)
