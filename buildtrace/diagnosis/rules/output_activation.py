"""BT703: an activation at the output that does not go with the loss."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.diagnosis import compared_losses, edits, remedies
from buildtrace.diagnosis.parsed_files import name_in
from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.diagnosis.compared_losses import ComparedLoss
    from buildtrace.diagnosis.edits import Edits
    from buildtrace.traces.schema import Finding, Severity, SourceLine
    from buildtrace.traces.trace import Trace

_OF_LOGITS = {
    "categorical_crossentropy": "softmax",
    "categorical_focal_crossentropy": "softmax",
    "sparse_categorical_crossentropy": "softmax",
    "binary_crossentropy": "sigmoid",
    "binary_focal_crossentropy": "sigmoid",
}
"""Losses that take probabilities, or logits if told so → what makes the one of the other."""

_NO_PROBABILITIES = frozenset(
    {
        *("linear", "tanh", "relu", "relu6", "leaky_relu", "elu", "selu", "gelu"),
        *("silu", "swish", "softplus", "softsign", "mish"),
    }
)
"""Activations whose numbers may be below 0 or above 1."""


def _check(trace: Trace) -> Iterator[Finding]:
    for one in compared_losses.compared(trace):
        expected = _OF_LOGITS.get(one.part.function)
        if one.part.activation == "softmax" and one.predicted[-1:] == (1,):
            yield _always_one(trace, one)
        elif expected and one.part.from_logits and one.part.activation in ("softmax", "sigmoid"):
            yield _twice(trace, one, expected)
        elif (
            expected and one.part.from_logits is False and one.part.activation in _NO_PROBABILITIES
        ):
            yield _never(trace, one, expected)


def _always_one(trace: Trace, one: ComparedLoss) -> Finding:
    return _finding(
        trace,
        one,
        f"softmax makes the numbers of the last axis add up to 1, and the {one.output}, of "
        f"{wording.shape_in_words(one.predicted)}, has just one of them: it is 1 for every input.",
        'keras.layers.Dense(1, activation="sigmoid")  # with loss="binary_crossentropy"',
    )


def _twice(trace: Trace, one: ComparedLoss, expected: str) -> Finding:
    on_tensorflow = trace.environment.backend in (None, "tensorflow")
    more = " On TensorFlow Keras takes the logits behind it, and warns." if on_tensorflow else ""
    return _finding(
        trace,
        one,
        f"The {one.output} has the activation {one.part.activation}, and {one.loss} with "
        f"from_logits=True applies {expected} once more.{more}",
        f"keras.losses.{one.part.class_name}()  # without from_logits=True; or no activation in "
        "the last layer",
        edits.argument(
            trace, _compile_line(trace, one), one.part.class_name, "from_logits", _turned_off
        ),
        severity="warning" if on_tensorflow else "error",
    )


def _never(trace: Trace, one: ComparedLoss, expected: str) -> Finding:
    return _finding(
        trace,
        one,
        f"The {one.output} has the activation {one.part.activation}, whose numbers may be "
        f"below 0 or above 1, and {one.loss} takes them for probabilities.",
        f'activation="{expected}"  # in the last layer; or the loss with from_logits=True',
        _with_logits(trace, one),
    )


def _turned_off(code: str) -> str:
    return "False" if code == "True" else ""


def _with_logits(trace: Trace, one: ComparedLoss) -> Edits:
    """The loss for logits, as a layer with no activation at all gives them."""
    if one.part.activation != "linear":
        return edits.NONE
    line = _compile_line(trace, one)
    made = edits.argument(trace, line, one.part.class_name, "from_logits", "True")
    if made:
        return made
    of_function = one.part.function.title().replace("_", "")
    name = name_in(trace, line.file, f"keras.losses.{of_function}") if line else ""
    names = {repr(one.part.function), remedies.text(one.part.function)}
    return edits.argument(
        trace,
        line,
        "compile",
        "loss",
        lambda code: f"{name}(from_logits=True)" if name and code in names else "",
        1,
    )


def _compile_line(trace: Trace, one: ComparedLoss) -> SourceLine | None:
    return compared_losses.evidence(trace, one, of_compile=True)["caller"]


def _finding(
    trace: Trace,
    one: ComparedLoss,
    message: str,
    fix: str,
    changes: Edits = edits.NONE,
    severity: Severity = "error",
) -> Finding:
    return RULE.finding(
        message,
        fix=fix,
        **compared_losses.evidence(trace, one, of_compile=True),
        severity=severity,
        edits=changes,
    )


RULE = Rule(
    code="BT703",
    title="an activation at the output that does not go with the loss",
    severity="error",
    generations=BOTH,
    why="A crossentropy wants probabilities, or with from_logits=True the numbers that softmax or "
    "sigmoid makes them of. It cannot see which of the two it gets: probabilities taken for logits "
    "are squeezed together, and numbers that are no probabilities are clipped to them "
    "(losses/losses.py and backend/tensorflow/nn.py of keras 3.15; losses.py and backend.py of "
    "tf_keras 2.21). Softmax over one number is 1, whatever the number.",
    bad="""\
import numpy as np
from tensorflow import keras

model = keras.Sequential([keras.Input((20,)), keras.layers.Dense(8)])
model.compile("sgd", "sparse_categorical_crossentropy")
x, y = np.zeros((10, 20), "float32"), np.arange(10) % 8
model.fit(x, y, verbose=0)
""",
    good="""\
import numpy as np
from tensorflow import keras

model = keras.Sequential([keras.Input((20,)), keras.layers.Dense(8, activation="softmax")])
model.compile("sgd", "sparse_categorical_crossentropy")
x, y = np.zeros((10, 20), "float32"), np.arange(10) % 8
model.fit(x, y, verbose=0)
""",
    check=_check,
)
