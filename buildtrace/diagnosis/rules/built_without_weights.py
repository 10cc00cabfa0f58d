"""BT102: a `build` said that it was done, and had built nothing of what the layer holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.diagnosis import edits, remedies
from buildtrace.diagnosis.parsed_files import spelled
from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.diagnosis.edits import Edits
    from buildtrace.traces.schema import Call, Finding, LayerRef, LayerState
    from buildtrace.traces.trace import Trace


def _check(trace: Trace) -> Iterator[Finding]:
    for layer in trace.layers:
        for call in trace.index.builds_of(layer):
            if call.error is None and not trace.index.is_by_call(call):
                yield from _of_default(trace, call)
                yield from _of_sequential(trace, call)


def _of_default(trace: Trace, call: Call) -> Iterator[Finding]:
    """`Layer.build`, which runs if a class has no `build`: it only marks the layer as built."""
    root, state = trace.index.root(call), trace.index.state_after(call)
    if call.name == "Layer.build" and state and state.built and state.unbuilt and not state.ran:
        left = [child for child in state.children if _is_missed(trace, state, child)]
        later = trace.index.built_later(call, left)
        # Loading a model builds each layer, and then calls it: by one line of the user's.
        if left and (later is None or trace.index.root(later).caller != root.caller):
            yield _finding(trace, call, state, left, later)


def _is_missed(trace: Trace, state: LayerState, child: LayerRef) -> bool:
    """Whether a child was left unbuilt, and is not known to make no weights when it is built."""
    return child.id in state.unbuilt and trace.index.may_make_weights(child)


def _finding(
    trace: Trace, call: Call, state: LayerState, left: list[LayerRef], later: Call | None
) -> Finding:
    ref = state.layer
    names = wording.listed([wording.layer(child) for child in left])
    end = "is not built" if len(left) == 1 else "are not built"
    if later is not None:
        end += f" until {wording.line(later.caller)} calls it" if later.caller else " until later"
    return RULE.finding(
        f"`build` of {wording.layer(ref)} marked it as built without building anything: "
        f"{names} {end}.",
        fix=_fix(trace, state, left, call.generation),
        calls=[call.id],
        caller=call.caller,
        layer=ref.id,
        severity="error" if later is None else "warning",
        edits=_edits(trace, call, ref),
    )


def _edits(trace: Trace, build: Call, ref: LayerRef) -> Edits:
    """A call on data in the place of the call of `build`."""
    known, line = remedies.inputs(trace, ref), build.caller
    data = ", ".join(remedies.zeros(build.generation, spec) for spec in known)
    given = spelled(trace, line.file, data) if line else ""
    return edits.call_instead(
        trace, line, "build", lambda layer: f"{layer}({given})" if given else ""
    )


def _fix(trace: Trace, state: LayerState, left: list[LayerRef], generation: str) -> str:
    """A call on data, and a `build` if it is known what each layer inside has to be built from."""
    ref = state.layer
    call = remedies.call_on_data(trace, ref, generation)
    code = f"{call}  # instead of .build(...): runs `call`, with any mistakes in it"
    shapes = ["input_shape"] if len(left) == 1 else [_shape(trace, child) for child in left]
    if not all(shapes):
        return code
    lines = [
        f"    {held}.build({shape})"
        for held, shape in zip(remedies.attributes(state, left), shapes, strict=True)
    ]
    build = "\n".join(["def build(self, input_shape):", *lines, "    super().build(input_shape)"])
    return f"{code}; or in class {ref.class_name}:\n{build}"


def _shape(trace: Trace, child: LayerRef) -> str:
    """The shape that a child got when it was built after all; empty if it never was."""
    builds = trace.index.builds_of(child.id)
    known = builds[0].inputs[0].shape if builds and builds[0].inputs else None
    return remedies.any_batch(known) if known else ""


def _of_sequential(trace: Trace, call: Call) -> Iterator[Finding]:
    """`Sequential.build` of Keras 3 without the shape of one tensor: it returns without a word."""
    silent = call.changes == {"built": (False, True)} and not any(trace.index.inside(call))
    if call.name == "Sequential.build" and call.generation == "keras3" and silent:
        assert call.layer is not None
        name = remedies.variable(call.layer)
        yield RULE.finding(
            f"`build` of {wording.layer(call.layer)} marked it as built without building anything, "
            "because it was not given the shape of one tensor.",
            fix=f"{name}.build((None, ...))  # the shape of a batch of your data",
            calls=[call.id],
            caller=call.caller,
            layer=call.layer.id,
            why="Sequential.build of Keras 3 returns at once if what it is given is not one shape, "
            "and the wrapper around every `build` then sets built=True (models/sequential.py and "
            "build_wrapper in layers/layer.py of keras 3.15).",
        )


RULE = Rule(
    code="BT102",
    title="built, but without weights",
    severity="error",
    generations=BOTH,
    why="A class without a `build` of its own inherits Layer.build, which only sets "
    "built=True (Keras 3 warns about it). The layers inside are built when they are called, not "
    "before, and an error in `call` does not show (Layer.build in layers/layer.py of keras 3.15, "
    "whose models inherit it too; in engine/base_layer.py of tf_keras 2.21, whose Model.build does "
    "run `call`).",
    bad="""\
from tensorflow import keras


class Block(keras.layers.Layer):
    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(4)

    def call(self, x):
        return self.dense(x)


block = Block()
block.build((None, 3))
print(len(block.weights))
""",
    good="""\
from tensorflow import keras


class Block(keras.layers.Layer):
    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(4)

    def build(self, input_shape):
        self.dense.build(input_shape)
        super().build(input_shape)

    def call(self, x):
        return self.dense(x)


block = Block()
block.build((None, 3))
print(len(block.weights))
""",
    check=_check,
)
