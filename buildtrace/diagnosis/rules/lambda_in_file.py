"""BT805: a saved model has the code of a lambda, which loading runs only if it is told to."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from buildtrace.diagnosis import edits
from buildtrace.diagnosis.loads import loading_line
from buildtrace.diagnosis.parsed_files import function_given, last_name, parsed, spelled
from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import wording
from buildtrace.traces.schema import SourceLine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.diagnosis.edits import Edits
    from buildtrace.diagnosis.loads import LoadingLine
    from buildtrace.diagnosis.parsed_files import ParsedFile
    from buildtrace.traces.failures import Raised
    from buildtrace.traces.schema import Finding
    from buildtrace.traces.trace import Trace

_SAYS = re.compile(r"Requested the deserialization of a (?P<what>`?Lambda`? layer)?")
_NAMELESS = re.compile(r"Unknown [\w ]+: '<lambda>'|Could not locate function '<lambda>'")

_MORE = ("output_shape", "name", "dtype")
"""Arguments of a Lambda that a layer of one's own does without, or takes as well."""


def _check(trace: Trace) -> Iterator[Finding]:
    for raised in trace.index.unhandled:
        loading = loading_line(trace, raised)
        texts = raised.error.message, raised.reported
        found = next(filter(None, map(_SAYS.search, texts)), None)
        if loading is None:
            continue
        if found is not None and found["what"]:
            yield _of_layers(trace, raised, loading)
        elif found is not None or any(map(_NAMELESS.search, texts)):
            yield _of_functions(raised, loading)


# -- layers ---------------------------------------------------------------------------------------


def _of_layers(trace: Trace, raised: Raised, loading: LoadingLine) -> Finding:
    file = parsed(trace, loading.line.file)
    made = [] if file is None else _lambdas(file)
    lines = [wording.line(SourceLine(file=loading.line.file, line=n.lineno)) for n in made]
    whose = f"the Lambda made at {wording.listed(lines, most=3)}" if lines else "a Lambda"
    return RULE.finding(
        f"{loading.where} would have to run Python code that it reads, of {whose}: Keras does so "
        "only if it is told to.",
        fix="\n".join([_LAYER, *_allowed(loading, raised)]),
        calls=raised.ids,
        caller=loading.line,
        edits=edits.NONE if file is None else _edits(trace, file, made),
    )


def _lambdas(file: ParsedFile) -> list[ast.Call]:
    """The calls that make a Lambda of a lambda, in order."""
    calls = [node for node in file.nodes if isinstance(node, ast.Call)]
    found = [call for call in calls if last_name(call.func) == "Lambda" and _lambda_in(file, call)]
    return sorted(found, key=lambda call: (call.lineno, call.col_offset))


def _lambda_in(file: ParsedFile, call: ast.Call) -> ast.Lambda | None:
    function = function_given(file, call)
    return function if isinstance(function, ast.Lambda) else None


def _edits(trace: Trace, file: ParsedFile, made: list[ast.Call]) -> Edits:
    """A layer of the user's own for each, where all of them are made at the top of the file.

    What is in a function may stand for something else each time.
    """
    registers = spelled(trace, file.name, "keras.utils.register_keras_serializable")
    base = spelled(trace, file.name, "keras.layers.Layer")
    parts: list[Edits] = []
    for number, call in enumerate(made):
        name = f"MyLambda{number + 1 if number else ''}"
        function = _lambda_in(file, call)
        tops = [node for node in file.tree.body if node.lineno <= call.lineno]
        given = [node for node in call.keywords if node.arg != "function"]
        if function is None or len(call.args) > 1 or not tops or not registers or not base:
            return edits.NONE
        takes = function.args
        is_plain = len(takes.args) == 1 and not (takes.defaults or takes.vararg or takes.kwarg)
        if isinstance(tops[-1], _COMPOUND) or not is_plain:
            return edits.NONE
        if any(node.arg not in _MORE for node in given):
            return edits.NONE
        body = file.code(function.body)
        code = (
            f"@{registers}()",
            f"class {name}({base}):",
            f"    def call(self, {takes.args[0].arg}):",
            f"        return {f'({body})' if chr(10) in body else body}",
            "",
            "",
        )
        kept = [f"{k.arg}={file.code(k.value)}" for k in given if k.arg != "output_shape"]
        line = SourceLine(file=file.name, line=tops[-1].lineno)
        parts += [
            edits.before(trace, line, *code),
            file.replace(file.begin(call), file.end(call), f"{name}({', '.join(kept)})"),
        ]
    return edits.together(*parts) if parts else edits.NONE


_COMPOUND = (
    *(ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef),
    *(ast.For, ast.While, ast.If, ast.With, ast.Try),
)

_LAYER = """\
@keras.utils.register_keras_serializable()
class MyLambda(keras.layers.Layer):
    def call(self, x):
        return ...  # what the lambda returns

MyLambda()  # in the place of keras.layers.Lambda(lambda x: ...)"""


# -- other functions ------------------------------------------------------------------------------


def _of_functions(raised: Raised, loading: LoadingLine) -> Finding:
    fix = [
        "@keras.utils.register_keras_serializable()",
        "def my_function(...):  # a function with a name, in the place of the lambda",
        "    return ...",
    ]
    return RULE.finding(
        f"{loading.where} reads of a lambda, as a loss, a metric, an initializer or the like: it "
        "has no name to be found by, and Keras runs code that it reads only if it is told to.",
        fix="\n".join([*fix, *_allowed(loading, raised)]),
        calls=raised.ids,
        caller=loading.line,
    )


def _allowed(loading: LoadingLine, raised: Raised) -> list[str]:
    """How to have the code run all the same."""
    if not _SAYS.search(f"{raised.error.message} {raised.reported}"):
        return []  # an older file does not even have it
    if loading.name == "load_model":
        return [f"# or, if the file is your own: {loading.code}(..., safe_mode=False)"]
    if raised.says("enable_unsafe_deserialization"):
        return ["# or, if it is your own: keras.config.enable_unsafe_deserialization()"]
    return []


RULE = Rule(
    code="BT805",
    title="a lambda in a file, which is not loaded",
    severity="error",
    generations=BOTH,
    why="A lambda has no name by which it could be found again: Keras writes its compiled code "
    "into the file. Whoever loads a file runs that code, whatever it does, so that it is refused "
    "unless it is allowed, by `safe_mode=False` of `load_model`; `model_from_json` and "
    "`from_config` have no such argument (Lambda.from_config in layers/core/lambda_layer.py of "
    "keras 3.15.1 and of tf_keras 2.21, which there refuses functions with a name as well). A "
    "layer of your own has its class instead, which is in your program.",
    bad="""\
from tensorflow import keras

inputs = keras.Input((3,))
x = keras.layers.Dense(4)(inputs)
outputs = keras.layers.Lambda(lambda t: t * 2.0)(x)
model = keras.Model(inputs, outputs)
again = keras.models.model_from_json(model.to_json())
""",
    good="""\
from tensorflow import keras


@keras.utils.register_keras_serializable()
class MyLambda(keras.layers.Layer):
    def call(self, t):
        return t * 2.0


inputs = keras.Input((3,))
x = keras.layers.Dense(4)(inputs)
outputs = MyLambda()(x)
model = keras.Model(inputs, outputs)
again = keras.models.model_from_json(model.to_json())
""",
    check=_check,
    hides=("BT601", "BT602", "BT801", "BT804"),
)
