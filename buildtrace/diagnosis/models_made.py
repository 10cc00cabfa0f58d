"""Which expressions of the user's stand for a model, and what has made that, without running them.

An expression that may be something else as well stands for none.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from buildtrace.diagnosis.parsed_files import last_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from buildtrace.diagnosis.parsed_files import ParsedFile
    from buildtrace.traces.schema import Graph
    from buildtrace.traces.trace import Trace

LISTS = (
    "layers",
    "weights",
    "trainable_weights",
    "non_trainable_weights",
    "variables",
    "trainable_variables",
    "non_trainable_variables",
)
"""Attributes of models that are made anew each time that they are asked for."""

_MAKERS = ("Sequential", "load_model", "clone_model", "model_from_json")
"""What makes a model, by last names; of a functional one, the trace knows the line."""

_DEEPEST = 3
"""So many functions are looked into that may return a model."""


def makers(trace: Trace, file: ParsedFile, code: ast.expr, depth: int = 0) -> Sequence[ast.AST]:
    """What makes the model that an expression stands for.

    Args:
        trace: has the models.
        file: the expression's.
        code: the expression.
        depth: how many functions were looked into for it.

    Returns:
        Calls, or the class of a `self`; none if it may be no model at all.
    """
    around = _around(file, code)
    if isinstance(code, ast.Name) and code.id == "self":
        classes = [node for node in around if isinstance(node, ast.ClassDef)]
        return classes[:1] if classes and _is_model(classes[0]) else []
    if isinstance(code, ast.Call):
        return _made_by(trace, file, code, depth)
    if not isinstance(code, ast.Name | ast.Attribute):
        return []
    stores = _stores(file, code, around)
    assigned = [
        node.value
        for node in file.nodes
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and node.targets[0] in stores
    ]
    calls = [value for value in assigned if isinstance(value, ast.Call)]
    if len(calls) != len(stores):  # another model, perhaps, or a loop gives it something as well
        return []
    return _all_of([makers(trace, file, call, depth) for call in calls])


def _all_of(found: Sequence[Sequence[ast.AST]]) -> Sequence[ast.AST]:
    return [maker for made in found for maker in made] if all(found) else []


def _around(file: ParsedFile, code: ast.AST) -> list[ast.FunctionDef | ast.ClassDef]:
    """The functions and classes that a piece of code is in, innermost first."""
    return [
        node
        for node in file.nodes
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
        and any(inner is code for inner in ast.walk(node))
    ][::-1]


def _stores(
    file: ParsedFile, code: ast.Name | ast.Attribute, around: Sequence[ast.AST]
) -> list[ast.expr]:
    """Where something is assigned to a variable, or anywhere in the file to an attribute."""
    text = ast.unparse(code)
    home = next((node for node in around if isinstance(node, ast.FunctionDef)), None)
    if home is not None and text in [n.arg for n in ast.walk(home.args) if isinstance(n, ast.arg)]:
        return []
    found = [
        node
        for node in file.nodes
        if isinstance(node, ast.Name | ast.Attribute)
        and isinstance(node.ctx, ast.Store)
        and ast.unparse(node) == text
    ]
    if isinstance(code, ast.Attribute):
        return [*found]
    own = [node for node in found if home is not None and home in _around(file, node)]
    outside = [node for node in found if not _around(file, node)]
    return [*(own or outside)]


def _made_by(trace: Trace, file: ParsedFile, call: ast.Call, depth: int) -> Sequence[ast.AST]:
    """A call that makes a model, or those in the function of the file that it calls."""
    name = last_name(call.func)
    own = [n for n in file.tree.body if isinstance(n, ast.ClassDef | ast.FunctionDef)]
    own = [node for node in own if node.name == name]
    if not own:
        is_model = name in _MAKERS or bool(_functional(trace, file, call))
        return [call] if is_model else []
    definition = own[0]
    if isinstance(definition, ast.ClassDef):
        return [call] if _is_model(definition) else []
    returned = [node.value for node in ast.walk(definition) if isinstance(node, ast.Return)]
    values = [value for value in returned if value is not None]
    if len(own) > 1 or depth == _DEEPEST or len(values) != len(returned):
        return []
    return _all_of([makers(trace, file, value, depth + 1) for value in values])


def _is_model(definition: ast.ClassDef) -> bool:
    """Whether a class is a model that leaves these lists to Keras."""
    names = [last_name(base) for base in definition.bases]
    defined = [node.name for node in definition.body if isinstance(node, ast.FunctionDef)]
    return names in (["Model"], ["Sequential"]) and not set(LISTS) & set(defined)


def graph_of(trace: Trace, file: ParsedFile, maker: ast.AST) -> Graph | None:
    """The graph of the functional model that a call makes, if that is one model."""
    made = _functional(trace, file, maker) if isinstance(maker, ast.Call) else set()
    return trace.index.graph_by_model.get(made.pop()) if len(made) == 1 else None


def _functional(trace: Trace, file: ParsedFile, maker: ast.Call) -> set[int]:
    """The functional models that were made on the lines of a call."""
    lines = range(maker.lineno, (maker.end_lineno or 0) + 1)
    return {
        call.layer.id
        for call in trace.index.calls_by_name.get("Functional.__init__", ())
        if call.layer is not None and call.caller is not None
        if call.caller.file == file.name and call.caller.line in lines
    }
