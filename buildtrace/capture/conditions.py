"""What the line that raised an exception compared: its condition, and the values in it.

Keras' texts often name neither. So does Python with a failed operation: it tells the shapes, but
not what they are the shapes of. As pytest shows a failed assertion, this shows a condition as it
stands in the source, and once more with sizes, dtypes and words in the place of the names:
`input_shape[-1] != self.input_dim` and `400 != 784`. It is read while the exception passes, since
its frames are gone afterwards; while nothing fails, none of this runs.
"""

from __future__ import annotations

import ast
import linecache
import sys
from collections import ChainMap
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeAlias

from buildtrace.capture.filled_in import filled_in
from buildtrace.traces.schema import ComparedValues

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType, TracebackType

LONGEST = 200
"""An expression with more characters than this, with its values or without, explains nothing."""


def compared(level: TracebackType, file: str, line: int) -> ComparedValues | None:
    """What the function at this level of a traceback compared; `None` if that cannot be said.

    Args:
        level: the innermost one of Keras' or the user's own code.
        file: that somebody wrote this code in: autograph runs a copy of it.
        line: the line there.
    """
    is_copy = level.tb_frame.f_code.co_filename != file
    way = _way_to(file, _line(file, line) if is_copy else _place(level))
    condition = _condition(way)
    expression = condition or _given(way)
    if expression is None:
        return None
    frame = level.tb_frame
    names = [frame.f_locals, *(_outer_names(frame) if is_copy else ()), frame.f_globals]
    text, values = ast.unparse(expression), filled_in(expression, ChainMap(*names))
    if values is None or values == text or max(len(text), len(values)) > LONGEST:
        return None
    return ComparedValues(expression=text, values=values, is_condition=condition is not None)


def _outer_names(frame: FrameType) -> Iterator[dict[str, Any]]:
    """What autograph makes of `if` and `for` are functions in the function, called from it."""
    file, outer = frame.f_code.co_filename, frame.f_back
    while outer is not None:
        if outer.f_code.co_filename == file:
            yield outer.f_locals
        outer = outer.f_back


@lru_cache(maxsize=8)
def _parsed(file: str, size: int) -> ast.Module | None:  # noqa: ARG001 - a new text has a new size
    try:
        return ast.parse("".join(linecache.getlines(file)))
    except (SyntaxError, ValueError):
        return None


_Span: TypeAlias = "tuple[tuple[int, int], tuple[int, int]]"
"""Where a piece of source begins and ends: line and column, in bytes."""


def _way_to(file: str, place: _Span) -> list[ast.AST]:
    """The nodes of the syntax tree that lead to what was running, from the function inwards."""
    tree = _parsed(file, sum(map(len, linecache.getlines(file))))
    if tree is None:
        return []
    way: list[ast.AST] = []
    node: ast.AST | None = tree
    while node is not None:
        way.append(node)
        node = next((child for child in _children(node) if _encloses(child, place)), None)
    functions = [i for i, node in enumerate(way) if isinstance(node, _FUNCTIONS)]
    return way[functions[-1] :] if functions else way


_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


def _children(node: ast.AST) -> Iterator[ast.AST]:
    """Those that have a place in the source, and those in what has none."""
    for child in ast.iter_child_nodes(node):
        if hasattr(child, "lineno"):
            yield child
        else:
            yield from _children(child)


def _place(level: TracebackType) -> _Span:
    """What was running: as much of its line as Python tells."""
    if sys.version_info >= (3, 11):
        position = next(islice(level.tb_frame.f_code.co_positions(), level.tb_lasti // 2, None))
        start, end, column, end_column = position
        if None not in (start, end, column, end_column):
            return (start, column), (end, end_column)  # type: ignore[return-value]
    return _line(level.tb_frame.f_code.co_filename, level.tb_lineno)


def _line(file: str, line: int) -> _Span:
    """The start of what stands in a line."""
    text = linecache.getline(file, line)
    column = len(text) - len(text.lstrip())
    return (line, column), (line, column)


def _encloses(node: Any, place: _Span) -> bool:
    start, end = (node.lineno, node.col_offset), (node.end_lineno, node.end_col_offset)
    return start <= place[0] and place[1] <= end


def _condition(way: list[ast.AST]) -> ast.expr | None:
    """What had to be true for the statement that raised to run."""
    statements = [node for node in way if isinstance(node, ast.stmt)]
    if statements and isinstance(statements[-1], ast.Assert):
        return ast.UnaryOp(op=ast.Not(), operand=statements[-1].test)
    if not any(isinstance(node, ast.Raise) for node in way):
        return None
    for outer, inner in zip(way[-2::-1], way[:0:-1], strict=True):
        if isinstance(outer, ast.ExceptHandler):
            return None  # the cause is the exception that is handled
        if isinstance(outer, ast.If):
            if inner in outer.body:
                return outer.test
            return ast.UnaryOp(op=ast.Not(), operand=outer.test)
    return None


def _given(way: list[ast.AST]) -> ast.expr | None:
    """The operation or the call that failed further inside, if it is no more than that."""
    inner = way[-1] if way else None
    if isinstance(inner, (ast.Return, ast.Assign, ast.Expr)):  # all that is known is the line
        inner = inner.value
    return inner if isinstance(inner, (ast.BinOp, ast.Compare, ast.Call, ast.Subscript)) else None
