"""BT410: the functions of Lambda layers look up a variable that a loop has changed since."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, NamedTuple

from buildtrace.diagnosis import edits
from buildtrace.diagnosis.loops import Loop, changed_in, loops_around
from buildtrace.diagnosis.parsed_files import find_call, function_given, maker_of
from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import wording
from buildtrace.traces.schema import SourceLine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.diagnosis.edits import Edits
    from buildtrace.diagnosis.parsed_files import FunctionCode, ParsedFile
    from buildtrace.traces.schema import Call, Finding, Graph
    from buildtrace.traces.trace import Trace


class _Late(NamedTuple):
    """A function that is handed to a Lambda in a loop.

    Attributes:
        file: where that is.
        function: the function.
        names: the variables that it looks up and the loop changes.
        loop: the loop.
    """

    file: ParsedFile
    function: FunctionCode
    names: list[str]
    loop: Loop

    @property
    def inside(self) -> bool:
        """Whether the function itself is made in the loop."""
        return self.loop.first <= self.function.lineno <= self.loop.last


def _check(trace: Trace) -> Iterator[Finding]:
    made: dict[tuple[str, int, int], tuple[_Late, list[Call]]] = {}
    for layer in trace.layers.values():
        calls = trace.index.calls_of(layer.id)
        if layer.class_name != "Lambda" or not calls:
            continue
        late = _late(trace, calls[0])
        if late is not None:
            place = late.file.name, late.function.lineno, late.function.col_offset
            made.setdefault(place, (late, []))[1].append(calls[0])
    for late, calls in made.values():
        for graph in trace.index.graphs_of_models:
            own = [call for call in calls if _runs_again(trace, graph, call, late.loop)]
            own.sort(key=lambda call: call.id)
            if len(own) > 1:
                yield _finding(graph, late, own)
                break


def _late(trace: Trace, call: Call) -> _Late | None:
    """What the function of a Lambda looks up too late; `None` if it is not known."""
    assert call.layer is not None
    found = find_call(trace, maker_of(trace, call.layer, call.caller), "Lambda")
    if found is None:
        return None
    file, maker = found
    function = function_given(file, maker)
    if function is None:
        return None
    for loop in loops_around(file, maker, function):
        names = [name for name in _looked_up(function) if changed_in(file, loop, name)]
        if names:
            return _Late(file, function, names, loop)
    return None


def _looked_up(function: FunctionCode) -> list[str]:
    """The names that a function has from outside; its defaults are not looked up in a run."""
    body = function.body if isinstance(function.body, list) else [function.body]
    names = [n for part in body for n in ast.walk(part) if isinstance(n, ast.Name)]
    own = {arg.arg for part in body for arg in ast.walk(part) if isinstance(arg, ast.arg)}
    own |= {arg.arg for arg in ast.walk(function.args) if isinstance(arg, ast.arg)}
    own |= {name.id for name in names if not isinstance(name.ctx, ast.Load)}
    return [name for name in dict.fromkeys(n.id for n in names) if name not in own]


def _runs_again(trace: Trace, graph: Graph, call: Call, loop: Loop) -> bool:
    """Whether a Lambda runs when its model does, and not just in the loop that has made it."""
    assert call.layer is not None
    if all(node.layer != call.layer.id for node in graph.nodes):
        return False
    if graph.source == "keras":
        return True
    lines = [c.caller.line for c in trace.index.calls_of(call.layer.id) if c.caller]
    return bool(lines) and not any(loop.first <= line <= loop.last for line in lines)


def _finding(graph: Graph, late: _Late, calls: list[Call]) -> Finding:
    layers = [call.layer for call in calls if call.layer is not None]
    names = wording.listed([f"`{name}`" for name in late.names])
    line = SourceLine(file=late.file.name, line=late.loop.first)
    return RULE.finding(
        f"{wording.listed(map(wording.layer, layers), 3)} in {wording.quoted(graph.model.name)} "
        f"look up {names} each time that the model runs: by then the loop at {wording.line(line)} "
        "is over, and all of them get the last value.",
        _fix(late),
        calls=[call.id for call in calls],
        caller=SourceLine(file=late.file.name, line=late.function.lineno),
        layer=layers[0].id,
        edits=_edits(late),
    )


def _fix(late: _Late) -> str:
    kept = ", ".join(f"{name}={name}" for name in late.names)
    if isinstance(late.function, ast.Lambda):
        arguments = ast.unparse(late.function.args)
        return f"lambda {arguments}, {kept}: {late.file.code(late.function.body)}"
    name = late.function.name
    if late.inside:
        return f"def {name}({ast.unparse(late.function.args)}, {kept}):"
    more = ", ".join(late.names)
    given = ", ".join(f'"{name}": {name}' for name in late.names)
    return (
        f"def {name}({ast.unparse(late.function.args)}, {more}): ...\n"
        f"keras.layers.Lambda({name}, arguments={{{given}}})"
    )


def _edits(late: _Late) -> Edits:
    """The variables as defaults, which are kept from when the function is made."""
    given = late.function.args
    usual = given.args and not (given.vararg or given.kwarg or given.kwonlyargs)
    if not late.inside or not usual or {"mask", "training"} & set(late.names):
        return edits.NONE
    last = given.defaults[-1] if given.defaults else given.args[-1]
    kept = "".join(f", {name}={name}" for name in late.names)
    return late.file.insert(late.file.end(last), kept)


RULE = Rule(
    code="BT410",
    title="Lambda layers of a loop that all use its last value",
    severity="error",
    generations=BOTH,
    why="A function of Python looks up the variables around it when it runs, not when it is made. "
    "A Lambda keeps the function: while the model is made, it runs in the loop and is well, and it "
    "runs again each time that the model does (Lambda.call in layers/core/lambda_layer.py of keras "
    "3.15.1 and tf_keras 2.21). The default of an argument is evaluated once, where the function "
    "is made.",
    bad="""\
from tensorflow import keras

inputs = keras.Input((4,))
columns = []
for i in range(4):
    columns.append(keras.layers.Lambda(lambda t: t[:, i : i + 1])(inputs))
model = keras.Model(inputs, keras.layers.Concatenate()(columns))
""",
    good="""\
from tensorflow import keras


@keras.utils.register_keras_serializable("buildtrace")
class Column(keras.layers.Layer):
    def __init__(self, i, **options):
        super().__init__(**options)
        self.i = i

    def call(self, t):
        return t[:, self.i : self.i + 1]

    def get_config(self):
        return {**super().get_config(), "i": self.i}


inputs = keras.Input((4,))
columns = []
for i in range(4):
    columns.append(Column(i)(inputs))
model = keras.Model(inputs, keras.layers.Concatenate()(columns))
""",
    check=_check,
)
