"""BT332: the data are an array of objects or of texts, where a model takes numbers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.diagnosis.rules.texts_without_input import OF_TEXTS
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.traces.failures import Raised
    from buildtrace.traces.schema import Finding
    from buildtrace.traces.trace import Trace

_OBJECTS = re.compile(
    r"Invalid dtype: object|"
    r"Failed to convert a NumPy array to a Tensor \(Unsupported object type ([\w.]+)\)"
)
_TEXTS = re.compile(r"Invalid dtype: str\d*|Cast string to \w+ is not supported")
_GIVEN = re.compile(r"\b(\w+)\.(fit|evaluate|predict|\w+_on_batch)\(")
_ROWS = ("list", "tuple")
"""What an array of rows of several lengths has for its elements."""


def _check(trace: Trace) -> Iterator[Finding]:
    # What a model with such a layer was given may be just what it is for.
    takes_texts = any(layer.class_name in OF_TEXTS for layer in trace.layers.values())
    for raised in trace.index.raised:
        line = raised.line
        if trace.error is None or line is None:
            continue
        given = _GIVEN.search(trace.index.source_code.statement(line))
        if given is None and raised.of("Layer.__call__") is None:
            continue  # nobody knows whether it is a model that got it
        text = raised.error.message
        objects = _OBJECTS.search(text)
        if objects or (_TEXTS.search(text) and not takes_texts):
            yield _finding(raised, given[2] if given else "", objects)


def _finding(raised: Raised, given: str, objects: re.Match[str] | None) -> Finding:
    what = "an array of objects" if objects else "an array of texts"
    element = objects[1] if objects else None
    has = f", of which one is of the type {element}" if element else ""
    where = f"`{given}` at {wording.line(raised.line)}" if given else wording.line(raised.line)
    return RULE.finding(
        f"{where} is given {what}{has}: a model takes numbers.",
        _fix(objects is not None, element),
        calls=raised.ids,
        caller=raised.line,
    )


def _fix(has_objects: bool, element: str | None) -> str:
    if not has_objects:
        return (
            "classes, y = np.unique(y, return_inverse=True)  # of targets: numbers for the texts\n"
            "# of inputs: keras.layers.TextVectorization, or StringLookup, in front of the model"
        )
    padded = "x = keras.utils.pad_sequences(x)"
    numbers = 'x = x.astype("float32")  # x: what is an array of objects, dtype=object'
    if element == "numpy.ndarray":
        return "x = np.stack(x)  # once all have one shape: images resized, sequences padded"
    if element in _ROWS:
        return f"{padded}  # rows of several lengths become one array"
    return numbers if element else f"{numbers}\n# or, of rows of several lengths: {padded}"


RULE = Rule(
    code="BT332",
    title="data that are no numbers",
    severity="error",
    generations=BOTH,
    why="NumPy makes an array of objects of what does not fit into one dtype: rows of several "
    "lengths, columns of numbers and texts, numbers with None among them, many a pandas table. "
    "Neither can be made a tensor (convert_to_tensor in backend/tensorflow/core.py and "
    "standardize_dtype in backend/common/variables.py of keras 3.15, TensorFlow 2.21).",
    bad="""\
import numpy as np
from tensorflow import keras

x = np.array([[1, 2.0], [3, 4.0]], dtype=object)
model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
model.compile("sgd", "mse")
model.fit(x, np.ones((2, 1)), verbose=0)
""",
    good="""\
import numpy as np
from tensorflow import keras

x = np.array([[1, 2.0], [3, 4.0]], dtype=object).astype("float32")
model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
model.compile("sgd", "mse")
model.fit(x, np.ones((2, 1)), verbose=0)
""",
    check=_check,
    hides=("BT601", "BT602"),
)
