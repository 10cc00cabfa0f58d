"""BT411: a list that a model gives out, such as its `layers`, is changed: it is a copy."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, NamedTuple

from buildtrace.diagnosis import edits, remedies
from buildtrace.diagnosis.models_made import LISTS, graph_of, makers
from buildtrace.diagnosis.parsed_files import last_name, parsed, spelled
from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import wording
from buildtrace.traces.schema import SourceLine

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import TypeGuard

    from buildtrace.diagnosis.edits import Edits
    from buildtrace.diagnosis.parsed_files import ParsedFile
    from buildtrace.traces.schema import Finding, Graph
    from buildtrace.traces.trace import Trace

_CHANGES = ("append", "clear", "extend", "insert", "pop", "remove", "reverse")
"""Methods that change a list, and are of no use otherwise if nobody takes what they return."""

_MAY_BE = re.compile(rf"\.(?:{'|'.join(LISTS)})\s*[.\[]")


class _ListChange(NamedTuple):
    """A statement that changes such a list, and does nothing else.

    Attributes:
        file: where it is.
        statement: it.
        given: the list, as in `model.layers`.
        method: of the list; "del" or "=" if it is one of these.
        arguments: of the method, or the place that is taken out.
    """

    file: ParsedFile
    statement: ast.stmt
    given: ast.Attribute
    method: str
    arguments: list[ast.expr]

    @property
    def model(self) -> str:
        """The model, in code."""
        return self.file.code(self.given.value)

    @property
    def takes_last(self) -> bool:
        """Whether it was to take out the last thing of the list."""
        given = [ast.unparse(argument) for argument in self.arguments]
        return (self.method, given) in (("pop", []), ("pop", ["-1"]), ("del", ["-1"]))


def _check(trace: Trace) -> Iterator[Finding]:
    if not trace.graphs:
        return
    for name in trace.index.user_files:
        text = trace.index.source_code.whole(name)
        file = parsed(trace, name) if text and _MAY_BE.search(text) else None
        for change in _changes(file) if file is not None else ():
            made = makers(trace, change.file, change.given.value)
            if made:
                yield _finding(trace, change, made)


def _changes(file: ParsedFile) -> Iterator[_ListChange]:
    for node in file.nodes:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            method = node.value.func
            is_change = isinstance(method, ast.Attribute) and method.attr in _CHANGES
            if isinstance(method, ast.Attribute) and is_change and _is_list(method.value):
                yield _ListChange(file, node, method.value, method.attr, node.value.args)
        elif isinstance(node, ast.Delete | ast.Assign) and len(node.targets) == 1:
            target = node.targets[0]
            way = "del" if isinstance(node, ast.Delete) else "="
            if isinstance(target, ast.Subscript) and _is_list(target.value):
                yield _ListChange(file, node, target.value, way, [target.slice])


def _is_list(code: ast.expr) -> TypeGuard[ast.Attribute]:
    return isinstance(code, ast.Attribute) and code.attr in LISTS


def _finding(trace: Trace, change: _ListChange, made: Sequence[ast.AST]) -> Finding:
    graph = graph_of(trace, change.file, made[0]) if len(made) == 1 else None
    code = wording.sanitize(ast.unparse(change.statement).split("\n")[0])
    what = "layers" if change.given.attr == "layers" else "weights"
    who = wording.layer(graph.model) if graph is not None else "the model"
    return RULE.finding(
        f"`{code}` changes a copy: `{change.given.attr}` is a new list each time that it is asked "
        f"for, and {who} keeps the {what} that it has.",
        _fix(change, made, graph),
        caller=SourceLine(file=change.file.name, line=change.statement.lineno),
        layer=graph.model.id if graph is not None else None,
        edits=_edits(trace, change, made, graph),
    )


def _is_sequential(made: Sequence[ast.AST]) -> bool:
    names = {last_name(maker.func) for maker in made if isinstance(maker, ast.Call)}
    return names == {"Sequential"} and all(isinstance(maker, ast.Call) for maker in made)


def _fix(change: _ListChange, made: Sequence[ast.AST], graph: Graph | None) -> str:
    model = change.model
    if change.given.attr != "layers":
        if change.given.attr.startswith("trainable"):
            return (
                f"{model}.layers[0].trainable = False  # for each layer that is not to be trained"
            )
        return f"{model}.set_weights([...])  # values for all; a weight goes where its layer goes"
    if instead := _of_sequential(change, made):
        return instead
    if isinstance(made[0], ast.ClassDef):
        return (
            "self.blocks = []  # in __init__: a list of the class' own, under a name that Keras\n"
            "# does not use, such as `blocks`; then, instead of this line, self.blocks.append(...)"
        )
    if change.takes_last and (graph is None or _is_row(graph)):
        return f"{_without_last(model)}  # if each layer follows the one before it"
    last = remedies.text(_before_last(graph)) if graph is not None else "..."
    return (
        f"x = {model}.get_layer({last}).output  # of the last layer that is to stay\n"
        f"{model} = keras.Model({model}.inputs, keras.layers.Dense(...)(x))"
    )


def _before_last(graph: Graph) -> str:
    """The name of a layer that goes into the model's last one."""
    ends = graph.outputs[-1:]
    before = [graph.nodes[edge.source].name for edge in graph.edges if edge.target in ends]
    return before[0] if before else "..."


def _of_sequential(change: _ListChange, made: Sequence[ast.AST]) -> str:
    """The method of a Sequential that does it; "" if there is none, or the model is no such."""
    if not _is_sequential(made) or change.given.attr != "layers":
        return ""
    if change.takes_last:
        return f"{change.model}.pop()"
    if change.method == "append" and len(change.arguments) == 1:
        return f"{change.model}.add({change.file.code(change.arguments[0])})"
    return ""


def _without_last(model: str) -> str:
    return f"{model} = keras.Model({model}.inputs, {model}.layers[-2].output)"


def _edits(
    trace: Trace, change: _ListChange, made: Sequence[ast.AST], graph: Graph | None
) -> Edits:
    file, statement = change.file, change.statement
    code = _of_sequential(change, made)
    if not code and change.takes_last and graph is not None and change.given.attr == "layers":
        code = spelled(trace, file.name, _without_last(change.model)) if _is_row(graph) else ""
    if not code:
        return edits.NONE
    return file.replace(file.begin(statement), file.end(statement), code)


def _is_row(graph: Graph) -> bool:
    """Whether each layer of a model follows the one before it."""
    ways = [(edge.source, edge.target) for edge in graph.edges]
    return ways == [(node.id, node.id + 1) for node in graph.nodes[:-1]]


RULE = Rule(
    code="BT411",
    title="a change to a copy of a model's list",
    severity="error",
    generations=BOTH,
    why="`layers`, `weights` and their like are properties: each time that they are asked for, "
    "Keras puts a new list together (Model.layers in models/model.py and Sequential.layers in "
    "models/sequential.py of keras 3.15.1, engine/training.py and engine/sequential.py of "
    "tf_keras 2.21). What is put into that list, or taken out of it, changes no model, and there "
    "is no error.",
    bad="""\
from tensorflow import keras

inputs = keras.Input((12,))
features = keras.layers.Dense(16, activation="relu")(inputs)
old = keras.Model(inputs, keras.layers.Dense(10, activation="softmax")(features))
old.layers.pop()
new = keras.Model(old.inputs, keras.layers.Dense(4)(old.layers[-1].output))
""",
    good="""\
from tensorflow import keras

inputs = keras.Input((12,))
features = keras.layers.Dense(16, activation="relu")(inputs)
old = keras.Model(inputs, keras.layers.Dense(10, activation="softmax")(features))
old = keras.Model(old.inputs, old.layers[-2].output)
new = keras.Model(old.inputs, keras.layers.Dense(4)(old.layers[-1].output))
""",
    check=_check,
)
