"""BT340: an average over the steps of a sequence that counts the padding: the mask ends there."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, NamedTuple

from buildtrace.diagnosis import edits
from buildtrace.diagnosis.parsed_files import (
    code_of,
    find_call,
    function_given,
    last_name,
    maker_of,
    spelled,
)
from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.diagnosis.rules.mask_dropped import CARRIERS
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.diagnosis.edits import Edits
    from buildtrace.diagnosis.parsed_files import FunctionCode, ParsedFile
    from buildtrace.traces.schema import Call, Finding, Graph, Node, SourceLine
    from buildtrace.traces.trace import Trace

_MEANS = ("mean", "reduce_mean")
"""Functions of NumPy's kind that average, by their last names."""

_OF_KERAS = "keras.layers.GlobalAveragePooling1D"

_RECURRENT = "LSTM GRU SimpleRNN RNN Bidirectional"

_COMPARES = "NotEqual"
"""What an Embedding of Keras 3 makes a mask with."""

_SYMBOLIC = "Operation.symbolic_call"


class _Average(NamedTuple):
    """Code that averages over the steps.

    Attributes:
        file: where it is.
        code: what can stand aside for a layer of Keras', with what that is to be called on, if it
            is a call of a function; `None` if it does more.
        given: what it averages, in code, if it is a function that was called on that.
    """

    file: ParsedFile
    code: ast.Call | None
    given: str = ""


def _check(trace: Trace) -> Iterator[Finding]:
    told: set[int] = set()
    for call in trace.calls:
        if not call.mask_dropped or call.layer is None or call.layer.id in told:
            continue
        average = _found(trace, call) if _ends_steps(call) else None
        if average is not None:
            told.add(call.layer.id)
            yield _finding(trace, call, average)
    for graph in trace.graphs:
        for call in _operations(trace, graph):
            average = _of_line(trace, call.caller, "mean")
            if average is not None and _ends_steps(call):
                yield _finding(trace, call, average)


def _ends_steps(call: Call) -> bool:
    """Whether one sequence goes in, and what comes out has no steps any more, or a single one."""
    shapes = [[spec.shape or () for spec in specs] for specs in (call.inputs, call.outputs)]
    if [len(found) for found in shapes] != [1, 1]:
        return False
    (before,), (after,) = shapes
    if len(before) != 3 or before[1] == 1:
        return False
    return len(after) == 2 or (len(after) == 3 and after[1] == 1)


def _found(trace: Trace, call: Call) -> _Average | None:
    assert call.layer is not None
    name = call.layer.class_name
    state = trace.index.state_of(call.layer.id)
    method = state.method("call") if state is not None and state.file else None
    if method is not None:
        own = code_of(trace, method)
        is_mean = own is not None and _averages(own[1], own[1].args.args[1:])
        return _Average(own[0], None) if own is not None and is_mean else None
    if name == "TFOpLambda":
        return _of_line(trace, call.caller, *_MEANS)
    maker = find_call(trace, maker_of(trace, call.layer, call.caller), name)
    if maker is None:
        return None
    if name == "AveragePooling1D":
        return _Average(*maker)
    function = function_given(*maker) if name == "Lambda" else None
    if function is None or not _averages(function, function.args.args):
        return None
    return _Average(maker[0], maker[1] if _is_all(function) else None)


def _averages(function: FunctionCode, arguments: list[ast.arg]) -> bool:
    """Whether a function averages its first argument over the steps, and never speaks of a mask."""
    if "mask" in ast.unparse(function).lower() or not arguments:
        return False
    return any(
        isinstance(node, ast.Call)
        and _is_mean(node, *_MEANS)
        and isinstance(node.args[0], ast.Name)
        and node.args[0].id == arguments[0].arg
        for node in ast.walk(function)
    )


def _is_mean(call: ast.Call, *names: str) -> bool:
    """Whether a call averages something over its steps."""
    named = [given.value for given in call.keywords if given.arg == "axis"]
    axes = [*call.args[1:2], *named]
    of_steps = [ast.unparse(axis) in ("1", "-2") for axis in axes]
    return last_name(call.func) in names and bool(call.args) and of_steps == [True]


def _is_all(function: FunctionCode) -> bool:
    """Whether a function does nothing but that."""
    body = function.body
    if isinstance(body, list):
        returned = body[0].value if len(body) == 1 and isinstance(body[0], ast.Return) else None
    else:
        returned = body
    return isinstance(returned, ast.Call) and _is_mean(returned, *_MEANS) and _is_plain(returned)


def _is_plain(mean: ast.Call) -> bool:
    return len(mean.args) + len(mean.keywords) == 2


def _of_line(trace: Trace, line: SourceLine | None, *names: str) -> _Average | None:
    """The average that a line of the user's takes of a symbol."""
    found = [one for name in names if (one := find_call(trace, line, name)) is not None]
    if len(found) != 1 or not _is_mean(found[0][1], *names):
        return None
    file, mean = found[0]
    is_name = isinstance(mean.args[0], ast.Name)
    if not is_name or "mask" in file.code(mean):
        return None
    return _Average(file, mean if _is_plain(mean) else None, file.code(mean.args[0]))


def _operations(trace: Trace, graph: Graph) -> Iterator[Call]:
    """The averages of Keras 3 in a graph that are taken of what has a mask: they take none."""
    for node in graph.nodes:
        if node.class_name == "Mean" and node.kind == "operation" and _has_mask(trace, graph, node):
            for call in trace.index.calls_by_name.get(_SYMBOLIC, ()):
                if call.layer is not None and call.layer.name == node.name:
                    yield call


def _has_mask(trace: Trace, graph: Graph, node: Node) -> bool:
    """Whether a mask comes along with what goes into a node, from layers that make one."""
    waiting, seen = [node], {node.id}
    while waiting:
        current = waiting.pop()
        sources = [graph.nodes[edge.source] for edge in graph.edges if edge.target == current.id]
        sources = [source for source in sources if source.class_name != _COMPARES]  # of the mask
        if len(sources) != 1 and current.class_name not in _RECURRENT.split():
            continue
        for source in sources:
            name = source.class_name
            if name == "Masking" or (name == "Embedding" and _makes_mask(trace, source)):
                return True
            if name in (*CARRIERS.split(), *_RECURRENT.split()) and source.id not in seen:
                seen.add(source.id)
                waiting.append(source)
    return False


def _makes_mask(trace: Trace, embedding: Node) -> bool:
    """Whether an Embedding of Keras 3 compares its input with 0, as it does for a mask."""
    calls = trace.index.calls_of(-1 if embedding.layer is None else embedding.layer)
    return any(
        inner.layer is not None and inner.layer.class_name == _COMPARES
        for call in calls
        for inner in trace.index.inside(call)
    )


def _finding(trace: Trace, call: Call, average: _Average) -> Finding:
    assert call.layer is not None
    ends = "takes none" if call.landmark == _SYMBOLIC else "drops it"
    return RULE.finding(
        f"{wording.layer(call.layer)} averages over all steps of "
        f"{wording.shapes_in_words(call.inputs)}, padding included: its input comes with a mask, "
        f"and it {ends}.",
        _fix(call, average),
        calls=[call.id],
        caller=call.caller,
        layer=call.layer.id,
        edits=_edits(trace, call, average),
    )


def _instead(call: Call) -> str:
    """The layer of Keras' that takes masks; with the step that is left, if one is."""
    kept = len(call.outputs[0].shape or ()) == 3
    return f"{_OF_KERAS}({'keepdims=True' if kept else ''})"


def _fix(call: Call, average: _Average) -> str:
    code = f"{_instead(call)}({average.given or 'x'})  # leaves out what the mask does"
    if average.code is not None:
        return code
    ops, total = ("tf", "reduce_sum") if call.generation == "keras2" else ("keras.ops", "sum")
    return (
        f"{code}\n"
        "# or, in a layer of one's own: Keras hands a mask to a `call` that takes one\n"
        "def call(self, x, mask=None):\n"
        f"    steps = {ops}.cast(mask, x.dtype)[..., None]\n"
        f"    return {ops}.{total}(x * steps, axis=1) / {ops}.{total}(steps, axis=1)"
    )


def _edits(trace: Trace, call: Call, average: _Average) -> Edits:
    file, code = average.file, average.code
    if code is None:
        return edits.NONE
    layer = spelled(trace, file.name, _instead(call))
    if not layer:
        return edits.NONE
    named = [file.code(given.value) for given in code.keywords if given.arg == "name"]
    if average.given:
        layer += f"({average.given})"
    elif named:
        layer = f"{layer[:-1]}{'' if layer.endswith('()') else ', '}name={named[0]})"
    return file.replace(file.begin(code), file.end(code), layer)


RULE = Rule(
    code="BT340",
    title="an average over the steps that counts the padding",
    severity="warning",
    generations=BOTH,
    why="A mask says which steps are padding, and whoever takes it may leave those out. A Lambda, "
    "a layer whose `call` has no `mask`, a function of tensors and AveragePooling1D do not take "
    "it: they average over all steps, so that the same words give something else if more padding "
    "stands behind them. Keras 3 warns, Keras 2 says nothing. GlobalAveragePooling1D takes it "
    "(layers/pooling/global_average_pooling1d.py of keras 3.15.1 and tf_keras 2.21).",
    bad="""\
from tensorflow import keras

words = keras.Input((None,), dtype="int32")
x = keras.layers.Embedding(20, 8, mask_zero=True)(words)
x = keras.layers.GRU(4, return_sequences=True)(x)
x = keras.layers.Lambda(lambda t: keras.backend.mean(t, axis=1))(x)
model = keras.Model(words, keras.layers.Dense(1)(x))
""",
    good="""\
from tensorflow import keras

words = keras.Input((None,), dtype="int32")
x = keras.layers.Embedding(20, 8, mask_zero=True)(words)
x = keras.layers.GRU(4, return_sequences=True)(x)
x = keras.layers.GlobalAveragePooling1D()(x)
model = keras.Model(words, keras.layers.Dense(1)(x))
""",
    check=_check,
)
