"""BT311: a layer is asked for its output's shape without a run of `call`, and cannot tell it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import wording
from buildtrace.traces.schema import SourceLine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.traces.failures import Raised
    from buildtrace.traces.schema import Call, Finding, LayerState
    from buildtrace.traces.trace import Trace

_NOT_THERE = re.compile(
    r"Layer (\w+) does not have a `compute_output_shape` method implemented|"
    r"Please run in eager mode or implement the `compute_output_shape` method on your "
    r"layer \((\w+)\)"
)
"""What Keras 3 says, and Keras 2."""

_SEQUENTIAL = "Sequential.build"


def _check(trace: Trace) -> Iterator[Finding]:
    failures = trace.index.failures
    quiet = [raised for raised in _kept_quiet(trace) if raised not in failures]
    for raised in (*failures, *quiet):
        said = _NOT_THERE.search(raised.error.message)
        asked = _call_of(raised, said[1] or said[2]) if said else None
        state = trace.index.state_of(asked.layer.id) if asked and asked.layer else None
        # Of a class that is not the user's there is nothing to change.
        if asked is not None and state is not None and state.file:
            yield _finding(trace, raised, asked, state, quiet=raised in quiet)


def _kept_quiet(trace: Trace) -> Iterator[Raised]:
    """What a Sequential of Keras 3 caught while it was built: it stays unbuilt then."""
    for raised in trace.index.raised:
        catcher = raised.calls[0].parent if raised.calls else None
        if catcher is not None and trace.call(catcher).name == _SEQUENTIAL:
            yield raised


def _call_of(failure: Raised, class_name: str) -> Call | None:
    """The innermost of its calls that a layer of this class was at work in."""
    of_class = (c for c in failure.calls[::-1] if c.layer and c.layer.class_name == class_name)
    return next(of_class, None)


def _finding(
    trace: Trace, failure: Raised, asked: Call, state: LayerState, *, quiet: bool
) -> Finding:
    assert asked.layer is not None
    around = next((c for c in failure.calls[::-1] if c.layer not in (None, asked.layer)), None)
    by = wording.layer(around.layer) if around and around.layer else "Keras"
    at = f" at {wording.line(failure.line)}" if failure.line else ""
    builds = trace.index.builds_of(asked.layer.id)
    end = f"; {_SEQUENTIAL} caught that, and left the model unbuilt" if quiet else ""
    return RULE.finding(
        f"{by} asks {wording.layer(asked.layer)} for the shape of its output{at}, without running "
        f"its `call`: {wording.sanitize(asked.layer.class_name)} has no `compute_output_shape`"
        f"{end}.",
        _fix(asked, state),
        calls=[*failure.ids, *[build.id for build in builds]],
        caller=SourceLine(file=state.file, line=state.line) if state.line else failure.line,
        layer=asked.layer.id,
        severity="warning" if quiet else "error",
    )


def _fix(asked: Call, state: LayerState) -> str:
    known = next((spec.shape for spec in asked.inputs if spec.shape), None)
    given = f" for {wording.shape_in_words(known)}" if known else ""
    code = (
        f"# in class {asked.layer.class_name if asked.layer else ''}:\n"
        "def compute_output_shape(self, input_shape):\n"
        f"    return (input_shape[0], ...)  # ...: the sizes of what `call` gives{given}"
    )
    if asked.generation == "keras2":
        return f"{code}\n# or, if it is made with dynamic=True, without that"
    left = [child for child in state.children if child.id in state.unbuilt]
    if not left or state.method("build"):
        return code
    names = wording.listed([wording.layer(child) for child in left])
    return f"{code}\n# and a `build` that builds {names}: `call` does not run on symbols then"


RULE = Rule(
    code="BT311",
    title="a layer cannot tell the shape of its output",
    severity="error",
    generations=BOTH,
    why="A wrapper such as TimeDistributed works its output's shape out of that of the layer "
    "inside, and asks this one's `compute_output_shape`. In Keras 3 a layer has none unless its "
    "class defines it: that its `call` could be run on symbols is of no use there "
    "(TimeDistributed.compute_output_shape in layers/rnn/time_distributed.py of keras 3.15.1, "
    "Layer.compute_output_shape in layers/layer.py). A Sequential catches the exception and stays "
    "unbuilt (models/sequential.py). Keras 2 runs `call` to find out, but never "
    "that of a layer with dynamic=True, nor within a graph (Layer.compute_output_shape in "
    "engine/base_layer.py of tf_keras 2.21).",
    bad="""\
from tensorflow import keras

ASKED = {} if hasattr(keras, "ops") else {"dynamic": True}  # in Keras 2 such layers alone


class Last(keras.layers.Layer):
    def __init__(self, **options):
        super().__init__(**{**ASKED, **options})

    def call(self, x):
        return x[:, -1]


inputs = keras.Input((4, 6, 8))
outputs = keras.layers.TimeDistributed(Last())(inputs)
model = keras.Model(inputs, outputs)
""",
    good="""\
from tensorflow import keras

ASKED = {} if hasattr(keras, "ops") else {"dynamic": True}  # in Keras 2 such layers alone


class Last(keras.layers.Layer):
    def __init__(self, **options):
        super().__init__(**{**ASKED, **options})

    def call(self, x):
        return x[:, -1]

    def compute_output_shape(self, input_shape):
        return (input_shape[0], *input_shape[2:])


inputs = keras.Input((4, 6, 8))
outputs = keras.layers.TimeDistributed(Last())(inputs)
model = keras.Model(inputs, outputs)
""",
    check=_check,
    hides=("BT102", "BT601", "BT602"),
)
