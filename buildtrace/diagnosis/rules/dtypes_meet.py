"""BT330: an operation of the user's own code got two dtypes."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, NamedTuple

from buildtrace.diagnosis import edits
from buildtrace.diagnosis.parsed_files import spelled
from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import wording
from buildtrace.traces.wording import USUAL_DTYPE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.diagnosis.edits import Edits
    from buildtrace.traces.failures import Raised
    from buildtrace.traces.schema import Call, Finding
    from buildtrace.traces.trace import Trace

# What TensorFlow says on symbols, of a list, in its operators and on data; then Torch.
_ARGUMENT = re.compile(
    r"Input '(\w+)' of '(\w+)' Op has type (\w+) that does not match type (\w+) of argument '(\w+)'"
)
_LIST = re.compile(r"Tensors in list passed to '\w+' of '\w+' Op have types \[([^\]]*)\] that don")
_OPERATOR = re.compile(r"`x` and `y` must have the same dtype, got tf\.(\w+) != tf\.(\w+)")
_DATA = re.compile(
    r"cannot compute (\w+) as input #(\d{1,2})\(zero-based\) was expected to be an? (\w+) tensor "
    r"but is an? (\w+) tensor"
)
_TORCH = re.compile(r"to have the same dtype, but got: ([\w ]+) != ([\w ]+)")

_NAMES = {
    "half": "float16",
    "float": "float32",
    "double": "float64",
    "c10::Half": "float16",
    "c10::BFloat16": "bfloat16",
}
"""What C++ calls them."""

_FIRST = ("x", "a")
"""What TensorFlow calls the first argument of operations on two tensors."""

_OPERATORS = {
    "Add": ast.Add,
    "AddV2": ast.Add,
    "Sub": ast.Sub,
    "Mul": ast.Mult,
    "RealDiv": ast.Div,
    "Pow": ast.Pow,
}
"""TensorFlow's operations → the operators that stand for them in code."""

HALVES = ("float16", "bfloat16")
"""The dtypes that a layer computes in under a policy of mixed precision."""


class _Meeting(NamedTuple):
    """Dtypes that met.

    Attributes:
        code: the expression that they met in; "" if it is not known.
        dtypes: of the operands, in their order.
        operands: the code of each; empty if it is not known.
        wrong: the place of the one to be cast.
        right: the place of one that it is to be like.
    """

    code: str
    dtypes: tuple[str, ...]
    operands: tuple[str, ...]
    wrong: int
    right: int


def _check(trace: Trace) -> Iterator[Finding]:
    for failure in trace.index.unhandled:  # of a training's step as well, which is no call
        dtypes = _dtypes(failure.error.message)
        own = failure.error.raised_at is None and failure.error.lines
        if dtypes is not None and own and len(set(dtypes)) > 1:
            call = failure.of("Layer.__call__")
            yield _finding(trace, failure, call, _meeting(trace, failure, call, dtypes))


def _dtypes(text: str) -> tuple[str, ...] | None:
    if said := _ARGUMENT.search(text):
        given, other = said[3], said[4]
        return (given, other) if said[1] in _FIRST else (other, given)
    if said := _LIST.search(text):
        return tuple(said[1].split(", "))
    if (said := _OPERATOR.search(text)) or (said := _TORCH.search(text)):
        return _named(said[1]), _named(said[2])
    if said := _DATA.search(text):
        place, wanted, given = int(said[2]), _named(said[3]), _named(said[4])
        return (*[wanted] * place, given)
    return None


def _named(dtype: str) -> str:
    return _NAMES.get(dtype.strip(), dtype.strip())


def _meeting(trace: Trace, failure: Raised, call: Call | None, dtypes: tuple[str, ...]) -> _Meeting:
    compared = failure.error.compared
    code = "" if compared is None else compared.expression
    operands = tuple(_operands(code, len(dtypes), _operator(failure.error.message)))
    wrong = _wrong(trace, call, dtypes, operands)
    right = next(place for place, dtype in enumerate(dtypes) if dtype != dtypes[wrong])
    return _Meeting(code, dtypes, operands, wrong, right)


def _wrong(
    trace: Trace, call: Call | None, dtypes: tuple[str, ...], operands: tuple[str, ...]
) -> int:
    """The one to cast: an integer beside floats, or else what Keras has not cast already."""
    whole = [place for place, dtype in enumerate(dtypes) if "float" not in dtype]
    if whole and len(whole) < len(dtypes):
        return whole[0]
    state = trace.index.state_of(call.layer.id) if call and call.layer else None
    method = state.method("call") if state else None
    cast = set(method.arguments) if method else set()
    others = [place for place, code in enumerate(operands) if not cast & _names(code)]
    if 0 < len(others) < len(operands):
        return others[0]
    is_double = any(weight.dtype == "float64" for weight in trace.weights)
    usual = (*HALVES, "float64" if is_double else USUAL_DTYPE)
    odd = [place for place, dtype in enumerate(dtypes) if dtype not in usual]
    wide = [place for place, dtype in enumerate(dtypes) if dtype not in HALVES]
    return (odd or wide or [0])[0]


def _finding(trace: Trace, failure: Raised, call: Call | None, meeting: _Meeting) -> Finding:
    where = f" in {wording.layer(call.layer)}" if call and call.layer else ""
    what = f"`{meeting.code}`{where}" if meeting.code else f"This line{where}"
    pairs = zip(meeting.dtypes, meeting.operands, strict=False)
    has = [f"{dtype} for `{code}`" for dtype, code in pairs] or meeting.dtypes
    return RULE.finding(
        f"{what} gets {wording.listed(dict.fromkeys(has))}: an operation takes one dtype only"
        f"{_policy(meeting)}.",
        _fix(failure, meeting),
        edits=_edits(trace, failure, meeting),
        calls=failure.ids,
        caller=failure.error.lines[0],
        layer=call.layer.id if call and call.layer else None,
    )


def _policy(meeting: _Meeting) -> str:
    """What is special about half precision: nothing in the line asks for it."""
    half = meeting.dtypes[meeting.right]
    if half not in HALVES:
        return ""
    return f". The layer computes in {half}: Keras casts its inputs and weights to that, no more"


def _operator(text: str) -> type[ast.operator] | None:
    """The operator that a text speaks of, if it is one."""
    said = _ARGUMENT.search(text)
    on_data = _DATA.search(text)
    name = said[2] if said else on_data[1] if on_data else ""
    return _OPERATORS.get(name)


def _names(code: str) -> set[str]:
    nodes = ast.walk(ast.parse(code, mode="eval"))
    return {node.id for node in nodes if isinstance(node, ast.Name)}


def _operands(code: str, count: int, operator: type[ast.operator] | None) -> list[str]:
    """The code of each operand, if it is that of one operation on so many."""
    try:
        tree = ast.parse(code, mode="eval").body if code else None
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # of a trace from a stranger
        return []
    pairs = [node for node in ast.walk(tree) if isinstance(node, ast.BinOp)] if tree else []
    pairs = [node for node in pairs if operator is None or isinstance(node.op, operator)]
    if isinstance(tree, ast.Call) and tree.args and isinstance(tree.args[0], (ast.List, ast.Tuple)):
        parts: list[ast.expr] = tree.args[0].elts
    elif isinstance(tree, ast.Call) and len(tree.args) == count and not pairs:
        parts = tree.args
    elif len(pairs) == 1:
        parts = [pairs[0].left, pairs[0].right]
    else:
        parts = []
    return [ast.unparse(part) for part in parts] if len(parts) == count else []


def _fix(failure: Raised, meeting: _Meeting) -> str:
    if not meeting.operands:
        return f"{_function(failure)}(..., x.dtype)  # what is {meeting.dtypes[meeting.wrong]}"
    wrong, cast = meeting.operands[meeting.wrong], _cast(failure, meeting)
    # The name alone: "t" is in "tf.constant" too.
    pattern = rf"(?<![\w.]){re.escape(wrong)}(?!\w)"
    in_place, times = re.subn(pattern, lambda _: cast, meeting.code)
    return in_place if times == 1 else f"{cast}  # for `{wrong}`"


def _function(failure: Raised) -> str:
    return "keras.ops.cast" if failure.generation == "keras3" else "tf.cast"


def _cast(failure: Raised, meeting: _Meeting) -> str:
    """The operand to be cast, cast."""
    wrong, other = meeting.operands[meeting.wrong], meeting.operands[meeting.right]
    is_name = re.fullmatch(r"[\w.]+", other)
    to = f"{other}.dtype" if is_name else f'"{meeting.dtypes[meeting.right]}"'
    return f"{_function(failure)}({wrong}, {to})"


def _edits(trace: Trace, failure: Raised, meeting: _Meeting) -> Edits:
    if not meeting.operands:
        return edits.NONE
    line = failure.error.lines[0]
    code = spelled(trace, line.file, _cast(failure, meeting))
    wrong = meeting.operands[meeting.wrong]
    return edits.expression(trace, line, wrong, code) if code else edits.NONE


RULE = Rule(
    code="BT330",
    title="an operation on two dtypes",
    severity="error",
    generations=BOTH,
    why="Operations of TensorFlow take one dtype, and cast nothing. Before `call` a layer casts "
    "the floats among its inputs to its compute dtype, and its weights when they are used "
    "(Layer.__call__ in layers/layer.py of keras 3.15, engine/base_layer.py of tf_keras 2.21): a "
    "constant, a variable of TensorFlow or an integer that the layer holds or makes itself stays "
    "what it is. NumPy's floats are float64.",
    bad="""\
import numpy as np
import tensorflow as tf
from tensorflow import keras


class Shifted(keras.layers.Layer):
    def __init__(self, **options):
        super().__init__(**options)
        self.table = tf.constant(np.linspace(0, 1, 8))

    def call(self, x):
        return x + self.table


inputs = keras.Input((8,))
model = keras.Model(inputs, Shifted()(inputs))
""",
    good="""\
import numpy as np
import tensorflow as tf
from tensorflow import keras


@keras.utils.register_keras_serializable("buildtrace")
class Shifted(keras.layers.Layer):
    def __init__(self, **options):
        super().__init__(**options)
        self.table = tf.constant(np.linspace(0, 1, 8))

    def call(self, x):
        return x + tf.cast(self.table, x.dtype)


inputs = keras.Input((8,))
model = keras.Model(inputs, Shifted()(inputs))
""",
    check=_check,
    hides=("BT601", "BT602"),
)
