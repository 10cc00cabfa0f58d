"""The user's files as Python reads them, to find the places that edits are for.

`ast` says where a node is, which is all that is asked for here. A concrete syntax tree (libcst)
would print what is around it as well; but that stays as it is anyway, and each program that has a
finding would have one more package to load.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from buildtrace.traces.schema import Edit, SourceLine

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from buildtrace.traces.schema import LayerRef, Method
    from buildtrace.traces.trace import Trace

Position = tuple[int, int]
"""Line and column, as an `Edit` has them."""

Located = ast.stmt | ast.expr | ast.keyword | ast.arg

Expression = TypeVar("Expression", bound=ast.expr)

Definable = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef

FunctionCode = ast.Lambda | ast.FunctionDef

_BETWEEN = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT)
"""Tokens that are no part of a call."""


_OF_PACKAGES = re.compile(r"\b(?:keras|tf)(?:\.\w+)+")

_KERAS = ("keras", "tensorflow.keras", "tf_keras")


class Defined(NamedTuple):
    """A definition in a file of the user's.

    Attributes:
        line: where it begins.
        node: what Python makes of it.
        within: the name of the function that it is in; "" if it is in none.
    """

    line: SourceLine
    node: Definable
    within: str


class ParsedFile(NamedTuple):
    """A file of the user's.

    Attributes:
        name: as the trace has it.
        lines: without their ends; the first is at 0.
        tree: what Python makes of it.
        nodes: all that is in the tree, in the order of `ast.walk`, which takes long each time.
        tokens: what it consists of.
    """

    name: str
    lines: Sequence[str]
    tree: ast.Module
    nodes: Sequence[ast.AST]
    tokens: Sequence[tokenize.TokenInfo]

    def begin(self, node: Located) -> Position:
        """Where a node begins."""
        return node.lineno, self._column(node.lineno, node.col_offset)

    def end(self, node: Located) -> Position:
        """The place behind a node."""
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return node.end_lineno, self._column(node.end_lineno, node.end_col_offset)

    def _column(self, line: int, offset: int) -> int:
        """`ast` counts the bytes of UTF-8."""
        return len(self.lines[line - 1].encode()[:offset].decode())

    def code(self, node: ast.expr) -> str:
        """An expression as it is written."""
        (first, left), (last, right) = self.begin(node), self.end(node)
        lines = [*self.lines[first - 1 : last]]
        lines[-1] = lines[-1][:right]
        lines[0] = lines[0][left:]
        return "\n".join(lines)

    def indent(self, node: ast.stmt) -> str | None:
        """What stands before a statement; `None` if that is another statement."""
        row, column = self.begin(node)
        before = self.lines[row - 1][:column]
        return None if before.strip() else before

    def replace(self, begin: Position, end: Position, text: str) -> tuple[Edit, ...]:
        """The edit that puts a text between two places."""
        (line, column), (end_line, end_column) = begin, end
        edit = Edit(
            file=self.name,
            line=line,
            column=column,
            end_line=end_line,
            end_column=end_column,
            text=text,
        )
        return (edit,)

    def insert(self, at: Position, text: str) -> tuple[Edit, ...]:
        """The edit that puts a text somewhere."""
        return self.replace(at, at, text)

    def tokens_before(self, at: Position) -> list[tokenize.TokenInfo]:
        """The tokens that end before a place, without comments and ends of lines."""
        return [t for t in self.tokens if t.end <= at and t.type not in _BETWEEN]

    def token_behind(self, at: Position) -> tokenize.TokenInfo:
        """The first token that begins behind a place, without comments and ends of lines."""
        return next(t for t in self.tokens if t.start >= at and t.type not in _BETWEEN)


def parsed(trace: Trace, file: str) -> ParsedFile | None:
    """A file, if all of it is known, and Python."""
    text = trace.index.source_code.whole(file)
    found = _parsed(text) if text else None
    return None if found is None else ParsedFile(file, text.split("\n"), *found)


@lru_cache(maxsize=8)
def _parsed(text: str) -> tuple[ast.Module, list[ast.AST], list[tokenize.TokenInfo]] | None:
    if "\r" in text or "\f" in text:  # it may be split into lines in more than one way
        return None
    try:
        tree = ast.parse(text)
        return tree, [*ast.walk(tree)], [*tokenize.generate_tokens(io.StringIO(text).readline)]
    except (SyntaxError, ValueError, RecursionError, MemoryError, tokenize.TokenError):
        return None


def statement_at(file: ParsedFile, line: int) -> ast.stmt | None:
    """The innermost statement that a line is in; `None` if there is none, or more than one."""
    found: ast.stmt | None = None
    waiting: list[ast.AST] = [file.tree]
    while waiting:
        inside = [*_statements_in(waiting.pop())]
        around = [one for one in inside if first_line(one) <= line <= (one.end_lineno or 0)]
        if len(around) > 1:
            return None
        if around:
            found = around[0]
            waiting.append(found)
    return found


def _statements_in(node: ast.AST) -> Iterator[ast.stmt]:
    """The statements in a block, those in its `except` and `case` included."""
    for inner in ast.iter_child_nodes(node):
        if isinstance(inner, ast.stmt):
            yield inner
        elif isinstance(inner, (ast.ExceptHandler, ast.match_case)):
            yield from _statements_in(inner)


def first_line(statement: ast.stmt) -> int:
    """The first line of a statement, decorators included."""
    decorators = statement.decorator_list if isinstance(statement, Definable) else []
    return min([statement.lineno, *[decorator.lineno for decorator in decorators]])


def definition_at(file: ParsedFile, line: int) -> Definable | None:
    """The class or function that begins on a line, with a decorator or without."""
    found = [
        node
        for node in file.nodes
        if isinstance(node, Definable) and line in (node.lineno, first_line(node))
    ]
    return found[0] if len(found) == 1 else None


def code_of(trace: Trace, method: Method | None) -> tuple[ParsedFile, ast.FunctionDef] | None:
    """The code of a method of the user's, and its file; `None` if it cannot be read."""
    file = None if method is None else parsed(trace, method.file)
    function = None if file is None or method is None else definition_at(file, method.line)
    if file is None or not isinstance(function, ast.FunctionDef):
        return None
    return file, function


def definition_around(file: ParsedFile, line: int) -> Definable | None:
    """The outermost class or function that a line is in."""
    found = [node for node in file.tree.body if isinstance(node, Definable)]
    return next((n for n in found if first_line(n) <= line <= (n.end_lineno or 0)), None)


def definitions_of(trace: Trace, name: str) -> list[Defined]:
    """The functions and classes of this name in the user's files; no methods."""
    found = []
    for file_name in trace.index.user_files:
        file = parsed(trace, file_name)
        if file is None:
            continue
        waiting: list[tuple[ast.stmt, str]] = [(node, "") for node in file.tree.body]
        while waiting:
            node, within = waiting.pop()
            if isinstance(node, Definable) and node.name == name:
                line = SourceLine(file=file_name, line=node.lineno)
                found.append(Defined(line, node, within))
            if not isinstance(node, ast.ClassDef):
                inside = node.name if isinstance(node, Definable) else within
                waiting += [(inner, inside) for inner in _statements_in(node)]
    return found


def expressions(statement: ast.stmt) -> Iterator[ast.expr]:
    """What a statement consists of itself: neither the statements in it, nor what is in f-strings.

    Places in an f-string are wrong before Python 3.12.
    """
    waiting = [*ast.iter_child_nodes(statement)]
    while waiting:
        node = waiting.pop()
        if not isinstance(node, (ast.stmt, ast.ExceptHandler, ast.match_case, ast.JoinedStr)):
            if isinstance(node, ast.expr):
                yield node
            waiting += ast.iter_child_nodes(node)


def only(nodes: Sequence[Expression], line: int) -> Expression | None:
    """The one of these that is meant: the only one, or the only one that the line is in.

    Of several that it is in, the one that begins there. A list of layers is on many lines, and the
    line of their model is that of its first.
    """
    if len(nodes) > 1:
        nodes = [node for node in nodes if node.lineno <= line <= (node.end_lineno or 0)]
    if len(nodes) > 1:
        nodes = [node for node in nodes if node.lineno == line]
    return nodes[0] if len(nodes) == 1 else None


def last_name(node: ast.expr) -> str:
    """The last name of an expression: "Dense" of `keras.layers.Dense`; "" if it has none."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def find_call(
    trace: Trace, line: SourceLine | None, function: str = "", keyword: str = ""
) -> tuple[ParsedFile, ast.Call] | None:
    """The one call on a line of a function that has this last name, or is given this argument.

    Args:
        trace: has the source.
        line: a line of the call.
        function: the last name of what is called; "" for any.
        keyword: the name of an argument that it is given by that name; "" for any.
    """
    file = None if line is None else parsed(trace, line.file)
    statement = None if file is None or line is None else statement_at(file, line.line)
    if file is None or line is None or statement is None:
        return None
    calls = [
        node
        for node in expressions(statement)
        if isinstance(node, ast.Call)
        if function in ("", last_name(node.func))
        if not keyword or any(given.arg == keyword for given in node.keywords)
    ]
    call = only(calls, line.line)
    return None if call is None else (file, call)


def function_given(file: ParsedFile, call: ast.Call) -> FunctionCode | None:
    """The function that a Lambda layer is given, if its code is in the same file."""
    named = [given.value for given in call.keywords if given.arg == "function"]
    given = [*call.args[:1], *named]
    if len(given) != 1 or isinstance(given[0], ast.Lambda):
        return given[0] if len(given) == 1 and isinstance(given[0], ast.Lambda) else None
    if not isinstance(given[0], ast.Name):
        return None
    name = given[0].id
    found = [n for n in file.nodes if isinstance(n, ast.FunctionDef) and n.name == name]
    return found[0] if len(found) == 1 else None


def only_value(file: ParsedFile, name: str) -> ast.expr | None:
    """What a variable is assigned, if that is at one place of the whole file."""
    stored = [
        node
        for node in file.nodes
        if isinstance(node, ast.Name) and node.id == name and not isinstance(node.ctx, ast.Load)
    ]
    values = [
        node.value
        for node in file.nodes
        if isinstance(node, ast.Assign) and [*node.targets] == stored
    ]
    return values[0] if len(values) == 1 else None


def constructor_in(
    trace: Trace, near: SourceLine | None, class_name: str
) -> tuple[SourceLine, ast.FunctionDef] | None:
    """The `__init__` of the one class of this name in a file, and the line where it begins."""
    file = None if near is None else parsed(trace, near.file)
    if file is None or near is None:
        return None
    found = [
        inner
        for node in file.nodes
        if isinstance(node, ast.ClassDef) and node.name == class_name
        for inner in node.body
        if isinstance(inner, ast.FunctionDef) and inner.name == "__init__"
    ]
    if len(found) != 1:
        return None
    return SourceLine(file=near.file, line=found[0].lineno), found[0]


def maker_of(trace: Trace, layer: LayerRef, near: SourceLine | None) -> SourceLine | None:
    """The line that makes a layer, as far as its file tells without a doubt.

    Args:
        trace: has the source.
        layer: the layer.
        near: a line that calls it: it may be made there, or else elsewhere in that file.
    """
    file = None if near is None else parsed(trace, near.file)
    if file is None or near is None:
        return None
    if find_call(trace, near, layer.class_name) is not None:
        return near
    makers = [
        node
        for node in file.nodes
        if isinstance(node, ast.Call) and last_name(node.func) == layer.class_name
    ]
    named = [node for node in makers if _is_named(node, layer.name)]
    found = named or _kept_for(file, near.line, makers) or makers
    return SourceLine(file=near.file, line=found[0].lineno) if len(found) == 1 else None


def _kept_for(file: ParsedFile, line: int, makers: Sequence[ast.Call]) -> list[ast.Call]:
    """Those that make what is called on a line by a name that the file gives to nothing else."""
    statement = statement_at(file, line)
    used = [] if statement is None else [*expressions(statement)]
    names = {ast.unparse(node.func) for node in used if isinstance(node, ast.Call)}
    given = [
        (ast.unparse(target), node.value)
        for node in file.nodes
        if isinstance(node, ast.Assign)
        for target in node.targets
        if ast.unparse(target) in names
    ]
    once = [value for name, value in given if [n for n, _ in given].count(name) == 1]
    return [maker for maker in makers if any(maker is value for value in once)]


def _is_named(call: ast.Call, name: str) -> bool:
    values = [given.value for given in call.keywords if given.arg == "name"]
    return any(isinstance(value, ast.Constant) and value.value == name for value in values)


def name_in(trace: Trace, file: str, *paths: str) -> str:
    """What a file calls something that it imports: "keras.Input" → "tf.keras.Input".

    Args:
        trace: has the source.
        file: the file.
        paths: where it is to be had, from the top; `keras` stands for TensorFlow's as well.

    Returns:
        Code; "" if the file imports nothing that leads there.
    """
    found = parsed(trace, file)
    tops = [path for path in paths if not path.startswith("keras.")]
    tops += [top + path[5:] for path in paths if path.startswith("keras.") for top in _KERAS]
    for imported, name in _imports(found.tree) if found else ():
        for path in tops:
            if path == imported or path.startswith(f"{imported}."):
                return name + path.removeprefix(imported)
    return ""


def spelled(trace: Trace, file: str, code: str) -> str:
    """Code with the names that a file has for what of Keras and TensorFlow is in it.

    Args:
        trace: has the source.
        file: the file.
        code: names begin with "keras." and "tf.".

    Returns:
        The code; "" if the file imports nothing that leads to one of the names.
    """
    names = {}
    for given in _OF_PACKAGES.findall(code):
        path = given if given.startswith("keras.") else f"tensorflow{given[2:]}"
        names[given] = name_in(trace, file, path)
    return _OF_PACKAGES.sub(lambda found: names[found[0]], code) if all(names.values()) else ""


def _imports(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """What is imported at the top of a file, and the name for it, the longest way first."""
    found = []
    for node in tree.body:
        if isinstance(node, ast.Import):
            found += [(a.name, a.asname or a.name) for a in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found += [(f"{node.module}.{a.name}", a.asname or a.name) for a in node.names]
    yield from sorted(found, key=lambda pair: -pair[0].count("."))
