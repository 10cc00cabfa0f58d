"""BT103: a model's own `build` leaves out a layer inside: what it saves cannot be loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.diagnosis import remedies
from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import wording
from buildtrace.traces.schema import SourceLine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.traces.schema import Call, Finding, LayerRef, LayerState, Use
    from buildtrace.traces.trace import Trace


def _check(trace: Trace) -> Iterator[Finding]:
    told = set()
    for layer in trace.layers:
        for build in trace.index.builds_of(layer)[:1]:
            holder = _culprit(trace, build) if _loads_by_build(trace, build) else None
            if holder and (holder.file, holder.line, build.layer) not in told:
                told.add((holder.file, holder.line, build.layer))
                yield _finding(trace, holder, build)
    if not told:
        yield from _while_loading(trace)


def _loads_by_build(trace: Trace, build: Call) -> bool:
    """Whether the layer was built in a model, but not by the `build` that will load it.

    A model in a functional one is called when that is loaded, and so is one without a `build` of
    its own: this builds all.
    """
    around = list(trace.ancestors(build))
    called = [c for c in around if c.landmark == "Layer.__call__" and c.layer != build.layer]
    if not called or not trace.index.weights_made_in(build):
        return False
    model = called[-1].layer
    if model is None or any(c.landmark == "Layer.build" and c.layer == model for c in around):
        return False
    state = trace.index.state_of(model.id)
    if state is None or state.method("build") is None or state.method("build_from_config"):
        return False
    saved = bool(trace.index.builds_of(model.id)) and _is_saved(trace, model)
    return saved and not _has_loaded(trace, state)


def _is_saved(trace: Trace, ref: LayerRef) -> bool:
    """Whether it is a model that was saved whole, or failed to load, and stands alone."""
    inside = any(node.layer == ref.id for g in trace.graphs for node in g.nodes)
    saved = any(use.model == ref for use in trace.index.uses_by("Model.save"))
    return not inside and (saved or _failed_load(trace) is not None)


def _has_loaded(trace: Trace, state: LayerState) -> bool:
    """Whether a model of the same class came out of a file, and all that is in it was built."""
    loads = [use for use in trace.index.uses_by("load_model") if use.error is None]
    return any(
        (other.file, other.line) == (state.file, state.line)
        and other.layer != state.layer
        and not other.unbuilt
        and any(use.before <= other.after for use in loads)
        for other in trace.states
    )


def _culprit(trace: Trace, build: Call) -> LayerState | None:
    """The nearest layer around that holds the built one, and is the user's own."""
    assert build.layer is not None
    around = {c.layer.id for c in trace.ancestors(build) if c.layer is not None}
    holder = trace.index.holder_of(build.layer.id)
    while holder is not None and holder.id in around:
        state = trace.index.state_of(holder.id)
        if state is not None and state.file:
            return state
        holder = trace.index.holder_of(holder.id)
    return None


def _finding(trace: Trace, holder: LayerState, build: Call) -> Finding:
    assert build.layer is not None
    method, failed = holder.method("build"), _failed_load(trace)
    line = SourceLine(file=holder.file, line=method.line if method else holder.line)
    name = holder.layer.class_name
    does = f"{name}.build does not build" if method else f"{name} has no `build` that would build"
    end = f": {failed.name} could not load it" if failed else ": a .keras file will not load"
    by = next(c for c in trace.ancestors(build) if c.landmark == "Layer.__call__")
    return RULE.finding(
        f"{does} {wording.layer(build.layer)} in {wording.layer(holder.layer)}, only the call "
        f"at {wording.line(build.caller)} did{end}.",
        fix=_fix(trace, holder, build, is_there=method is not None),
        calls=[build.id, by.id, *(b.id for b in trace.index.builds_of(holder.layer.id)[:1])],
        caller=line if line.line else build.caller,
        layer=holder.layer.id,
        # Keras 2 may have saved it in TensorFlow's own format, which can do without.
        severity="error" if failed else "note" if build.generation == "keras2" else "warning",
    )


def _while_loading(trace: Trace) -> Iterator[Finding]:
    """The same, where only the loading is in the trace: `build` ran, and left a layer out."""
    failed = _failed_load(trace)
    for state in trace.states if failed else ():
        method, root = state.method("build"), trace.call(state.after)
        if method and state.built and state.unbuilt and failed and root.caller == failed.caller:
            left = [child for child in state.children if child.id in state.unbuilt]
            names = wording.listed([wording.layer(child) for child in left])
            code = [f"    self.{name}.build(input_shape)" for name in remedies.variables(left)]
            build = "\n".join(code)
            yield RULE.finding(
                f"{state.layer.class_name}.build does not build {names} in "
                f"{wording.layer(state.layer)}: {failed.name} had no variables to load into.",
                fix=f"def build(self, input_shape):\n    ...  # as now\n{build}\n"
                "    super().build(input_shape)",
                calls=[root.id, *(b.id for b in trace.index.builds_of(state.layer.id)[:1])],
                caller=SourceLine(file=method.file, line=method.line),
                layer=state.layer.id,
                severity="error",
            )


def _failed_load(trace: Trace) -> Use | None:
    """A loading that ended because a layer had no weights."""
    for use in trace.uses:
        loads = use.name.rpartition(".")[2] in ("load_model", "load_weights")
        if loads and use.error is not None and "variables" in use.error.message:
            return use
    return None


def _fix(trace: Trace, holder: LayerState, build: Call, *, is_there: bool) -> str:
    assert build.layer is not None
    given = build.inputs[0].shape if build.inputs else None
    outer = [c for c in trace.index.builds_of(holder.layer.id) if c.inputs]
    shape = "..." if given is None else remedies.any_batch(given)
    if outer and len(outer[0].inputs) == 1 and outer[0].inputs[0].shape == given:
        shape = "input_shape"
    more = "    ...  # as now\n" if is_there else ""
    return (
        f"def build(self, input_shape):\n{more}"
        f"    self.{remedies.variable(build.layer)}.build({shape})\n"
        "    super().build(input_shape)"
    )


RULE = Rule(
    code="BT103",
    title="a layer inside is not built by `build`",
    severity="warning",
    generations=BOTH,
    why="If its class has a `build`, loading a model makes it anew and runs `build`, not `call`: a "
    "layer that only `call` builds then has no variables for the saved values to go into "
    "(Model.build_from_config in models/model.py of keras 3.15; Layer.build_from_config in "
    "engine/base_layer.py of tf_keras 2.21).",
    bad="""\
import os
import tempfile

from tensorflow import keras


class Net(keras.Model):
    def __init__(self, **options):
        super().__init__(**options)
        self.dense = keras.layers.Dense(4)

    def build(self, input_shape):
        self.scale = self.add_weight(name="scale", shape=(1,), initializer="ones")
        self.built = True

    def call(self, x):
        return self.dense(x) * self.scale


net = Net()
net(keras.backend.ones((2, 3)))
net.save(os.path.join(tempfile.mkdtemp(), "net.keras"))
""",
    good="""\
import os
import tempfile

from tensorflow import keras


class Net(keras.Model):
    def __init__(self, **options):
        super().__init__(**options)
        self.dense = keras.layers.Dense(4)

    def build(self, input_shape):
        self.scale = self.add_weight(name="scale", shape=(1,), initializer="ones")
        self.dense.build(input_shape)
        self.built = True

    def call(self, x):
        return self.dense(x) * self.scale


net = Net()
net(keras.backend.ones((2, 3)))
net.save(os.path.join(tempfile.mkdtemp(), "net.keras"))
""",
    check=_check,
)
