"""BT305: a size that is None while a model is built was used as a number."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from buildtrace.diagnosis import edits
from buildtrace.diagnosis.parsed_files import name_in
from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import wording
from buildtrace.traces.shape_origins import open_axes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.diagnosis.edits import Edits
    from buildtrace.traces.failures import Raised
    from buildtrace.traces.schema import Call, Finding, SourceLine
    from buildtrace.traces.trace import Trace

# What Python, numpy and TensorFlow say of None where a number or a shape was wanted. A None that
# was handed on as a tensor, such as a missing mask, has another text.
_SAID = re.compile(
    r"(?:int|float)\(\) argument must be .*not 'NoneType'"
    r"|'NoneType' object cannot be interpreted as an integer"
    r"|unsupported operand type\(s\) for .*(?:'NoneType' and '(?:int|float)'|"
    r"'(?:int|float)' and 'NoneType')"
    r"|not supported between instances of (?:'NoneType' and '(?:int|float)'|"
    r"'(?:int|float)' and 'NoneType')"
    r"|Expected u?int\d+, but got None"
    r"|Failed to convert elements of [(\[].*None.*[)\]] to Tensor"
    r"|loop of ufunc does not support argument \d of type NoneType"
    r"|Arguments `num_rows` and `num_columns` must not be None"
)

_RAN_CALL = "The actual error from `call` is:"  # from Model.build of Keras 2


def _check(trace: Trace) -> Iterator[Finding]:
    for failure in trace.index.failures:
        call = failure.calls[-1]
        if call.layer is None or not (call.step == "connect" or _RAN_CALL in failure.error.message):
            continue
        if any(None in (spec.shape or ()) for spec in call.inputs) and _is_said(failure):
            yield _finding(trace, failure, call)


def _is_said(failure: Raised) -> bool:
    text = failure.error.message
    where = bool(failure.error.lines) or _RAN_CALL in text
    return where and failure.error.type in ("TypeError", "ValueError") and bool(_SAID.search(text))


def _finding(trace: Trace, failure: Raised, call: Call) -> Finding:
    assert call.layer is not None
    line = failure.error.place or call.caller
    given = [spec for spec in call.inputs if None in (spec.shape or ())]
    axes = sorted({axis for spec in given for axis in open_axes(spec.shape)})
    what = "the size of the batch is"
    if axes:
        named = wording.listed([str(axis) for axis in [0, *axes]])
        what = f"the sizes of axes {named} are"
    return RULE.finding(
        f"`call` of {wording.layer(call.layer)} used a size that is not known yet as a number: it "
        f"ran on {wording.shapes_in_words(given)}, where {what} None ({wording.line(line)}: "
        f"{failure.error.type}).",
        _fix(call, axes),
        calls=failure.ids,
        caller=line,
        layer=call.layer.id,
        edits=_edits(trace, call, line),
    )


def _edits(trace: Trace, call: Call, line: SourceLine | None) -> Edits:
    """The size as a tensor, in the place of the one that is None."""
    if line is None:
        return edits.NONE
    wanted = ["tensorflow.shape"] if call.generation == "keras2" else ["keras.ops.shape"]
    name = name_in(trace, line.file, *wanted)
    unknown = [0, *sorted({axis for spec in call.inputs for axis in open_axes(spec.shape)})]
    found = [
        edits.expression(trace, line, code, f"{name}({x})[{axis}]")
        for axis in unknown
        for x, code in _sizes(trace, line, axis)
    ]
    placed = [one for one in found if one]
    return placed[0] if name and len(placed) == 1 else edits.NONE


def _sizes(trace: Trace, line: SourceLine, axis: int) -> set[tuple[str, str]]:
    """The tensors whose size along an axis is asked for in a statement, and the code that does."""
    code = trace.index.source_code.statement(line)
    names = re.findall(rf"(\w+)\.shape\[{axis}\]", code)
    as_number = {f"int({x}.shape[{axis}])" for x in names}
    return {
        (x, number if number in code else f"{x}.shape[{axis}]")
        for x in names
        for number in as_number
    }


def _fix(call: Call, axes: list[int]) -> str:
    shape = "keras.ops.shape" if call.generation == "keras3" else "tf.shape"
    axis = axes[0] if axes else 0
    fix = f"size = {shape}(x)[{axis}]  # instead of x.shape[{axis}]: known when there is data"
    return f"{fix}\n# in a reshape, -1 stands for one size that is not known: (-1, ...)"


RULE = Rule(
    code="BT305",
    title="a size that is not known yet was used as a number",
    severity="error",
    generations=BOTH,
    why="A model is built on symbols: their `shape` has None for each size that only data decides, "
    "above all the batch's. `x.shape[0]` is then None, and no number can be made of it. Keras "
    "runs `call` on such symbols to see what comes out (Layer._infer_output_signature in "
    "engine/base_layer.py of tf_keras 2.21, compute_output_spec in backend/tensorflow/core.py of "
    "keras 3.15); Lambda and automatic builds of Keras 3 replace or drop the exception.",
    bad="""\
import tensorflow as tf
from tensorflow import keras


class AddNoise(keras.layers.Layer):
    def call(self, x):
        return x + tf.zeros((x.shape[0], 3))


inputs = keras.Input((3,))
outputs = keras.layers.Dense(2)(AddNoise()(inputs))
model = keras.Model(inputs, outputs)
""",
    good="""\
import tensorflow as tf
from tensorflow import keras


class AddNoise(keras.layers.Layer):
    def call(self, x):
        return x + tf.zeros((tf.shape(x)[0], 3))


inputs = keras.Input((3,))
outputs = keras.layers.Dense(2)(AddNoise()(inputs))
model = keras.Model(inputs, outputs)
""",
    check=_check,
    hides=("BT601", "BT602"),
)
