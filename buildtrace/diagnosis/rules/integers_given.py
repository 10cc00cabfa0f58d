"""BT331: a layer that computes with floats was given integers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import wording
from buildtrace.traces.shape_origins import INPUT, ShapeOrigins
from buildtrace.traces.wording import USUAL_DTYPE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.traces.failures import Raised
    from buildtrace.traces.schema import Call, Finding
    from buildtrace.traces.trace import Trace

# What TensorFlow says of integers where it wants floats: of symbols, of data, beside a float.
_SAID = re.compile(
    r"has DataType u?int\d+ not in list of allowed values|"
    r"Value for attr 'T' of u?int\d+ is not in the list of allowed values|"
    r"Incompatible type conversion requested to type u?int\d+ for `?tf.Variable of type float|"
    r"has type float\d+ that does not match type u?int\d+ of argument|"
    r"have types \[u?int\d+, float\d+\] that don't all match"
)


def _check(trace: Trace) -> Iterator[Finding]:
    for failure in trace.index.failures:
        own = failure.error.raised_at is None  # the user's code did it, not the layer's
        call = None if own or not _SAID.search(failure.error.message) else _call(failure)
        if call is not None:
            yield _finding(trace, failure, call)


def _call(failure: Raised) -> Call | None:
    """The call of the layer that the user knows of, and that got integers."""
    calls = [call for call in failure.calls if call.landmark == "Layer.__call__"]
    given = [call for call in calls if call.inputs and "int" in (call.inputs[0].dtype or "")]
    line = given[-1].caller if given else None
    return next((call for call in given if call.caller == line), None)


def _finding(trace: Trace, failure: Raised, call: Call) -> Finding:
    assert call.layer is not None
    way = ShapeOrigins(trace).path(call, call.inputs[0].shape)
    first = way[-1] if way and way[-1].landmark == INPUT else None
    where = f" from the Input at {wording.line(first.caller)}" if first and first.caller else ""
    return RULE.finding(
        f"{wording.layer(call.layer)} computes with floats, and got integers: "
        f"{wording.tensor(call.inputs[0])}{where}.",
        _fix(call, first),
        calls=[*failure.ids, *([first.id] if first else [])],
        caller=call.caller,
        layer=call.layer.id,
    )


def _fix(call: Call, first: Call | None) -> str:
    dtype = call.inputs[0].dtype
    if dtype == "uint8":
        return "x = keras.layers.Rescaling(1 / 255)(x)  # colors from 0 to 255 become 0 to 1"
    if first is not None:
        shape = wording.shape_in_words((first.outputs[0].shape or ())[1:])
        return f'keras.Input({shape}, dtype="{USUAL_DTYPE}")  # in the place of {dtype}'
    return f'x = x.astype("{USUAL_DTYPE}")  # x: the data, {dtype} now'


RULE = Rule(
    code="BT331",
    title="integers given to a layer that computes with floats",
    severity="error",
    generations=BOTH,
    why="A layer casts floats to its compute dtype and leaves integers as they are, since they may "
    "be indices. Dense takes them all the same, most others multiply them with their weights or "
    "divide, which TensorFlow has no operation for (Layer._maybe_cast_inputs in "
    "engine/base_layer.py of tf_keras 2.21, Layer.__call__ in layers/layer.py of keras 3.15). A "
    "functional model casts to the dtype of its Input, float32 unless it says another.",
    bad="""\
import numpy as np
from tensorflow import keras

images = np.zeros((2, 8, 8, 3), "uint8")
x = images
x = keras.layers.Conv2D(4, 3)(x)
""",
    good="""\
import numpy as np
from tensorflow import keras

images = np.zeros((2, 8, 8, 3), "uint8")
x = keras.layers.Rescaling(1 / 255)(images)
x = keras.layers.Conv2D(4, 3)(x)
""",
    check=_check,
    hides=("BT601", "BT602"),
)
