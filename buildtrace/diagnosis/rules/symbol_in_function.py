"""BT308: a symbol was handed to a function that needs values, as numpy's do."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, NamedTuple

from buildtrace.diagnosis import edits
from buildtrace.diagnosis.migration.migration_findings import of_others
from buildtrace.diagnosis.parsed_files import (
    definition_around,
    find_call,
    name_in,
    parsed,
    spelled,
)
from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.diagnosis.trained_at import method_at
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.diagnosis.edits import Edits
    from buildtrace.traces.schema import Call, Edit, ErrorInfo, Finding, SourceLine
    from buildtrace.traces.trace import Trace

OF_TENSORFLOW = "a function of TensorFlow"
OF_PYTHON = "Python code that needs a value"
_LOSS = re.compile(r"loss|\bkl|_kl\b|divergence|\.fit\(", re.IGNORECASE)

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

_BOOLEAN = re.compile(r"be used as a boolean|as a Python `bool`")

_OF_TENSORFLOW = re.compile(r"symbolic `?tf\.Tensor|'SymbolicTensor'")
"""What these say of TensorFlow's own symbols, which there are in a graph alone."""


_METRICS = ("metrics", "weighted_metrics")

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
    # A loss is computed for a model, and not in its `call`.
    inside = call.error is not None and call.layer is not None and call.step != "compile"
    where = f" in `call` of {wording.layer(call.layer)}" if inside and call.layer else ""
    is_training = not where and _is_training(trace, error)
    metric = _metric_at(trace, line) if is_training else None
    placed = _edits(trace, line, call.generation, what)
    if placed:
        fix = _as_code(placed[0], what)
    elif is_training:
        fix = _of_training(call.generation)
        if metric is not None:
            placed = edits.argument(trace, metric.compiled, "compile", "run_eagerly", "True")
    else:
        is_loss = _is_loss(trace, error)
        fix = _fix(error, call.generation, what, inside=bool(where), is_loss=is_loss)
    if metric is not None:
        where = f" in the metric `{metric.name}`, which training runs in a graph"
    return RULE.finding(
        f"{wording.line(line)} passed a symbol to {what}{where}: a symbol has a shape and a dtype, "
        "but no values.",
        fix,
        calls=proof,
        caller=line,
        layer=call.layer.id if call.layer and inside else None,
        edits=placed,
    )


class _Metric(NamedTuple):
    """A function or a class that a model was compiled with as a metric, and the line of that."""

    name: str
    compiled: SourceLine


def _metric_at(trace: Trace, line: SourceLine) -> _Metric | None:
    """The metric that a line is in, as far as the line that compiles the model names it."""
    file = parsed(trace, line.file)
    around = definition_around(file, line.line) if file else None
    for use in trace.index.uses_by("Model.compile"):
        found = find_call(trace, use.caller, "compile")
        given = found[1].keywords if found else []
        named = [node for one in given if one.arg in _METRICS for node in ast.walk(one.value)]
        names = [node.id for node in named if isinstance(node, ast.Name)]
        if around is not None and around.name in names and use.caller:
            return _Metric(around.name, use.caller)
    return None


def _edits(trace: Trace, line: SourceLine, generation: str, what: str) -> Edits:
    """The change of what fails, and of nothing else in its line."""
    if what == OF_PYTHON:
        where = f"{_operations(generation)}.where"
        return edits.choice_of_tensors(trace, line, spelled(trace, line.file, where))
    return _other_function(trace, line) if generation == "keras3" else edits.NONE


def _as_code(edit: Edit, what: str) -> str:
    """The remedy that an edit makes: what stands above a trial is what was tried."""
    if what == OF_PYTHON:
        return f"{edit.text}  # instead of `if`: works on symbols"
    return f"{edit.text}(...)  # with the same arguments: works on symbols"


def _operations(generation: str) -> str:
    return "keras.ops" if generation == "keras3" else "tf"


def _other_function(trace: Trace, line: SourceLine) -> Edits:
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


def _is_training(trace: Trace, error: ErrorInfo) -> bool:
    """Whether it is in what `fit` and its kin run as a graph: a metric, a loss, a `train_step`."""
    lines = [*error.lines, *(trace.error.lines if trace.error else ())]
    ran = any(method_at(trace, line) for line in lines)
    return ran and bool(_OF_TENSORFLOW.search(error.message))


def _is_loss(trace: Trace, error: ErrorInfo) -> bool:
    """Whether what failed computes a loss, by the user's lines: in a `fit`, or by their names."""
    code = trace.index.source_code
    lines = [*error.lines, *(trace.error.lines if trace.error else ())]
    told = (f"{code.line(line)} {code.function_at(line)}" for line in lines)
    return any(map(_LOSS.search, told))


def _what(text: str) -> str | None:
    if _TENSORFLOW.search(text):
        return OF_TENSORFLOW
    if _NUMPY.search(text):
        return "something that needs a numpy array"
    return OF_PYTHON if _PYTHON.search(text) else None


def _fix(error: ErrorInfo, generation: str, what: str, *, inside: bool, is_loss: bool) -> str:
    if is_loss and not inside:
        return _ADD_LOSS
    if what == OF_TENSORFLOW and not inside:
        return _LAYER
    operations = _operations(generation)
    if what != OF_PYTHON:
        return f"{operations}.sqrt(x)  # instead of np.sqrt(x), and so on: works on symbols"
    choice = f"{operations}.where(condition, a, b)  # instead of `if`: works on symbols"
    if "__len__" in error.message:  # Python asks for that of an `if` as well
        return f"{operations}.shape(x)[0]  # instead of len(x)\n{choice}"
    if _BOOLEAN.search(error.message):
        return choice
    return f'{operations}.cast(x, "int32")  # instead of int(x), and so on: it stays a tensor'


def _of_training(generation: str) -> str:
    is_3 = generation == "keras3"
    total, instead = ("keras.ops.sum(y)", "keras.ops") if is_3 else ("tf.reduce_sum(y)", "tf")
    return (
        f"{total}  # instead of y.numpy().sum(), np.sum(y) and so on: {instead} alone\n"
        "# or model.compile(..., run_eagerly=True): no graph is made then, which is slower"
    )


_LAYER = """\
# use the function of this name in keras.ops, or a layer of your own:
class MyOperation(keras.layers.Layer):
    def call(self, x):
        return ...  # what is in that line now

x = MyOperation()(x)"""

_ADD_LOSS = """\
# a loss of more than targets and outputs: in a layer, which hands on what it gets
class AddLoss(keras.layers.Layer):
    def call(self, inputs):
        outputs, *others = inputs
        self.add_loss(...)  # what that line computes, of `others`
        return outputs

outputs = AddLoss()([outputs, ...])  # before keras.Model(inputs, outputs)
# then no `model.add_loss`: Keras 3 has it of layers only; or compute it in a `train_step`"""


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
