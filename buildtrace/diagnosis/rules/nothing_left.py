"""BT309: nothing is left of an image or a sequence that was made smaller too often."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import wording
from buildtrace.traces.shape_origins import INPUT, ShapeOrigins

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.traces.failures import Raised
    from buildtrace.traces.schema import Call, Finding, Shape, TensorSpec
    from buildtrace.traces.trace import Trace

# What the convolutions and poolings of both generations say, and TensorFlow's shape function.
_SAID = re.compile(
    r"Computed output size would be (?:zero or )?negative|"
    r"dimensions in the output is <= 0 due to downsampling|"
    r"Negative dimension size caused by subtracting"
)


def _check(trace: Trace) -> Iterator[Finding]:
    for failure in trace.index.failures:
        call = failure.of("Layer.__call__")
        if call is not None and call.layer and call.inputs and _SAID.search(failure.error.message):
            yield _finding(trace, failure, call)


def _finding(trace: Trace, failure: Raised, call: Call) -> Finding:
    assert call.layer is not None
    given = call.inputs[0]
    way = ShapeOrigins(trace).path(call, given.shape)
    steps = [maker for maker in way if maker.landmark == INPUT or _shrank(maker)]
    return RULE.finding(
        f"{wording.layer(call.layer)} got {wording.shape_in_words(given.shape)}, "
        f"and its window leaves nothing of it{_course(steps)}.",
        _fix(call.layer.class_name, given.shape or ()),
        calls=[*failure.ids, *[maker.id for maker in steps]],
        caller=call.caller,
        layer=call.layer.id,
    )


def _fix(class_name: str, shape: Shape) -> str:
    if len(shape) == 4 and shape[1] in (1, 3) and (shape[3] or 0) > 4:
        last = wording.shape_in_words((*shape[2:], shape[1]))
        return f"keras.Input(shape={last})  # the channels last, in the data as well"
    return (
        f'keras.layers.{class_name}(..., padding="same")  # or a larger Input, or fewer layers '
        "that make it smaller"
    )


def _shrank(maker: Call) -> bool:
    """Whether a layer gave out an image or a sequence smaller than the one it got."""
    if not maker.inputs or not maker.outputs:
        return False
    before, after = _room(maker.inputs[0]), _room(maker.outputs[0])
    return len(before) == len(after) and any(a < b for a, b in zip(after, before, strict=True))


def _room(spec: TensorSpec) -> list[int]:
    """The known sizes without the batch."""
    return [size for size in (spec.shape or ())[1:-1] if size is not None]


def _course(steps: list[Call]) -> str:
    """What made it so small, from the first to the last; the last few of many."""
    shown = [
        f"'{maker.layer.name}' ({wording.line(maker.caller)}) "
        f"{wording.shapes_in_words(maker.outputs)}"
        for maker in steps[:5][::-1]
        if maker.layer
    ]
    return f"; on the way there it shrank: {' → '.join(shown)}" if shown else ""


RULE = Rule(
    code="BT309",
    title="nothing left of an image or a sequence",
    severity="error",
    generations=BOTH,
    why='With padding="valid" a window of n takes n - 1 off each axis, and strides divide what is '
    "left. A window that is larger than its input does not fit into it (compute_conv_output_shape "
    "in ops/operation_utils.py of keras 3.15, Conv.build in layers/convolutional/base_conv.py of "
    "tf_keras 2.21). Channels in the place of the height have the same effect: the default is "
    "(batch, height, width, channels).",
    bad="""\
from tensorflow import keras

inputs = keras.Input((16, 16, 3))
x = keras.layers.Conv2D(4, 3)(inputs)
x = keras.layers.MaxPooling2D(4)(x)
x = keras.layers.Conv2D(8, 5)(x)
outputs = keras.layers.Dense(2)(keras.layers.Flatten()(x))
model = keras.Model(inputs, outputs)
""",
    good="""\
from tensorflow import keras

inputs = keras.Input((16, 16, 3))
x = keras.layers.Conv2D(4, 3)(inputs)
x = keras.layers.MaxPooling2D(4)(x)
x = keras.layers.Conv2D(8, 5, padding="same")(x)
outputs = keras.layers.Dense(2)(keras.layers.Flatten()(x))
model = keras.Model(inputs, outputs)
""",
    check=_check,
    hides=("BT601", "BT602"),
)
