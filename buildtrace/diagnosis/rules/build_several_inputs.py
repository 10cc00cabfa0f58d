"""BT106: `build` was to build a model whose `call` needs several arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.diagnosis import edits, remedies
from buildtrace.diagnosis.parsed_files import spelled
from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.diagnosis.edits import Edits
    from buildtrace.traces.schema import Call, Finding, LayerState
    from buildtrace.traces.trace import Trace

REFUSES = "Currently, you cannot build your model"
"""How the message of Keras 2 begins."""


def _check(trace: Trace) -> Iterator[Finding]:
    for layer in trace.layers:
        for call in trace.index.builds_of(layer):
            state = trace.index.state_after(call)
            if state is not None and _is_in_vain(call, state):
                yield _finding(trace, call, state)


def _is_in_vain(call: Call, state: LayerState) -> bool:
    """Whether this `build` has no way to call the model, and so built nothing."""
    if len(remedies.needed(state)) < 2 or state.method("build"):
        return False
    if call.generation == "keras2":
        return call.error is not None and call.error.message.startswith(REFUSES)
    # One inside of another call is Keras' own, such as that of an RNN for its cell.
    empty = call.error is None and bool(state.unbuilt)
    return call.name == "Layer.build" and empty and call.parent is None


def _finding(trace: Trace, call: Call, state: LayerState) -> Finding:
    names = remedies.needed(state)
    what = wording.listed([f"'{name}'" for name in names])
    came = "raised" if call.error else "marked it as built without building anything"
    left = [wording.layer(child) for child in state.children if child.id in state.unbuilt]
    return RULE.finding(
        f"`build` of {wording.layer(state.layer)} {came}: its `call` needs {what}, but `build` can "
        f"pass only one argument; not built: {wording.listed(left) or 'all'}.",
        fix=_fix(call, state, names),
        calls=[call.id],
        caller=call.caller,
        layer=state.layer.id,
        edits=_edits(trace, call, len(names)) if call.generation == "keras3" else (),
    )


def _edits(trace: Trace, build: Call, number: int) -> Edits:
    """A call on data in the place of the call of `build`."""
    data = ", ".join(remedies.zeros(build.generation, spec) for spec in build.inputs)
    line = build.caller
    given = spelled(trace, line.file, data) if line and len(build.inputs) == number else ""
    return edits.call_instead(
        trace, line, "build", lambda layer: f"{layer}({given})" if given else ""
    )


def _fix(call: Call, state: LayerState, names: list[str]) -> str:
    """One argument for Keras 2, which could not load the model either; a call for Keras 3."""
    if call.generation == "keras2":
        return (
            "def call(self, inputs):  # one list: then `build` works, and so does loading\n"
            f"    {', '.join(names)} = inputs"
        )
    given = call.inputs if len(call.inputs) == len(names) else ()
    data = [remedies.zeros(call.generation, spec) for spec in given] or names
    return f"{remedies.variable(state.layer)}({', '.join(data)})  # instead of .build(...)"


RULE = Rule(
    code="BT106",
    title="`build` of a model whose `call` needs several arguments",
    severity="error",
    generations=BOTH,
    why="Model.build of Keras 2 calls the model on one placeholder, or one list of them, and "
    "refuses if `call` needs more arguments than that (engine/training.py of tf_keras 2.21). In "
    "Keras 3 a model without a `build` of its own has Layer.build, which calls nothing and sets "
    "built=True (layers/layer.py of keras 3.15). A call on data builds it in both.",
    bad="""\
from tensorflow import keras


class Pair(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(2)

    def call(self, a, b):
        return self.dense(a) + self.dense(b)


pair = Pair()
pair.build([(None, 3), (None, 3)])
""",
    good="""\
from tensorflow import keras


class Pair(keras.Model):
    def __init__(self, **options):
        super().__init__(**options)
        self.dense = keras.layers.Dense(2)

    def call(self, inputs):
        a, b = inputs
        return self.dense(a) + self.dense(b)


pair = Pair()
pair([keras.backend.zeros((1, 3)), keras.backend.zeros((1, 3))])
""",
    check=_check,
    hides=("BT102",),
)
