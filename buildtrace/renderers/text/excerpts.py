"""Lines of the user's code, as a debugger would show them: a few around the one that is meant."""

from __future__ import annotations

import ast
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from buildtrace.renderers.text import source_files

if TYPE_CHECKING:
    from buildtrace.traces.schema import SourceLine

BEFORE, AFTER = 2, 1
"""So many lines are shown before the one that is meant, and after it."""


class CodeLine(NamedTuple):
    """A line of code with its number, and whether it is the one that is meant."""

    number: int
    text: str
    meant: bool


def around(location: SourceLine) -> list[CodeLine]:
    """The line with those around it, as far to the left as they go; none if there is no file."""
    code = source_files.code_of(location.file)
    if not 0 < location.line <= len(code):
        return []
    first, last = max(location.line - BEFORE, 1), min(location.line + AFTER, len(code))
    texts = [code[number - 1].rstrip().expandtabs(4) for number in range(first, last + 1)]
    indent = min((len(text) - len(text.lstrip()) for text in texts if text), default=0)
    lines = [
        CodeLine(number, text[indent:], number == location.line)
        for number, text in enumerate(texts, first)
    ]
    while lines and not lines[0].text and not lines[0].meant:
        del lines[0]
    while lines and not lines[-1].text and not lines[-1].meant:
        del lines[-1]
    return lines


def line_of(location: SourceLine) -> str:
    """The line alone; "" if there is no file."""
    return "".join(source_files.code_of(location.file)[location.line - 1 : location.line]).strip()


def function_at(location: SourceLine) -> str:
    """The function that a line is in, such as "Net.call"; "" if that is none, or not known."""
    if not location.file:
        return ""
    innermost = ""
    for name, first, last in _functions("".join(source_files.code_of(location.file))):
        if first <= location.line <= last:
            innermost = name  # inner ones come later
    return innermost


@lru_cache(maxsize=16)
def _functions(code: str) -> list[tuple[str, int, int]]:
    """Each function in a file: its qualified name, first and last line; outer ones first."""
    try:
        module = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError):  # such as a cell with magics
        return []
    functions = []
    waiting: list[tuple[ast.AST, str]] = [(module, "")]
    while waiting:
        node, path = waiting.pop()
        for inner in ast.iter_child_nodes(node):
            if isinstance(inner, ast.expr):
                continue
            name = path
            if isinstance(inner, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                name = f"{path}.{inner.name}".lstrip(".")
                if not isinstance(inner, ast.ClassDef):
                    functions.append((name, inner.lineno, inner.end_lineno or inner.lineno))
            waiting.append((inner, name))
    return functions
