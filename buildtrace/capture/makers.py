"""Finds the line of the user's class that makes a layer which an instance of it holds."""

from __future__ import annotations

import ast
import inspect
import textwrap
from typing import TYPE_CHECKING, Any

from buildtrace.generations.base import flat
from buildtrace.traces.schema import SourceLine

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from buildtrace.generations import Adapter


def line_of_making(layer: Any, holder: Any, adapter: Adapter) -> SourceLine | None:
    """Where the class of the holder makes a layer, as its source tells; `None` if it does not.

    That is where it gives the layer its name, or sets the attribute that leads to it.
    """
    held = {**vars(holder), **vars(holder).get("_modules", {})}  # where Torch has its own
    attributes = {name for name, value in held.items() if any(t is layer for t in flat(value))}
    for function in _own_functions(holder, adapter):
        for tree, first in _parsed(function):
            line = _line_in(tree, layer.name, attributes)
            if line is not None:
                return SourceLine(file=function.__code__.co_filename, line=first + line - 1)
    return None


_ADDING = ("append", "extend", "insert", "add", "update", "setdefault")
"""Methods of lists, sets and dicts that keep what they are given."""


def line_of_keeping(attribute: str, holder: Any, adapter: Adapter) -> SourceLine | None:
    """Where the class of the holder sets an attribute, or adds to it, but not in `__init__`."""
    for cls in type(holder).__mro__:
        if adapter.is_own_class(cls):
            continue
        for name, function in vars(cls).items():
            function = inspect.unwrap(function) if callable(function) else function
            if name in ("__init__", "build") or not inspect.isfunction(function):
                continue
            for tree, first in _parsed(function):
                nodes = (n for n in ast.walk(tree) if isinstance(n, (ast.stmt, ast.expr)))
                lines = [node.lineno for node in nodes if attribute in _kept_by(node)]
                if lines:
                    file = function.__code__.co_filename
                    return SourceLine(file=file, line=first + min(lines) - 1)
    return None


def line_of_variable(attribute: str, holder: Any, adapter: Adapter) -> SourceLine | None:
    """Where the class of the holder puts a variable into an attribute, or adds it to one.

    If no line says that it is one, the first that sets the attribute.
    """
    first_of_all = None
    for function in _own_functions(holder, adapter):
        for tree, first in _parsed(function):
            for node in ast.walk(tree):
                if isinstance(node, (ast.stmt, ast.expr)) and attribute in _kept_by(node):
                    file = function.__code__.co_filename
                    line = SourceLine(file=file, line=first + node.lineno - 1)
                    if any(_makes_variable(inner) for inner in ast.walk(node)):
                        return line
                    first_of_all = first_of_all or line
    return first_of_all


def _makes_variable(node: ast.AST) -> bool:
    called = node.func if isinstance(node, ast.Call) else None
    name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
    return name in ("Variable", "Parameter")


def _own_functions(holder: Any, adapter: Adapter) -> list[Any]:
    """The functions in the classes of an object that are not Keras' own."""
    return [
        inspect.unwrap(function)
        for cls in type(holder).__mro__
        if not adapter.is_own_class(cls)
        for function in vars(cls).values()
        if inspect.isfunction(function)
    ]


def _kept_by(node: ast.AST) -> list[str]:
    """The attributes that a statement sets, or adds something to."""
    if isinstance(node, ast.Assign):
        return list(_set_by(node.targets))
    if isinstance(node, (ast.AnnAssign, ast.AugAssign)):
        return list(_set_by([node.target]))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return list(_set_by([node.func.value])) if node.func.attr in _ADDING else []
    return []


def _parsed(function: Any) -> Iterator[tuple[ast.Module, int]]:
    """The function's source and its first line; nothing if there is none that can be read."""
    try:
        lines, first = inspect.getsourcelines(function)
        yield ast.parse(textwrap.dedent("".join(lines))), first
    except (OSError, TypeError, SyntaxError, ValueError, IndexError):
        return


def _line_in(tree: ast.Module, name: str, attributes: set[str]) -> int | None:
    sets = None
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == "name":
            if isinstance(node.value, ast.Constant) and node.value.value == name:
                return node.value.lineno
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else (node.target,)
            if sets is None and not attributes.isdisjoint(_set_by(targets)):
                sets = node.lineno
    return sets


def _set_by(targets: Sequence[ast.expr]) -> Iterator[str]:
    """The attributes of a first argument, such as `self`, that an assignment sets."""
    for target in targets:
        for node in ast.walk(target):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                yield node.attr
