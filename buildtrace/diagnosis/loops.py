"""Which loops of the user's a piece of code is in, and which variables change from round to round.

Nothing is run: a loop over what nobody can tell the values of changes nothing for sure.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, NamedTuple

from buildtrace.diagnosis.parsed_files import last_name, only_value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.diagnosis.parsed_files import FunctionCode, ParsedFile

_Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
_NameSpace = ast.Lambda | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Module


class Loop(NamedTuple):
    """A `for`, a `while` or a comprehension.

    Attributes:
        first: its first line.
        last: its last line.
        targets: what it assigns to, and what it takes that from.
        body: the statements that it repeats; none of a comprehension.
    """

    first: int
    last: int
    targets: list[tuple[ast.expr, ast.expr]]
    body: list[ast.stmt]


def loops_around(file: ParsedFile, code: ast.expr, function: FunctionCode) -> Iterator[Loop]:
    """The loops that an expression is in and whose variables a function sees, innermost first."""
    above = {inner: node for node in file.nodes for inner in ast.iter_child_nodes(node)}
    is_inside = any(node is function for node in ast.walk(code))
    home = _scope(above, function)
    node: ast.AST = code
    while node in above:
        node = above[node]
        if isinstance(node, _NameSpace):
            return
        if isinstance(node, ast.For | ast.While) and _scope(above, node) is home:
            targets = [(node.target, node.iter)] if isinstance(node, ast.For) else []
            yield Loop(node.lineno, node.end_lineno or 0, targets, node.body)
        elif isinstance(node, _Comprehension) and is_inside:
            targets = [(part.target, part.iter) for part in node.generators]
            yield Loop(node.lineno, node.end_lineno or 0, targets, [])


def _scope(above: dict[ast.AST, ast.AST], node: ast.AST) -> ast.AST | None:
    """The function, class or module that a piece of code is in directly."""
    outer = above.get(node)
    while outer is not None and not isinstance(outer, _NameSpace):
        outer = above.get(outer)
    return outer


def changed_in(file: ParsedFile, loop: Loop, name: str) -> bool:
    """Whether a variable has another value in each round of a loop, or at least in some."""
    stored = [
        node
        for statement in loop.body
        for node in ast.walk(statement)
        if isinstance(node, ast.Name) and node.id == name and not isinstance(node.ctx, ast.Load)
    ]
    counted = [
        node
        for statement in loop.body
        for node in ast.walk(statement)
        if isinstance(node, ast.AugAssign) and node.target in stored
    ]
    if stored:
        return len(stored) == len(counted) and all(_is_step(node) for node in counted)
    return any(_differs(file, target, values, name) for target, values in loop.targets)


def _is_step(node: ast.AugAssign) -> bool:
    is_number = isinstance(node.value, ast.Constant) and node.value.value not in (0, 1)
    counts = isinstance(node.op, ast.Add | ast.Sub)
    is_one = isinstance(node.value, ast.Constant) and node.value.value == 1
    return is_number or (is_one and counts)


def _differs(file: ParsedFile, target: ast.expr, values: ast.expr, name: str) -> bool:
    """Whether what a loop takes for a variable are different values."""
    if isinstance(values, ast.Name):
        known = only_value(file, values.id)
        is_name = known is None or isinstance(known, ast.Name)
        return known is not None and not is_name and _differs(file, target, known, name)
    if isinstance(values, ast.List | ast.Tuple | ast.Set):
        if isinstance(target, ast.Name):
            return target.id == name and len({ast.dump(value) for value in values.elts}) > 1
        return _differs_inside(target, values.elts, name)
    if not isinstance(values, ast.Call):
        return False
    function = last_name(values.func)
    if isinstance(target, ast.Name):
        return target.id == name and function in ("range", "keys")
    parts = target.elts if isinstance(target, ast.Tuple) else []
    if function == "zip" and len(parts) == len(values.args):
        pairs = zip(parts, values.args, strict=True)
        return any(_differs(file, part, given, name) for part, given in pairs)
    if function in ("enumerate", "items") and len(parts) == 2:
        if isinstance(parts[0], ast.Name) and parts[0].id == name:
            return True
        inner = values.args[:1] if function == "enumerate" else []
        return any(_differs(file, parts[1], given, name) for given in inner)
    return False


def _differs_inside(target: ast.expr, values: list[ast.expr], name: str) -> bool:
    """The same of a loop that takes tuples apart."""
    names = [last_name(part) for part in target.elts] if isinstance(target, ast.Tuple) else []
    rows = [value.elts for value in values if isinstance(value, ast.Tuple | ast.List)]
    if name not in names or len(rows) != len(values):
        return False
    place = names.index(name)
    return len({ast.dump(row[place]) for row in rows if len(row) == len(names)}) > 1
