"""BT306: an input with the wrong number of axes, or of a size that a model does not take."""

from __future__ import annotations

import re
from ast import literal_eval
from typing import TYPE_CHECKING, NamedTuple

from buildtrace.diagnosis import edits
from buildtrace.diagnosis.parsed_files import maker_of, name_in
from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.diagnosis.trained_at import method_at
from buildtrace.traces import wording
from buildtrace.traces.shape_origins import INPUT, ShapeOrigins

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.diagnosis.edits import Edits
    from buildtrace.traces.failures import Raised
    from buildtrace.traces.schema import Call, Finding, LayerRef, Shape, TensorSpec
    from buildtrace.traces.trace import Trace

RECURRENT = ("LSTM", "GRU", "SimpleRNN", "RNN", "Bidirectional")

# What Keras' `assert_input_compatibility` says, in both generations.
_AXES = re.compile(
    r"[Ii]nput (\d+) .*is incompatible with the layer: "
    r"expected (?:(min|max)_)?ndim=(\d+), found ndim=\d+"
)
_SHAPE = re.compile(
    r"[Ii]nput (\d+) .*is incompatible with the layer: expected shape=(\([^)]*\)), found shape="
)
_GIVEN = re.compile(r"Expected shape (\([^)]*\)), but input has incompatible shape (\([^)]*\))")
_KERNEL = re.compile(
    r"Kernel shape must have the same length as input, but received kernel of shape (\([^)]*\))"
)
"""What Keras 3 says of most convolutions; a Conv1D of Keras 2 takes images, row by row."""
_RANK = re.compile(r"Inputs should have rank \d|Shape must be rank \d|tuple index out of range")
"""What comes of the others, in either generation: said by nobody who knows the layer."""
_SIZED = re.compile(r"(\w*(?:Conv|Pooling))([123])D(\w*)")
"""The layers of which there are three, for sequences, images and videos."""
_CHANNELS = (1, 3, 4)
_NUMBER = re.compile(r"expects (\d+) (?:named )?input\(s\).*received (\d+) input tensors")


class Refused(NamedTuple):
    """What a layer did not take.

    Attributes:
        call: the call of the layer.
        spec: the input.
        wants: what it wants instead, in words.
        axes: how many axes it wants, if it said so.
        shape: which shape it wants, if it said so.
    """

    call: Call
    spec: TensorSpec
    wants: str
    axes: int | None = None
    shape: Shape | None = None


def _check(trace: Trace) -> Iterator[Finding]:
    for failure in trace.index.failures:
        refused = _refused(failure)
        if refused is not None:
            yield _finding(trace, failure, refused)


def _refused(failure: Raised) -> Refused | None:
    call = failure.of("Layer.__call__")
    if call is None or call.layer is None:
        return None
    text = failure.error.message
    if (said := _AXES.search(text)) and (spec := _input(call, int(said[1]))):
        bound = {"min": "at least ", "max": "at most "}.get(said[2] or "", "")
        wants = f"{bound}{said[3]} {'axis' if said[3] == '1' else 'axes'}"
        return Refused(call, spec, wants, axes=int(said[3]))
    if (said := _SHAPE.search(text)) and (spec := _input(call, int(said[1]))):
        shape = literal_eval(said[2])
        return Refused(call, spec, wording.shape_in_words(shape), shape=shape)
    if said := _GIVEN.search(text):
        shape, got = literal_eval(said[1]), literal_eval(said[2])
        specs = [spec for spec in call.inputs if spec.shape == got]
        return (
            Refused(call, specs[0], wording.shape_in_words(shape), shape=shape) if specs else None
        )
    if failure.calls[-1].layer == call.layer and (axes := _of_convolution(call, text)):
        return Refused(call, call.inputs[0], wording.count(axes, "axis", "axes"), axes=axes)
    if (said := _NUMBER.search(text)) and call.inputs:
        return Refused(call, call.inputs[0], wording.count(int(said[1]), "input"))
    return None


def _of_convolution(call: Call, text: str) -> int | None:
    """How many axes a convolution takes, if it failed as it got another number of them."""
    shape = call.inputs[0].shape if call.inputs else None
    if said := _KERNEL.search(text):
        return said[1].count(",") + 1
    sized = _SIZED.fullmatch(call.layer.class_name) if call.layer and _RANK.search(text) else None
    if sized is None or shape is None or len(shape) == int(sized[2]) + 2:
        return None
    return int(sized[2]) + 2


def _input(call: Call, number: int) -> TensorSpec | None:
    return call.inputs[number] if number < len(call.inputs) else None


def _finding(trace: Trace, failure: Raised, refused: Refused) -> Finding:
    layer = refused.call.layer
    assert layer is not None
    method = _method_of_data(trace, refused.call)
    way = [] if method else ShapeOrigins(trace).path(refused.call, refused.spec.shape)
    before = way[0] if way else None
    came = f" of the data that `{method}` got" if method else _from(before)
    one = refused.shape is not None or refused.axes is not None
    got = wording.shapes_in_words([refused.spec] if one else refused.call.inputs)
    inputs = _inputs(trace, refused)
    return RULE.finding(
        f"{wording.layer(layer)}{_made_with(inputs)} takes {refused.wants}, but got {got}{came}.",
        _fix(trace, refused, way),
        edits=_edits(trace, refused, way, inputs),
        calls=[*failure.ids, *[call.id for call in inputs], *([before.id] if before else [])],
        caller=refused.call.caller,
        layer=layer.id,
    )


def _method_of_data(trace: Trace, call: Call) -> str:
    """The method that called a model on its data, such as "fit"; "" if somebody else called it.

    No layer has made this data, whatever has the same shape.
    """
    return "" if call.parent is not None else method_at(trace, call.caller)


def _inputs(trace: Trace, refused: Refused) -> list[Call]:
    """The Inputs that a model was made with, if it is one that refused."""
    layer = refused.call.layer
    graph = trace.graph_of(layer.id) if layer and refused.axes is None else None
    layers = {node.layer for node in graph.nodes if node.id in graph.inputs} if graph else set()
    return [
        call
        for call in trace.calls
        if call.landmark == INPUT and call.layer and call.layer.id in layers
    ]


def _made_with(inputs: list[Call]) -> str:
    makers = [f"'{c.layer.name}' ({wording.line(c.caller)})" for c in inputs if c.layer]
    what = "Input" if len(makers) == 1 else "Inputs"
    return f", made with the {what} {wording.listed(makers)}," if makers else ""


def _from(before: Call | None) -> str:
    if before is None or before.layer is None:
        return ""
    where = f" at {wording.line(before.caller)}" if before.caller else ""
    if before.landmark == INPUT:
        return f" from the Input '{before.layer.name}'{where}"
    return f" from {wording.layer(before.layer)}{where}"


# -- remedies ---------------------------------------------------------------------------------


def _fix(trace: Trace, refused: Refused, way: list[Call]) -> str:
    assert refused.call.layer is not None
    shape, before = refused.spec.shape or (), way[0] if way else None
    recurrent, flatten = _recurrent(way, len(shape)), _flatten(refused, way)
    if refused.shape is not None:
        return _other_size(refused, shape)
    if refused.axes is None:
        return _all_inputs(trace, refused)
    if flatten is not None and flatten.layer is not None:
        return (
            f"x = keras.layers.{refused.call.layer.class_name}(...)(x)  # on x as it was before "
            f"'{flatten.layer.name}', {wording.shapes_in_words(flatten.inputs)}"
        )
    if len(shape) > refused.axes:
        if len(shape) == refused.axes + 1 and before is not None and before.landmark == INPUT:
            return _of_input(trace, refused, shape, before)
        return _other_kind(refused, shape) or _fewer_axes(refused, recurrent)
    if recurrent is not None:
        return (
            f"{_constructor(recurrent, 'True')}  # '{recurrent.name}': passes on every step, not "
            "only the last"
        )
    return _more_axes(refused, shape, before)


def _edits(trace: Trace, refused: Refused, way: list[Call], inputs: list[Call]) -> Edits:
    """The same as edits, where shape and place are known; the data is nobody's to change."""
    shape, before = refused.spec.shape or (), way[0] if way else None
    if refused.shape is not None:
        return _input_for_data(trace, refused, shape, inputs)
    if refused.axes is None or refused.call.layer is None:
        return edits.NONE
    is_more = len(shape) > refused.axes
    recurrent = _recurrent(way, len(shape))
    if recurrent is not None:
        call = next(call for call in way if call.layer == recurrent)
        return _sequences(trace, call, recurrent, "False" if is_more else "True")
    if before is None or before.landmark == INPUT:
        return _of_samples(trace, refused, shape, before) if is_more else edits.NONE
    if _flatten(refused, way) is not None:
        return edits.NONE
    made = re.match(r"x = keras\.(layers\.\w+)(\(.*\))\(x\)", _fix(trace, refused, way))
    line = refused.call.caller
    name = name_in(trace, line.file, f"keras.{made[1]}") if made and line else ""
    if not made or not name:
        return edits.NONE
    return edits.layer_before(trace, line, refused.call.layer.class_name, name + made[2])


def _input_for_data(trace: Trace, refused: Refused, shape: Shape, inputs: list[Call]) -> Edits:
    """The shape of the data for the one Input of a model."""
    if len(refused.shape or ()) != len(shape) or len(inputs) != 1:
        return edits.NONE
    sample = wording.shape_in_words(shape[1:])
    return edits.argument(trace, inputs[0].caller, "Input", "shape", sample, 0)


def _sequences(trace: Trace, call: Call, layer: LayerRef, value: str) -> Edits:
    """`return_sequences` of a recurrent layer, or of the one in a Bidirectional."""
    line = maker_of(trace, layer, call.caller)
    names = RECURRENT[:3] if layer.class_name == "Bidirectional" else (layer.class_name,)
    found = [edits.argument(trace, line, name, "return_sequences", value) for name in names]
    placed = [one for one in found if one]
    return placed[0] if len(placed) == 1 else edits.NONE


def _of_samples(trace: Trace, refused: Refused, shape: Shape, before: Call | None) -> Edits:
    """`shape=x.shape` of an Input has the number of samples in it."""
    if before is None or len(shape) != (refused.axes or 0) + 1:
        return edits.NONE
    return edits.argument(
        trace,
        before.caller,
        "Input",
        "shape",
        lambda code: f"{code}[1:]" if code.endswith(".shape") else "",
        0,
    )


def _recurrent(way: list[Call], axes: int) -> LayerRef | None:
    """The recurrent layer that the input comes from, if nothing after it changed the axes."""
    for call in way:
        if len(call.outputs[0].shape or ()) != axes or call.layer is None:
            return None
        if call.layer.class_name in RECURRENT:
            return call.layer
    return None


def _constructor(recurrent: LayerRef, sequences: str) -> str:
    if recurrent.class_name == "Bidirectional":
        return f"keras.layers.Bidirectional(keras.layers.LSTM(..., return_sequences={sequences}))"
    return f"keras.layers.{recurrent.class_name}(..., return_sequences={sequences})"


def _other_size(refused: Refused, shape: Shape) -> str:
    wanted = refused.shape or ()
    if len(wanted) == len(shape) + 1 and wanted[1:] == shape:
        return "x = x[None]  # one sample alone is a batch of one"
    if len(wanted) == len(shape):
        return f"keras.Input(shape={wording.shape_in_words(shape[1:])})  # the shape of your data"
    sizes = ", ".join("-1" if size is None else str(size) for size in wanted[1:])
    return f"x = x.reshape((-1, {sizes}))  # the shape that the model was made for"


def _all_inputs(trace: Trace, refused: Refused) -> str:
    assert refused.call.layer is not None
    names = [call.layer.name for call in _inputs(trace, refused) if call.layer]
    if not names:
        return f"layer([...])  # {refused.wants}"
    given = ", ".join(f'"{name}": ...' for name in names)
    if _method_of_data(trace, refused.call):
        return (
            f"{{{given}}}  # as `x`, or first in each batch of a dataset: what stands second there "
            "are the targets, third the weights"
        )
    return f"model({{{given}}})  # every input of '{refused.call.layer.name}', by name"


def _of_input(trace: Trace, refused: Refused, shape: Shape, before: Call) -> str:
    """For an Input with an axis too many, which `shape=x.shape` has: the number of samples."""
    inner = wording.shape_in_words(shape[2:])
    statement = trace.index.source_code.statement(before.caller) if before.caller else ""
    if re.search(r"\.shape\b(?!\s*\[)", statement):
        return (
            f"keras.Input(shape={inner})  # x.shape[1:]: {shape[1]}, the number of samples, is no "
            "part of it"
        )
    return (
        f"{_other_kind(refused, shape) or _fewer_axes(refused, None)}\n"
        f"# or, if {shape[1]} is the number of samples: keras.Input(shape={inner})"
    )


def _flatten(refused: Refused, way: list[Call]) -> Call | None:
    """The Flatten that took the axes that are missing."""
    made = way[0] if way and way[0].layer and way[0].layer.class_name == "Flatten" else None
    shape = made.inputs[0].shape if made and made.inputs else None
    return made if shape is not None and len(shape) == refused.axes else None


def _other_kind(refused: Refused, shape: Shape) -> str:
    """The layer of the same kind that takes so many axes; "" if there is none."""
    assert refused.call.layer is not None
    sized = _SIZED.fullmatch(refused.call.layer.class_name)
    what = {3: "(steps, features)", 4: "(rows, columns, channels)"}
    if sized is None or len(shape) not in (*what, 5):
        return ""
    name = f"{sized[1]}{len(shape) - 2}D{sized[3]}"
    sample = what.get(len(shape), "(frames, rows, columns, channels)")
    return f"keras.layers.{name}(...)  # a sample here is {sample}"


def _fewer_axes(refused: Refused, recurrent: LayerRef | None) -> str:
    if recurrent is not None:
        return (
            f"{_constructor(recurrent, 'False')}  # '{recurrent.name}': passes on the last step "
            "alone"
        )
    if refused.axes == 2:
        return "x = keras.layers.Flatten()(x)"
    shape = refused.spec.shape or ()
    kept = ["-1" if size is None else str(size) for size in shape[1 : (refused.axes or 2) - 1]]
    return f"x = keras.layers.Reshape(({', '.join([*kept, '-1'])}))(x)  # joins the last axes"


def _more_axes(refused: Refused, shape: Shape, before: Call | None) -> str:
    is_data = before is None and (not shape or shape[0] is not None)
    if is_data and len(shape) + 1 == refused.axes and shape and shape[-1] in _CHANNELS:
        return "x = x[None]  # one sample alone is a batch of one"
    if is_data:
        return "x = x[..., None]  # a last axis of size 1: the channel, or the one feature"
    if shape[-1] in _CHANNELS and (kind := _other_kind(refused, shape)):
        return kind
    if before is not None and before.landmark == INPUT:
        inner = wording.shape_in_words((*shape[1:], 1))
        return f"keras.Input(shape={inner})  # one channel or feature; the data too: x[..., None]"
    sizes = ["-1" if size is None else str(size) for size in shape[1:]]
    inner = ", ".join([*sizes, "1"])
    return f"x = keras.layers.Reshape(({inner}))(x)  # a last axis of size 1"


RULE = Rule(
    code="BT306",
    title="an input that the layer does not take",
    severity="error",
    generations=BOTH,
    why="A layer says in its `input_spec` how many axes and which sizes it takes: a recurrent one "
    "(batch, time, features), a Conv2D (batch, height, width, channels). Keras compares each input "
    "with it before anything else (assert_input_compatibility in layers/input_spec.py of keras "
    "3.15, engine/input_spec.py of tf_keras 2.21). A convolution of Keras 3 says only how many at "
    "least, and compares its kernel afterwards (compute_conv_output_shape in "
    "ops/operation_utils.py).",
    bad="""\
from tensorflow import keras

inputs = keras.Input((20, 8))
x = keras.layers.LSTM(16)(inputs)
outputs = keras.layers.LSTM(4)(x)
model = keras.Model(inputs, outputs)
""",
    good="""\
from tensorflow import keras

inputs = keras.Input((20, 8))
x = keras.layers.LSTM(16, return_sequences=True)(inputs)
outputs = keras.layers.LSTM(4)(x)
model = keras.Model(inputs, outputs)
""",
    check=_check,
    hides=("BT601", "BT602"),
)
