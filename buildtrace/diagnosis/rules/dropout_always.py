"""BT221: a layer of the user's drops numbers whether it is trained or not."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, NamedTuple

from buildtrace.diagnosis import edits
from buildtrace.diagnosis.parsed_files import code_of, definition_at, last_name
from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import wording
from buildtrace.traces.schema import SourceLine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.diagnosis.edits import Edits
    from buildtrace.diagnosis.parsed_files import ParsedFile
    from buildtrace.traces.schema import Finding, LayerRef, LayerState, Method
    from buildtrace.traces.trace import Trace

_DROPS = re.compile(
    r"(?:^|\.)(?:nn\.(?:experimental\.)?(?:\w+_)?dropout|random\.dropout|backend\.dropout|K\.dropout)$"
)
"""Functions that drop, as they are called: those of TensorFlow and Keras. A layer is none."""

_ON_PURPOSE = re.compile(r"mc_?dropout|monte_?\s?carlo|bayes|uncertain|always", re.IGNORECASE)


class _Drop(NamedTuple):
    """A call of such a function in a method."""

    file: ParsedFile
    method: ast.FunctionDef
    call: ast.Call


def _check(trace: Trace) -> Iterator[Finding]:
    told = set()
    in_graphs = {n.layer for g in trace.graphs if g.source == "keras" for n in g.nodes}
    for layer in trace.layers.values():
        state = trace.index.state_of(layer.id)
        method = None if state is None else state.method("call")
        if state is None or method is None or (state.file, state.line) in told:
            continue
        if layer.id not in in_graphs or _knows_training(method):
            continue
        drop = _drop(trace, state, method)
        if drop is not None:
            told.add((state.file, state.line))
            yield _finding(trace, layer, drop)


def _knows_training(method: Method) -> bool:
    return "training" in method.arguments or any(a.startswith("**") for a in method.arguments)


def _drop(trace: Trace, state: LayerState, method: Method) -> _Drop | None:
    """The one call that drops in `call`, if nothing there decides whether it runs."""
    code = code_of(trace, method)
    about = definition_at(code[0], state.line) if code else None
    if code is None or about is None:
        return None
    file, function = code
    said = [about.name, ast.get_docstring(about) or "", ast.get_docstring(function) or ""]
    if any(map(_ON_PURPOSE.search, said)) or _decides(function):
        return None
    calls = [node for node in ast.walk(function) if isinstance(node, ast.Call)]
    drops = [node for node in calls if _DROPS.search(ast.unparse(node.func))]
    return _Drop(file, function, drops[0]) if len(drops) == 1 and drops[0].args else None


def _decides(function: ast.FunctionDef) -> bool:
    """Whether something in a method may ask whether it is trained."""
    branches = (ast.If, ast.IfExp, ast.While, ast.BoolOp, ast.Try)
    asked = ("cond", "smart_cond", "in_train_phase", "learning_phase", "where", "switch")
    return any(
        isinstance(node, branches)
        or (isinstance(node, ast.Call) and last_name(node.func) in asked)
        or "training" in (getattr(node, "attr", ""), getattr(node, "id", ""))
        for node in ast.walk(function)
    )


def _finding(trace: Trace, layer: LayerRef, drop: _Drop) -> Finding:
    line = SourceLine(file=drop.file.name, line=drop.call.lineno)
    name = ast.unparse(drop.call.func)
    given = drop.file.code(drop.call.args[0])
    return RULE.finding(
        f"`{name}` at {wording.line(line)} drops whenever {wording.layer(layer)} is called: its "
        "`call` does not ask whether it is in training, and so predictions are random too.",
        fix=f"def call(self, ..., training=None):\n"
        f"    ... {name}({given}, ...) if training else {given}",
        calls=[call.id for call in trace.index.calls_of(layer.id)[:1]],
        caller=line,
        layer=layer.id,
        edits=_edits(drop, given),
    )


def _edits(drop: _Drop, given: str) -> Edits:
    """Both changes, if `call` takes tensors alone and what is dropped stands by a name."""
    file, function, call = drop
    arguments = function.args
    has_more = arguments.vararg or arguments.kwonlyargs or arguments.kwarg
    if has_more or not given.isidentifier() or len(arguments.args) < 2:
        return edits.NONE
    last = (arguments.defaults or arguments.args)[-1]
    code = f"{file.code(call)} if training else {given}"
    stands_alone = any(
        isinstance(node, (ast.Return, ast.Assign)) and node.value is call
        for node in ast.walk(function)
    )
    return edits.together(
        file.insert(file.end(last), ", training=None"),
        file.replace(file.begin(call), file.end(call), code if stands_alone else f"({code})"),
    )


RULE = Rule(
    code="BT221",
    title="a layer that drops when it predicts, too",
    severity="warning",
    generations=BOTH,
    why="Keras tells a layer whether it is trained by the argument `training` of its `call`, if "
    "that has one. The functions that drop know nothing of it; the layer Dropout does "
    "(Dropout.call in layers/regularization/dropout.py of keras 3.15.1 and of tf_keras 2.21).",
    bad="""\
import numpy as np
import tensorflow as tf
from tensorflow import keras


class Drop(keras.layers.Layer):
    def call(self, x):
        return tf.nn.dropout(x, 0.5)


model = keras.Sequential([keras.Input((3,)), Drop(), keras.layers.Dense(1)])
model.predict(np.ones((2, 3), "float32"), verbose=0)
""",
    good="""\
import numpy as np
import tensorflow as tf
from tensorflow import keras


class Drop(keras.layers.Layer):
    def call(self, x, training=None):
        return tf.nn.dropout(x, 0.5) if training else x


model = keras.Sequential([keras.Input((3,)), Drop(), keras.layers.Dense(1)])
model.predict(np.ones((2, 3), "float32"), verbose=0)
""",
    check=_check,
)
