"""BT105: a layer's `build` ran twice, and made its weights anew the second time."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from buildtrace.diagnosis import edits, remedies
from buildtrace.diagnosis.rule import Rule
from buildtrace.traces import wording
from buildtrace.traces.schema import SourceLine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.diagnosis.edits import Edits
    from buildtrace.traces.schema import Call, Finding
    from buildtrace.traces.trace import Trace


def _check(trace: Trace) -> Iterator[Finding]:
    told = set()
    for layer in trace.layers:
        builds = [
            c for c in trace.index.builds_of(layer) if c.error is None and _own_weights(trace, c)
        ]
        for before, after in pairwise(builds):
            names = _own_weights(trace, before)
            again = [name for name in names if name in _own_weights(trace, after)]
            first, second = _outermost(trace, before, after)
            if before.generation != "keras2":
                continue
            if first is before and _is_loading(trace, before, after):
                continue
            if again and (first.id, second.id) not in told:
                told.add((first.id, second.id))
                yield _finding(trace, first, second, after, again)


def _is_loading(trace: Trace, before: Call, after: Call) -> bool:
    """Whether both came while one model was loaded, which is before it gets its values.

    Keras 2 builds a layer from its config, and so does the `build` of the layer that holds it.
    """
    begun = any(use.before <= before.id for use in trace.index.uses_by("load_model"))
    used = any(before.id < use.before <= after.id for use in trace.uses)
    called = any(
        call.id < after.id for call in trace.index.calls_of(after.layer.id if after.layer else 0)
    )
    return begun and not used and not called


def _own_weights(trace: Trace, call: Call) -> list[str]:
    """Names of the weights that the layer itself got in this run of its `build`."""
    return [
        weight.name
        for weight in trace.index.weights_made_in(call)
        if call.layer is not None and weight.layer == call.layer.id
    ]


def _outermost(trace: Trace, before: Call, after: Call) -> tuple[Call, Call]:
    """The two runs of the outermost `build` that ran twice: those inside follow from it."""
    around = {c.layer: c for c in trace.ancestors(after) if c.landmark == "Layer.build"}
    outermost = before, after
    for outer in trace.ancestors(before):
        again = around.get(outer.layer) if outer.landmark == "Layer.build" else None
        if again is not None and again.id != outer.id:
            outermost = outer, again
    return outermost


def _finding(trace: Trace, before: Call, after: Call, inner: Call, names: list[str]) -> Finding:
    """What to say of two runs of a `build`, of which `inner`, or one in it, replaced weights."""
    assert before.layer is not None
    assert inner.layer is not None
    what = wording.listed([f"'{name}'" for name in names])
    if inner.layer != before.layer:
        what += f" of {wording.layer(inner.layer)}"
    says_built = _says_built(trace, before)
    return RULE.finding(
        f"{after.name} of {wording.layer(before.layer)} ran a second time and replaced {what}: "
        f"what the first {'one' if len(names) == 1 else 'ones'} had learned or loaded is lost.",
        fix=_ONCE.format(remedies.variable(before.layer)) if says_built else _SAYS_BUILT,
        calls=[before.id, after.id, inner.id],
        caller=after.caller,
        layer=before.layer.id,
        why=_WHY_ONCE if says_built else None,
        edits=() if says_built else _edits(trace, before),
    )


def _edits(trace: Trace, build: Call) -> Edits:
    """The line that is missing in the layer's own `build`."""
    state = None if build.layer is None else trace.index.state_of(build.layer.id)
    method = None if state is None else state.method("build")
    if method is None or len(method.arguments) != 1:
        return edits.NONE
    line = SourceLine(file=method.file, line=method.line)
    return edits.at_end(trace, line, f"super().build({method.arguments[0]})")


def _says_built(trace: Trace, call: Call) -> bool:
    """Whether the layer was marked as built by the end of this run of its `build`."""
    base = (
        c for c in trace.index.inside(call) if c.name == "Layer.build" and c.layer == call.layer
    )
    return call.changes.get("built") == (False, True) or any(base)


_SAYS_BUILT = """\
def build(self, input_shape):
    ...  # make the weights, as now
    super().build(input_shape)  # sets self.built = True"""

_ONCE = """\
if not {0}.built:
    {0}.build(input_shape)"""

_WHY_ONCE = (
    "Keras 2 itself builds a layer only if it is not built yet, but a `build` that is called "
    "explicitly runs each time, and makes its weights each time (Layer._maybe_build in "
    "engine/base_layer.py of tf_keras 2.21). Keras 3 raises: the state of a built layer is locked."
)

RULE = Rule(
    code="BT105",
    title="weights replaced by a second build",
    severity="error",
    generations=("keras2",),
    why="Keras 2 takes a layer to be built only if its `build` says so, with `super().build()` or "
    "`self.built = True`. One that does not is built by an explicit `build` and again by the "
    "first call (Layer._maybe_build in engine/base_layer.py of tf_keras 2.21). Keras 3 sets "
    "`built` itself.",
    bad="""\
from tensorflow import keras


class Linear(keras.layers.Layer):
    def build(self, input_shape):
        self.w = self.add_weight(name="w", shape=(input_shape[-1], 2))

    def call(self, x):
        return x @ self.w


layer = Linear()
layer.build((None, 3))
layer(keras.backend.ones((1, 3)))
""",
    good="""\
from tensorflow import keras


class Linear(keras.layers.Layer):
    def build(self, input_shape):
        self.w = self.add_weight(name="w", shape=(input_shape[-1], 2))
        super().build(input_shape)

    def call(self, x):
        return x @ self.w


layer = Linear()
layer.build((None, 3))
layer(keras.backend.ones((1, 3)))
""",
    check=_check,
)
