"""BT304: a layer's own `compute_output_shape` promises another shape than `call` gives out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from buildtrace.diagnosis.rule import Rule
from buildtrace.traces import wording
from buildtrace.traces.index import CALL, is_users
from buildtrace.traces.mismatch import mismatch
from buildtrace.traces.schema import SourceLine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.traces.failures import Raised
    from buildtrace.traces.schema import Call, Finding, Method, Shape, TensorSpec
    from buildtrace.traces.trace import Trace

_NO_SHAPE = re.compile(r"Cannot convert '(.*)' to a shape\.")
"""What Keras says of what it cannot take for a shape."""

PROMISES = ("Layer.compute_output_shape", "Operation.compute_output_spec")


def _check(trace: Trace) -> Iterator[Finding]:
    promised: dict[int, list[Call]] = {}
    for call in trace.calls:
        if call.landmark in PROMISES and call.layer and call.outputs and is_users(call):
            promised.setdefault(call.layer.id, []).append(call)
    for layer, promises in promised.items():
        pairs = ((p, real) for real in _real_calls(trace, layer) for p in promises)
        broken = next(((p, real) for p, real in pairs if _differ(p, real)), None)
        if broken is not None:
            yield _finding(trace, *broken)
    if any(mismatch(trace, failure) for failure in trace.index.failures):
        yield from _of_keras(trace)
    for failure in trace.index.failures:
        asked = failure.of("Operation.compute_output_spec")
        if asked is not None and _NO_SHAPE.search(failure.error.message):
            yield from _no_shape(trace, failure, asked)


def _of_keras(trace: Trace) -> Iterator[Finding]:
    """The promise of a layer of Keras' own that was broken before another layer failed.

    A wrapper promises what the layer inside does: that one is told of.
    """
    broken: dict[int, tuple[Call, Call]] = {}
    for promise in trace.calls:
        if promise.landmark != PROMISES[0] or promise.layer is None or is_users(promise):
            continue
        if promise.layer.id not in trace.index.graph_by_model:
            calls = _real_calls(trace, promise.layer.id)
            real = next((call for call in calls if _differ(promise, call)), None)
            if real is not None:
                broken[promise.id] = promise, real
    for promise, real in broken.values():
        if not any(inner.id in broken for inner in trace.index.inside(promise)):
            yield _finding(trace, promise, real)
            return


def _real_calls(trace: Trace, layer: int) -> Iterator[Call]:
    """The calls of the layer that computed its outputs, on data or on TensorFlow's placeholders."""
    for call in trace.index.calls_of(layer):
        below = {inner.landmark for inner in _own(trace, call)}
        if call.outputs and not below & {"Layer.symbolic_call", "Operation.symbolic_call"}:
            yield call


def _own(trace: Trace, call: Call) -> Iterator[Call]:
    """The calls inside that are about the same layer."""
    for child in trace.children(call):
        if child.layer == call.layer:
            yield child
            yield from _own(trace, child)


def _differ(promise: Call, real: Call) -> bool:
    """Whether the promise is broken, on an input that it was made for."""
    counts = (len(promise.inputs), len(promise.outputs))
    if not promise.inputs or counts != (len(real.inputs), len(real.outputs)):
        return False  # another number of outputs: it was called with other arguments
    given = zip(promise.inputs, real.inputs, strict=True)
    came = zip(promise.outputs, real.outputs, strict=True)
    is_same = all(_agree(a.shape, b.shape) for a, b in given)
    return is_same and not all(_agree(a.shape, b.shape) for a, b in came)


def _agree(first: Shape | None, second: Shape | None) -> bool:
    """Whether these can be the shapes of one tensor, its batch left out of account."""
    if first is None or second is None:
        return True
    return len(first) == len(second) and all(
        a is None or b is None or a == b for a, b in zip(first[1:], second[1:], strict=True)
    )


def _finding(trace: Trace, promise: Call, real: Call) -> Finding:
    assert promise.layer is not None
    failed = [call for call in trace.index.failing if call.id > promise.id]
    harm = ""
    if failed and failed[-1].layer is not None and failed[-1].layer != promise.layer:
        harm = f"; {wording.layer(failed[-1].layer)} was built for what was promised, and fails"
    return RULE.finding(
        f"{promise.name} of {wording.layer(promise.layer)} promises "
        f"{wording.shapes_in_words(promise.outputs)}, but its `call` gives "
        f"{wording.shapes_in_words(real.outputs)} "
        f"for {wording.shapes_in_words(real.inputs)}{harm}.",
        _fix(promise, real) if is_users(promise) else _fix_of_keras(trace, promise, real),
        calls=[promise.id, real.id, *[call.id for call in failed]],
        caller=promise.caller,
        layer=promise.layer.id,
    )


def _no_shape(trace: Trace, failure: Raised, call: Call) -> Iterator[Finding]:
    """The finding on a promise that is no shape, if the layer's class makes promises itself."""
    state = trace.index.state_of(call.layer.id) if call.layer else None
    method = state.method("compute_output_shape") if state else None
    said = _NO_SHAPE.search(failure.error.message)
    if call.layer is None or method is None or said is None:
        return
    yield RULE.finding(
        f"compute_output_shape of {wording.layer(call.layer)} ({wording.line(_place(method))}) "
        f"returned {said[1]}, which is not a shape: each size has to be a number or None.",
        "def compute_output_shape(self, input_shape):\n"
        "    return (input_shape[0], *new_shape)  # one tuple of sizes, not a tuple within a tuple",
        calls=failure.ids,
        caller=_place(method),
        layer=call.layer.id,
    )


def _place(method: Method) -> SourceLine:
    return SourceLine(file=method.file, line=method.line)


def _fix(promise: Call, real: Call) -> str:
    if "spec" in promise.name:
        return (
            f"# in {promise.layer.class_name if promise.layer else 'the layer'}: leave out "
            "compute_output_spec, so that Keras runs `call` on placeholders,\n"
            f"# or have it return keras.KerasTensor({_expression(real.outputs)}, ...)"
        )
    return (
        "def compute_output_shape(self, input_shape):\n"
        f"    return {_expression(real.outputs)}  # what `call` really gives\n"
        "# or leave compute_output_shape out: Keras then runs `call` on placeholders"
    )


def _fix_of_keras(trace: Trace, promise: Call, real: Call) -> str:
    assert promise.layer is not None
    if promise.layer.class_name == "Lambda":
        sample = wording.shape_in_words((real.outputs[0].shape or ())[1:])
        return f"keras.layers.Lambda(..., output_shape={sample})  # or without `output_shape`"
    asked = (promise, *trace.index.inside(promise))
    if any(call.layer and call.layer.class_name == "Bidirectional" for call in asked):
        units = _sizes_inside(trace, real)
        have = f" (they are {wording.listed(map(str, units))})" if len(units) == 2 else ""
        return (
            f"# as many units in both directions{have}: Bidirectional takes those of the first\n"
            "# twice for the size of what it gives"
        )
    return (
        f"# call '{promise.layer.name}' in the `call` of a subclassed model: what comes behind it "
        "is built there\n# for what it really gives"
    )


def _sizes_inside(trace: Trace, real: Call) -> list[int | None]:
    """The last sizes of what the layers directly inside of a call of a layer gave, each once."""
    sizes: list[int | None] = []
    for inner in trace.index.inside(real):
        if inner.landmark == CALL and inner.outputs and inner.outputs[0].shape:
            around = next(c for c in trace.index.ancestors(inner) if c.landmark == CALL)
            if around is real:
                sizes.append(inner.outputs[0].shape[-1])
    return list(dict.fromkeys(sizes))


def _expression(outputs: tuple[TensorSpec, ...]) -> str:
    """The shapes that came out, with the batch of what goes in."""
    shown = []
    for spec in outputs:
        rest = ", ".join(str(size) for size in (spec.shape or ())[1:])
        shown.append(f"(input_shape[0], {rest})" if rest else "(input_shape[0],)")
    return shown[0] if len(shown) == 1 else f"[{', '.join(shown)}]"


RULE = Rule(
    code="BT304",
    title="`compute_output_shape` promises another shape than `call` gives",
    severity="error",
    generations=("keras3",),
    why="If a layer has a `compute_output_shape`, Keras 3 does not run its `call` on symbols: it "
    "takes the promised shape, and builds the layers after it for that shape "
    "(Layer.compute_output_spec in layers/layer.py of keras 3.15). Nobody compares the two. Of "
    "Keras' own layers a Lambda promises what it was told (layers/core/lambda_layer.py), and a "
    "Bidirectional twice what its first layer does (layers/rnn/bidirectional.py). Keras 2 runs "
    "`call` on placeholders, and asks `compute_output_shape` of dynamic layers only.",
    bad="""\
import numpy as np
from tensorflow import keras


class Halve(keras.layers.Layer):
    def call(self, x):
        return x[:, ::2]

    def compute_output_shape(self, input_shape):
        return input_shape


inputs = keras.Input((8,))
outputs = keras.layers.Dense(2)(Halve()(inputs))
model = keras.Model(inputs, outputs)
model(np.ones((1, 8), "float32"))
""",
    good="""\
import numpy as np
from tensorflow import keras


class Halve(keras.layers.Layer):
    def call(self, x):
        return x[:, ::2]

    def compute_output_shape(self, input_shape):
        return (input_shape[0], 4)


inputs = keras.Input((8,))
outputs = keras.layers.Dense(2)(Halve()(inputs))
model = keras.Model(inputs, outputs)
model(np.ones((1, 8), "float32"))
""",
    check=_check,
    hides=("BT302", "BT306", "BT601", "BT602"),
)
