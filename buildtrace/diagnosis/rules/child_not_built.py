"""BT103: a `build` leaves out a layer inside, which has no weights then, or cannot be loaded."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from buildtrace.diagnosis import edits, remedies
from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import wording
from buildtrace.traces.schema import SourceLine

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from buildtrace.diagnosis.edits import Edits
    from buildtrace.traces.schema import Call, Finding, LayerRef, LayerState, Use
    from buildtrace.traces.trace import Trace

OF_BASES = ("Layer.build", "Model.build", "Functional.build", "Sequential.build")
"""The first leaves all to the calls (BT102); the others run `call`, or the layers of a graph."""


class HalfBuilt(NamedTuple):
    """A layer that its `build` left without a part of its weights.

    Attributes:
        build: that run of `build`.
        state: what the layer was like when the tree of calls was over.
        left: the layers in it that were not built.
        later: the build of one of them that followed in a later tree, if one did.
    """

    build: Call
    state: LayerState
    left: list[LayerRef]
    later: Call | None


def _check(trace: Trace) -> Iterator[Finding]:
    lines = set()
    for finding in _of_what_calls_built(trace):
        lines.add(finding.caller)
        yield finding
    for alike in _by_place(_half_built(trace)):
        if _line(alike[0]) not in lines:  # a model that was made anew by loading says it again
            yield _of_half_built(trace, alike)


# -- half built, and left so until something else builds the rest -----------------------------


def _half_built(trace: Trace) -> Iterator[HalfBuilt]:
    for layer in trace.layers:
        for build in trace.index.builds_of(layer):
            state = trace.index.state_after(build)
            if build.error is not None or state is None or not state.built:
                continue
            left = _left_out(trace, build, state)
            later = trace.index.built_later(build, left)
            # Loading a model builds each layer, and then calls it: by one line of the user's.
            by_one_line = later is not None and trace.index.root(later).caller == build.caller
            if left and not by_one_line and not _came_from_file(trace, build):
                yield HalfBuilt(build, state, left, later)
                break


def _came_from_file(trace: Trace, build: Call) -> bool:
    """Whether a layer was built by a loading that went well: what is left has no saved values."""
    loads = [use.caller for use in trace.index.uses_by("load_model") if use.error is None]
    return trace.index.root(build).caller in loads


def _left_out(trace: Trace, build: Call, state: LayerState) -> list[LayerRef]:
    """The layers inside that this build should have built.

    What a later call did not build either is no matter of this rule: nobody uses it.
    """
    if not state.unbuilt or build.name in OF_BASES or _is_run_with(trace, build):
        return []
    has_run = _has_run_since(trace, build)
    return [
        child
        for child in state.children
        if child.id in state.unbuilt
        and child.id not in state.replaced
        and trace.index.may_make_weights(child)
        and (trace.index.built_by(child.id) or not has_run)
    ]


def _is_run_with(trace: Trace, build: Call) -> bool:
    """Whether the layer's `call` ran in the same tree, which builds all that is used."""
    root = trace.index.root(build)
    runs = trace.index.runs_since(build)
    return any(trace.index.root(run) is root for run in runs) or any(
        inner.name == "Model.build" and inner.layer == build.layer
        for inner in trace.index.inside(build)
    )


def _has_run_since(trace: Trace, build: Call) -> bool:
    """Whether the layer's `call` ran after its build, be that in the trace or not."""
    assert build.layer is not None
    end = trace.index.root(build).id
    noted = any(state.ran and state.after >= end for state in trace.index.states_of(build.layer.id))
    return noted or bool(trace.index.runs_since(build))


def _by_place(found: Iterable[HalfBuilt]) -> Iterator[Sequence[HalfBuilt]]:
    """Those that one line of the user's is to blame for, together."""
    places: dict[object, list[HalfBuilt]] = {}
    for one in found:
        children = [ref.id for ref in one.state.children]
        left = tuple(children.index(child.id) for child in one.left)
        places.setdefault((_line(one), one.build.name, left), []).append(one)
    yield from places.values()


def _of_half_built(trace: Trace, alike: Sequence[HalfBuilt]) -> Finding:
    first, failed = alike[0], _failed_load(trace, [ref for one in alike for ref in one.left])
    state, build, left = first.state, first.build, first.left
    whom = wording.layer(state.layer)
    if len(alike) > 1:
        whom += f" and {len(alike) - 1} more like it"
    shapes = [(child, _shape(trace, build, child)) for child in left]
    names = wording.listed([wording.quoted(child.name) for child in left])
    them = "it" if len(left) == 1 else "them"
    end = f"{names} {'has' if len(left) == 1 else 'have'} no weights"
    if failed is not None:
        end = f"{failed.name} could not load {them}"
    elif first.later is not None:
        end += f" until {wording.line(first.later.caller)} calls {them}"
    return RULE.finding(
        f"{build.name} does not build {wording.listed(map(wording.layer, left))} in {whom}, "
        f"which {'is' if len(alike) == 1 else 'are'} marked as built: {end}.",
        fix=_code(state, shapes),
        edits=_edits(trace, state, shapes),
        calls=[call.id for one in alike for call in (one.build, one.later) if call],
        caller=_line(first),
        layer=state.layer.id,
        severity="error" if failed else "warning",
    )


def _line(half_built: HalfBuilt) -> SourceLine | None:
    """Where the remedy goes: the `build`, or the class if that has none of its own."""
    state = half_built.state
    method = state.method("build")
    if method is not None:
        return SourceLine(file=method.file, line=method.line)
    if state.line:
        return SourceLine(file=state.file, line=state.line)
    return half_built.build.caller


# -- built by the call that came right after, so that only loading lacks it -------------------


def _of_what_calls_built(trace: Trace) -> Iterator[Finding]:
    told = set()
    for layer in trace.layers:
        for build in trace.index.builds_of(layer)[:1]:
            holder = _culprit(trace, build) if _loads_by_build(trace, build) else None
            if holder and (holder.file, holder.line, build.layer) not in told:
                told.add((holder.file, holder.line, build.layer))
                yield _finding(trace, holder, build)


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
    outer = next((c for c in trace.index.builds_of(holder.layer.id) if c.inputs), None)
    line = SourceLine(file=holder.file, line=method.line if method else holder.line)
    name = holder.layer.class_name
    shapes = [(build.layer, _shape(trace, outer, build.layer))]
    does = f"{name}.build does not build" if method else f"{name} has no `build` that would build"
    end = f": {failed.name} could not load it" if failed else ": a .keras file will not load"
    by = next(c for c in trace.ancestors(build) if c.landmark == "Layer.__call__")
    return RULE.finding(
        f"{does} {wording.layer(build.layer)} in {wording.layer(holder.layer)}, only the call "
        f"at {wording.line(build.caller)} did{end}.",
        fix=_code(holder, shapes),
        edits=_edits(trace, holder, shapes),
        calls=[build.id, by.id, *(b.id for b in trace.index.builds_of(holder.layer.id)[:1])],
        caller=line if line.line else build.caller,
        layer=holder.layer.id,
        # Keras 2 may have saved it in TensorFlow's own format, which can do without.
        severity="error" if failed else "note" if build.generation == "keras2" else "warning",
    )


def _failed_load(trace: Trace, layers: Sequence[LayerRef] = ()) -> Use | None:
    """A loading that ended because a layer had no weights; one of these layers, if there are any.

    The text names a layer that has variables itself, not one that only holds others.
    """
    for use in trace.uses:
        loads = use.name.rpartition(".")[2] in ("load_model", "load_weights")
        if loads and use.error is not None and "variables" in use.error.message:
            named = re.compile("|".join(rf"\b{re.escape(ref.name)}\b" for ref in layers))
            holds = any(trace.graph_of(ref.id) or trace.index.state_of(ref.id) for ref in layers)
            if holds or named.search(use.error.message):
                return use
    return None


def _shape(trace: Trace, outer: Call | None, child: LayerRef) -> str:
    """Code for the shape that a layer inside has to be built for; "..." if that is not known.

    Args:
        trace: the trace.
        outer: the build of the layer around it.
        child: the layer inside.
    """
    builds = [build for build in trace.index.builds_of(child.id) if build.inputs]
    given = builds[0].inputs[0].shape if builds else None
    if given is None:
        return "..."
    around = outer.inputs if outer is not None else ()
    is_same = len(around) == 1 and (around[0].shape or ())[1:] == given[1:]
    is_fed = outer is not None and _may_get_input(trace, outer.layer, child)
    return "input_shape" if is_same and is_fed else remedies.any_batch(given)


def _may_get_input(trace: Trace, holder: LayerRef | None, child: LayerRef) -> bool:
    """Whether a layer inside gets what its holder gets, as far as that is known."""
    graph = None if holder is None else trace.graph_of(holder.id)
    if graph is None:
        return True
    places = {node.id for node in graph.nodes if node.layer == child.id}
    return {edge.source for edge in graph.edges if edge.target in places} <= {*graph.inputs}


_MARKS = ("self.built = True", "super().build({0})")
"""What a `build` ends with, and says with it that all is built."""


def _edits(trace: Trace, holder: LayerState, shapes: Sequence[tuple[LayerRef, str]]) -> Edits:
    """The same as lines in the class, if it is known what each layer inside is built from."""
    held = [holder.attributes.get(child.id, "") for child, _ in shapes]
    method = holder.method("build")
    if not all(held) or "..." in [shape for _, shape in shapes]:
        return edits.NONE
    if method is None:
        line = SourceLine(file=holder.file, line=holder.line)
        return edits.method_added(trace, line, *_code(holder, shapes).split("\n"))
    if len(method.arguments) != 1:
        return edits.NONE
    (given,) = method.arguments
    names = remedies.attributes(holder, [child for child, _ in shapes])
    lines = [
        f"{name}.build({shape.replace('input_shape', given)})"
        for name, (_, shape) in zip(names, shapes, strict=True)
    ]
    line = SourceLine(file=method.file, line=method.line)
    ends = [mark.format(given) for mark in _MARKS]
    return edits.at_end(trace, line, *lines, before_last=ends)


def _code(holder: LayerState, shapes: Sequence[tuple[LayerRef, str]]) -> str:
    """A `build` for the holder's class that builds these layers, each for its shape."""
    method = holder.method("build")
    children = [*dict.fromkeys([*holder.children, *[child for child, _ in shapes]])]
    named = dict(zip(children, remedies.attributes(holder, children), strict=True))
    lines = [
        f"    {named[child]}.build({shape})"
        + ("  # ...: the shape of what `call` gives it" if shape == "..." else "")
        for child, shape in shapes
    ]
    as_now = ["    ...  # as now"] if method else []
    end = "    super().build(input_shape)"
    return "\n".join(["def build(self, input_shape):", *as_now, *lines, end])


RULE = Rule(
    code="BT103",
    title="a layer inside is not built by `build`",
    severity="warning",
    generations=BOTH,
    why="When a layer's own `build` is over, Keras marks the layer as built, whatever it holds. "
    "What `build` left out is built by the first run of `call`; until then it is in no list of "
    "weights, summary or file, and a file that was saved before does not load afterwards "
    "(build_wrapper in layers/layer.py of keras 3.15.1, Layer.build in engine/base_layer.py of "
    "tf_keras 2.21). On symbols Keras 3 does not run the `call` of a layer with a "
    "`compute_output_shape` (Layer.compute_output_spec in layers/layer.py), so that even a "
    "functional model begins without these weights. Loading a model whose class has a `build` "
    "makes it anew and runs `build`, not `call`: the saved values then find no variables "
    "(Model.build_from_config in models/model.py of keras 3.15.1, Layer.build_from_config in "
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
