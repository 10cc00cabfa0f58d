"""BT308: a symbol was handed to a function that needs values, as numpy's do."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from buildtrace.diagnosis import edits
from buildtrace.diagnosis.migration.migration_findings import of_others
from buildtrace.diagnosis.parsed_files import name_in, spelled
from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.diagnosis.edits import Edits
    from buildtrace.traces.schema import Call, ErrorInfo, Finding, SourceLine
    from buildtrace.traces.trace import Trace

_TENSORFLOW = re.compile(r"KerasTensor cannot be used as input to a TensorFlow function")
_NUMPY = re.compile(
    r"KerasTensor is symbolic: .*cannot convert it to a NumPy array|"
    r"symbolic (?:TF-)?Keras input/output to a numpy array|"
    r"to a TF API that does not allow registering custom dispatchers|"
    r"Cannot convert a symbolic tf\.Tensor .* to a numpy array|"
    r"'(?:KerasTensor|SymbolicTensor)' object has no attribute 'numpy'"
)
_PYTHON = re.compile(
    r"symbolic KerasTensor cannot be used as a boolean|"
    r"KerasTensor is symbolic: .*cannot convert it to an? (?!NumPy)|"
    r"Keras symbolic inputs/outputs do not implement `__len__`|"
    r"Using a symbolic `tf\.Tensor` as a Python `bool` is not allowed|"
    r"(?:int|float)\(\) argument must be .*not '(?:KerasTensor|SymbolicTensor)'"
)


_SAME = (
    "sqrt exp log square sin cos tanh sigmoid maximum minimum matmul where sign round floor ceil "
    "ones_like zeros_like reshape transpose expand_dims squeeze concatenate stack einsum "
    "logical_and logical_or cumsum power cast sum mean max min prod relu softmax softplus"
)
_MODULES = ("numpy", "tensorflow", "tensorflow.math", "tensorflow.nn")
_OPERATIONS = {name: name for name in _SAME.split()} | {
    "reduce_sum": "sum",
    "reduce_mean": "mean",
    "reduce_max": "max",
    "reduce_min": "min",
    "reduce_prod": "prod",
    "concat": "concatenate",
    "pow": "power",
}
"""Functions of TensorFlow and NumPy → those of keras.ops that take the same arguments."""


def _check(trace: Trace) -> Iterator[Finding]:
    yield from _of_exceptions(trace)
    yield from of_others(trace, RULE)


def _of_exceptions(trace: Trace) -> Iterator[Finding]:
    for failure in trace.index.failures:
        if finding := _finding(trace, failure.error, failure.calls[-1], failure.ids):
            yield finding
            return
    symbols = [call for call in trace.roots if call.outputs]
    error = trace.error
    last = _finding(trace, error, symbols[-1], [symbols[-1].id]) if error and symbols else None
    if last is not None:
        yield last


def _finding(trace: Trace, error: ErrorInfo, call: Call, proof: list[int]) -> Finding | None:
    what = _what(error.message)
    if what is None or not error.lines:
        return None
    line = error.lines[0]
    inside = call.error is not None and call.layer is not None
    where = f" in `call` of {wording.layer(call.layer)}" if inside and call.layer else ""
    return RULE.finding(
        f"{wording.line(line)} passed a symbol to {what}{where}: a symbol has a shape and a dtype, "
        "but no values.",
        _fix(call.generation, inside=bool(where)),
        calls=proof,
        caller=line,
        layer=call.layer.id if call.layer and where else None,
        edits=_edits(trace, line) if call.generation == "keras3" else (),
    )


def _edits(trace: Trace, line: SourceLine) -> Edits:
    """The function of keras.ops that is called the same, or nearly so."""
    name = spelled(trace, line.file, "keras.ops")
    modules = [name_in(trace, line.file, module) for module in _MODULES]
    of = [module for module in modules if module]
    found = [
        edits.function_instead(trace, line, function, f"{name}.{operation}", of)
        for function, operation in _OPERATIONS.items()
        if name and of
    ]
    placed = [one for one in found if one]
    return placed[0] if len(placed) == 1 else edits.NONE


def _what(text: str) -> str | None:
    if _TENSORFLOW.search(text):
        return "a function of TensorFlow"
    if _NUMPY.search(text):
        return "something that needs a numpy array"
    return "Python code that needs a value" if _PYTHON.search(text) else None


def _fix(generation: str, *, inside: bool) -> str:
    operations = "keras.ops" if generation == "keras3" else "tf"
    if inside:
        return (
            f"{operations}.sqrt(x)  # instead of np.sqrt(x), and so on: works on symbols\n"
            f"{operations}.where(condition, a, b)  # instead of `if`"
        )
    layer = (
        "class MyOperation(keras.layers.Layer):\n"
        "    def call(self, x):\n"
        "        return ...  # what is in that line now\n\n"
        "x = MyOperation()(x)"
    )
    if generation == "keras3":
        return f"# use the function of this name in keras.ops, or a layer of your own:\n{layer}"
    return f"# use the function of this name in tf, or a layer of your own:\n{layer}"


RULE = Rule(
    code="BT308",
    title="a symbol passed to a function that needs values",
    severity="error",
    generations=BOTH,
    why="While a model is put together, tensors are symbols. Layers know how to deal with them, "
    "and in Keras 3 the functions of keras.ops; those of TensorFlow do not "
    "(KerasTensor.__tf_tensor__ in backend/common/keras_tensor.py of keras 3.15). In Keras 2 "
    "those of TensorFlow do, but numpy and Python's own never (engine/keras_tensor.py of tf_keras "
    "2.21). Within a layer's `call`, everything of TensorFlow may be used.",
    bad="""\
import numpy as np
from tensorflow import keras

inputs = keras.Input((3,))
x = np.sqrt(inputs)
outputs = keras.layers.Dense(2)(x)
model = keras.Model(inputs, outputs)
""",
    good="""\
import tensorflow as tf
from tensorflow import keras


class SquareRoot(keras.layers.Layer):
    def call(self, x):
        return tf.sqrt(x)


inputs = keras.Input((3,))
x = SquareRoot()(inputs)
outputs = keras.layers.Dense(2)(x)
model = keras.Model(inputs, outputs)
""",
    check=_check,
    hides=("BT601", "BT602"),
)
