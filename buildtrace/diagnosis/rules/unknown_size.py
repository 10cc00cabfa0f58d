"""BT301: a layer's weights need a size that its input leaves open."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from buildtrace.diagnosis import edits
from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import wording
from buildtrace.traces.shape_origins import INPUT, ShapeOrigins, open_axes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.traces.failures import Raised
    from buildtrace.traces.schema import Call, Finding, Shape
    from buildtrace.traces.trace import Trace

# What Keras, TensorFlow and Python say of a size that is None; shapes in a text say it as well, of
# axes that nobody needs a number for.
_SAID = re.compile(
    r"fully-defined|Found `?None|to be `None`|undefined `axis`|NoneType|value \(None\)|"
    r"None values not supported|mixed types to Tensor"
)


def _check(trace: Trace) -> Iterator[Finding]:
    for failure in trace.index.failures:
        build = failure.of("Layer.build", "Layer.__call__")
        if build is None or build.landmark != "Layer.build" or build.layer is None:
            continue
        if any(open_axes(spec.shape) for spec in build.inputs) and _SAID.search(
            failure.error.message
        ):
            yield _finding(trace, failure, build)


def _finding(trace: Trace, failure: Raised, build: Call) -> Finding:
    assert build.layer is not None
    given = [spec for spec in build.inputs if open_axes(spec.shape)]
    origins = ShapeOrigins(trace)
    openers = origins.openers(build, given)
    way = origins.path(build, given[0].shape)
    flatten = next((call for call in way if _class(call) == "Flatten"), None)
    return RULE.finding(
        f"{build.name} of {wording.layer(build.layer)} cannot make its weights: it needs a size "
        f"that its input {wording.shapes_in_words(given)} leaves open{_blame(openers)}.",
        _fix(build, openers, flatten),
        edits=edits.pooling_for_flatten(trace, flatten) if flatten else (),
        calls=[*failure.ids, *[call.id for call in openers]],
        caller=build.caller,
        layer=build.layer.id,
    )


def _class(call: Call) -> str:
    return call.layer.class_name if call.layer else ""


def _blame(openers: list[Call]) -> str:
    return (
        f"; it was left open by {wording.listed([_opener(c) for c in openers])}" if openers else ""
    )


def _opener(call: Call) -> str:
    where = f" at {wording.line(call.caller)}" if call.caller else ""
    if call.landmark == INPUT:
        return f"the Input '{_name(call)}'{where}, {wording.shapes_in_words(call.outputs)}"
    if call.outputs:
        shapes = wording.shapes_in_words(call.outputs)
        return f"'{_name(call) or call.name}'{where}, which gives {shapes}"
    return f"the shape that '{_name(call) or call.name}' was given{where}"


def _fix(build: Call, openers: list[Call], flatten: Call | None) -> str:
    opener = openers[-1] if openers else None
    if flatten is not None and flatten.inputs and flatten.inputs[0].shape is not None:
        kind = {4: "2D", 5: "3D"}.get(len(flatten.inputs[0].shape), "1D")
        pooled = f"keras.layers.GlobalAveragePooling{kind}()"
        return f"{pooled}  # instead of Flatten() '{_name(flatten)}': takes any size"
    if opener is not None and opener.outputs:
        return _new_input(opener) if opener.landmark == INPUT else _ensured(opener)
    shape = wording.shape_in_words(_fixed(build.inputs[0].shape))
    return f"{shape}  # as the shape: the number of features instead of None"


def _name(call: Call) -> str:
    return call.layer.name if call.layer else ""


def _fixed(shape: Shape | None) -> Shape:
    """The shape with a number for the last axis, or for all open ones if the last one has one."""
    sizes = list(shape or ())
    axes = [len(sizes) - 1] if sizes and sizes[-1] is None else open_axes(shape)
    return tuple(16 if axis in axes else size for axis, size in enumerate(sizes))


def _new_input(opener: Call) -> str:
    shape = wording.shape_in_words(_fixed(opener.outputs[0].shape)[1:])
    return f"keras.Input(shape={shape})  # the number of features of your data instead of None"


def _ensured(opener: Call) -> str:
    shape = wording.shape_in_words(_fixed(opener.outputs[0].shape))
    if opener.generation == "keras2":
        what = _name(opener) or opener.name
        return f"x = tf.ensure_shape(x, {shape})  # after '{what}': the real number of features"
    return (
        f"class {_class(opener) or 'MyLayer'}(keras.layers.Layer):\n"
        "    ...\n"
        "    def compute_output_shape(self, input_shape):\n"
        f"        return {shape}  # the real number of features"
    )


RULE = Rule(
    code="BT301",
    title="a weight needs a size that the input leaves open",
    severity="error",
    generations=BOTH,
    why="The shape of a weight has to be known when it is made: a kernel has as many rows as the "
    "input has features. An axis may stay None only if no weight depends on it, such as the batch "
    "or the time. Keras 2 checks it layer by layer (Dense.build in layers/core/dense.py, "
    "Conv.build in layers/convolutional/base_conv.py of tf_keras 2.21), Keras 3 where the "
    "variable is made (backend/common/variables.py of keras 3.15).",
    bad="""\
from tensorflow import keras

inputs = keras.Input(shape=(None, None))
outputs = keras.layers.Dense(4)(inputs)
model = keras.Model(inputs, outputs)
""",
    good="""\
from tensorflow import keras

inputs = keras.Input(shape=(None, 16))
outputs = keras.layers.Dense(4)(inputs)
model = keras.Model(inputs, outputs)
""",
    check=_check,
    hides=("BT601", "BT602"),
)
