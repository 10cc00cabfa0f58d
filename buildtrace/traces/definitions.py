"""Finds functions in Python source, by where each begins and ends and its name, and statements."""

from __future__ import annotations

import ast
import inspect
import tokenize
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

UNREADABLE = 48
"""Of a function that is no Python any more so many lines are taken."""


class Definition(NamedTuple):
    """A function in a file.

    Attributes:
        name: its own and those of the functions and classes around it: "make.Net.call".
        qualified: the same without the functions around it: "Net.call", as calls have it.
        begin: its first line, decorators included; lines are numbered from 1.
        first: the line of its `def`.
        last: its last line.
    """

    name: str
    qualified: str
    begin: int
    first: int
    last: int


def block(lines: Sequence[str], line: int) -> list[str]:
    """The lines of the function that begins at `line`, from 1; none if there is no such line."""
    rest = list(lines[max(line - 1, 0) :])
    if not rest or line < 1:
        return []
    try:
        return inspect.getblock(rest)
    except (SyntaxError, tokenize.TokenError):
        return rest[:UNREADABLE]


def statement(lines: Sequence[str]) -> list[str]:
    """The lines of the statement that begins on the first of these, as many as there are of it."""
    pieces = tokenize.generate_tokens(iter([f"{line.strip()}\n" for line in lines]).__next__)
    depth, end = 0, 1
    try:
        for piece in pieces:
            if piece.type == tokenize.OP:
                depth += (piece.string in "([{") - (piece.string in ")]}")
            end = piece.end[0]
            if piece.type == tokenize.NEWLINE:
                break
    except (SyntaxError, tokenize.TokenError):  # it goes on, or began on an earlier line
        end = len(lines) if depth > 0 else end
    return list(lines[:end])


@lru_cache(maxsize=16)
def functions(code: str) -> list[Definition]:
    """The functions in a source text, outer ones before those in them; none if it is no Python."""
    try:
        module = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError):  # such as a cell with magics
        return []
    found = []
    waiting: list[tuple[ast.AST, str, str]] = [(module, "", "")]
    while waiting:
        node, path, qualified = waiting.pop()
        for inner in ast.iter_child_nodes(node):
            if isinstance(inner, ast.expr):
                continue
            if isinstance(inner, ast.ClassDef):
                waiting.append((inner, f"{path}{inner.name}.", f"{qualified}{inner.name}."))
            elif isinstance(inner, (ast.FunctionDef, ast.AsyncFunctionDef)):
                found.append(_definition(inner, path, qualified))
                waiting.append((inner, f"{path}{inner.name}.", ""))
            else:
                waiting.append((inner, path, qualified))
    return found


def _definition(
    function: ast.FunctionDef | ast.AsyncFunctionDef, path: str, qualified: str
) -> Definition:
    return Definition(
        name=path + function.name,
        qualified=qualified + function.name,
        begin=min(part.lineno for part in (function, *function.decorator_list)),
        first=function.lineno,
        last=function.end_lineno or function.lineno,
    )


def function_at(code: str, line: int) -> str:
    """The name of the function that a line is in, such as "Net.call"; "" if that is none."""
    around = [found.name for found in functions(code) if found.first <= line <= found.last]
    return around[-1] if around else ""
