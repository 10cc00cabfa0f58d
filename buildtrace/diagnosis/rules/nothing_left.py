"""BT309: nothing is left of an image or a sequence that was made smaller too often."""

from __future__ import annotations

import ast
import re
import textwrap
from typing import TYPE_CHECKING

from buildtrace.diagnosis import edits
from buildtrace.diagnosis.parsed_files import maker_of
from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import wording
from buildtrace.traces.shape_origins import INPUT, ShapeOrigins

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.diagnosis.edits import Edits
    from buildtrace.traces.failures import Raised
    from buildtrace.traces.schema import Call, Finding, Shape, SourceLine, TensorSpec
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
        _fix(trace, call.layer.class_name, given.shape or (), [call, *way]),
        edits=_edits(trace, call, given.shape or (), [call, *way]),
        calls=[*failure.ids, *[maker.id for maker in steps]],
        caller=call.caller,
        layer=call.layer.id,
    )


def _fix(trace: Trace, class_name: str, shape: Shape, way: list[Call]) -> str:
    """The remedy.

    Args:
        trace: for the source.
        class_name: of the layer that failed.
        shape: what it got.
        way: the calls that led there, itself first.
    """
    first = _channels_first(way, shape)
    if first:
        last = wording.shape_in_words((*first[2:], first[1]))
        return f"keras.Input(shape={last})  # the channels last, in the data as well"
    if found := _in_two_arguments(trace, way):
        line, size = found
        return (
            f"keras.layers.Conv2D(..., {size})  # {wording.line(line)}: a third argument is the "
            "strides, not the window's width"
        )
    return (
        f'keras.layers.{class_name}(..., padding="same")  # or a larger Input, or fewer layers '
        "that make it smaller"
    )


def _channels_first(way: list[Call], shape: Shape) -> Shape:
    """What came in, if its channels stand where the height should be; empty if not."""
    first = way[-1].outputs[0].shape if way[-1].landmark == INPUT and way[-1].outputs else shape
    is_image = first is not None and len(first) == 4
    return first if first and is_image and first[1] in (1, 3) and (first[3] or 0) > 4 else ()


def _edits(trace: Trace, call: Call, shape: Shape, way: list[Call]) -> Edits:
    """The same as an edit; where channels belong the data has to be changed as well."""
    if _channels_first(way, shape) or call.layer is None:
        return edits.NONE
    if found := _in_two_arguments(trace, way):
        return edits.arguments_joined(trace, found[0], "Conv2D", (1, 2), found[1])
    name = call.layer.class_name
    line = maker_of(trace, call.layer, call.caller)
    place = 2 if "Pool" in name else 3
    return edits.argument(trace, line, name, "padding", '"same"', place)


def _in_two_arguments(trace: Trace, way: list[Call]) -> tuple[SourceLine, str] | None:
    """The line of the first convolution whose window is written so, and the window."""
    for call in reversed(way):
        is_conv = call.layer is not None and call.layer.class_name == "Conv2D"
        if is_conv and call.caller and (size := _window_in_two_arguments(trace, call.caller)):
            return call.caller, size
    return None


def _window_in_two_arguments(trace: Trace, line: SourceLine) -> str:
    """The window of a Conv2D that is written as in Keras 1, `Conv2D(32, 3, 3)`; "" if none is."""
    try:
        tree = ast.parse(textwrap.dedent(trace.index.source_code.statement(line)))
    except SyntaxError:
        return ""
    for made in ast.walk(tree):
        if isinstance(made, ast.Call) and len(made.args) == 3:
            name, sizes = ast.unparse(made.func), [ast.unparse(size) for size in made.args[1:]]
            if name.endswith("Conv2D") and all(size.isdigit() and size != "1" for size in sizes):
                return f"({', '.join(sizes)})"
    return ""


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
