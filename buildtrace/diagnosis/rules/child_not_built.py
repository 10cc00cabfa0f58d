"""BT103: a model's own `build` leaves out a layer inside: what it saves cannot be loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.diagnosis import remedies
from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import wording
from buildtrace.traces.schema import SourceLine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.traces.index import History
    from buildtrace.traces.schema import Call, Finding, LayerRef, LayerState, Use


def _check(history: History) -> Iterator[Finding]:
    told = set()
    for layer in history.trace.layers:
        for build in history.builds(layer)[:1]:
            holder = _culprit(history, build) if _loads_by_build(history, build) else None
            if holder and (holder.file, holder.line, build.layer) not in told:
                told.add((holder.file, holder.line, build.layer))
                yield _finding(history, holder, build)
    if not told:
        yield from _while_loading(history)


def _loads_by_build(history: History, build: Call) -> bool:
    """Whether the layer was built in a model, but not by the `build` that will load it.

    A model in a functional one is called when that is loaded, and so is one without a `build` of
    its own: this builds all.
    """
    around = list(history.around(build))
    called = [c for c in around if c.landmark == "Layer.__call__" and c.layer != build.layer]
    if not called or not history.weights_made_in(build):
        return False
    model = called[-1].layer
    if model is None or any(c.landmark == "Layer.build" and c.layer == model for c in around):
        return False
    state = history.state(model.id)
    if state is None or state.method("build") is None or state.method("build_from_config"):
        return False
    saved = bool(history.builds(model.id)) and _is_saved(history, model)
    return saved and not _has_loaded(history, state)


def _is_saved(history: History, ref: LayerRef) -> bool:
    """Whether it is a model that was saved whole, or failed to load, and stands alone."""
    inside = any(node.layer == ref.id for g in history.trace.graphs for node in g.nodes)
    saved = any(use.model == ref for use in history.uses("Model.save"))
    return not inside and (saved or _failed_load(history) is not None)


def _has_loaded(history: History, state: LayerState) -> bool:
    """Whether a model of the same class came out of a file, and all that is in it was built."""
    loads = [use for use in history.uses("load_model") if use.error is None]
    return any(
        (other.file, other.line) == (state.file, state.line)
        and other.layer != state.layer
        and not other.unbuilt
        and any(use.before <= other.after for use in loads)
        for other in history.trace.states
    )


def _culprit(history: History, build: Call) -> LayerState | None:
    """The nearest layer around that holds the built one, and is the user's own."""
    assert build.layer is not None
    around = {c.layer.id for c in history.around(build) if c.layer is not None}
    holder = history.holder(build.layer.id)
    while holder is not None and holder.id in around:
        state = history.state(holder.id)
        if state is not None and state.file:
            return state
        holder = history.holder(holder.id)
    return None


def _finding(history: History, holder: LayerState, build: Call) -> Finding:
    assert build.layer is not None
    method, failed = holder.method("build"), _failed_load(history)
    place = SourceLine(file=holder.file, line=method.line if method else holder.line)
    name = holder.layer.class_name
    does = f"{name}.build does not build" if method else f"{name} has no `build` that would build"
    end = f": {failed.name} could not load it" if failed else ": a .keras file will not load"
    by = next(c for c in history.around(build) if c.landmark == "Layer.__call__")
    return RULE.finding(
        f"{does} {wording.layer(build.layer)} in {wording.layer(holder.layer)}; only a call did, "
        f"at {wording.line(build.caller)}{end}.",
        fix=_fix(history, holder, build, is_there=method is not None),
        calls=[build.id, by.id, *(b.id for b in history.builds(holder.layer.id)[:1])],
        caller=place if place.line else build.caller,
        layer=holder.layer.id,
        # Keras 2 may have saved it in TensorFlow's own format, which can do without.
        severity="error" if failed else "note" if build.generation == "keras2" else "warning",
    )


def _while_loading(history: History) -> Iterator[Finding]:
    """The same, where only the loading is in the trace: `build` ran, and left a layer out."""
    failed = _failed_load(history)
    for state in history.trace.states if failed else ():
        method, root = state.method("build"), history.trace.call(state.after)
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
                calls=[root.id, *(b.id for b in history.builds(state.layer.id)[:1])],
                caller=SourceLine(file=method.file, line=method.line),
                layer=state.layer.id,
                severity="error",
            )


def _failed_load(history: History) -> Use | None:
    """A loading that ended because a layer had no weights."""
    for use in history.trace.uses:
        loads = use.name.rpartition(".")[2] in ("load_model", "load_weights")
        if loads and use.error is not None and "variables" in use.error.message:
            return use
    return None


def _fix(history: History, holder: LayerState, build: Call, *, is_there: bool) -> str:
    assert build.layer is not None
    given = build.inputs[0].shape if build.inputs else None
    outer = [c for c in history.builds(holder.layer.id) if c.inputs]
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
    why="Loading makes the model anew and runs its `build`, not its `call`, if its class has a "
    "`build`: a layer that only `call` has built has no variables then for the saved values to go "
    "into (Model.build_from_config in models/model.py of keras 3.15; Layer.build_from_config in "
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
