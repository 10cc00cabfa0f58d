"""The edits of a remedy: each function places one change in the user's source.

It looks for the one place that a remedy can be meant for, and gives no edit if there is none, or
more than one: the remedy is told in words then. What is put in is code that a rule has made of
names and numbers, or code of the same place; what stays is not touched.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from buildtrace.diagnosis.edited import overlap
from buildtrace.diagnosis.parsed_files import (
    definition_at,
    expressions,
    find_call,
    first_line,
    last_name,
    maker_of,
    only,
    parsed,
    spelled,
    statement_at,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeGuard

    from buildtrace.diagnosis.parsed_files import ParsedFile
    from buildtrace.traces.schema import Call, Edit, LayerRef, SourceLine
    from buildtrace.traces.trace import Trace

Edits = tuple["Edit", ...]
_Enclosing = TypeVar("_Enclosing", ast.ClassDef, ast.FunctionDef)

Rewrite = Callable[[str], str]
"""Makes code of code; "" of what it does not know."""

NONE: Edits = ()
"""There is no place for it, or more than one."""


def together(*parts: Edits) -> Edits:
    """All of these changes, or none if one of them has no place."""
    edits = [edit for part in parts for edit in part]
    return tuple(edits) if all(parts) and not overlap(edits) else NONE


# -- arguments of a call ------------------------------------------------------------------------


def argument(
    trace: Trace,
    line: SourceLine | None,
    function: str,
    name: str,
    value: str | Rewrite,
    place: int | None = None,
) -> Edits:
    """Give an argument of a call another value, or add it.

    Args:
        trace: has the source.
        line: a line of the call.
        function: the last name of what is called, such as "Conv2D".
        name: of the argument; "" if it is to be found by its place alone.
        value: in code; or what makes it of the code that stands there, or "" of what it does not
            know: then the argument has to be there.
        place: the argument's number from 0, if it may be given without its name.
    """
    found = find_call(trace, line, function)
    if found is None:
        return NONE
    file, call = found
    given = next((keyword for keyword in call.keywords if keyword.arg == name), None)
    if given is not None:
        return _instead(file, given.value, value)
    if _is_starred(call):  # it may be among those
        return NONE
    if place is not None and place < len(call.args):
        return _instead(file, call.args[place], value)
    return _added(file, call, f"{name}={value}") if isinstance(value, str) else NONE


def arguments_joined(
    trace: Trace, line: SourceLine | None, function: str, places: tuple[int, int], code: str
) -> Edits:
    """Put one argument in the place of several that follow each other without names.

    Args:
        trace: has the source.
        line: a line of the call.
        function: the last name of what is called.
        places: the numbers of the first and the last of them, from 0.
        code: the argument.
    """
    found = find_call(trace, line, function)
    if found is None or _is_starred(found[1]) or places[1] >= len(found[1].args):
        return NONE
    file, call = found
    first, last = (call.args[place] for place in places)
    return file.replace(file.begin(first), file.end(last), code)


def arguments_named(
    trace: Trace,
    line: SourceLine | None,
    function: str,
    names: Sequence[str],
    first: int = 0,
) -> Edits:
    """Put their names before the arguments of a call that have none.

    Args:
        trace: has the source.
        line: a line of the call.
        function: the last name of what is called.
        names: the names, in order, of all that may be there.
        first: the number of the first that gets one, from 0.
    """
    found = find_call(trace, line, function)
    if found is None or _is_starred(found[1]) or not first < len(found[1].args) <= len(names):
        return NONE
    file, call = found
    unnamed = [*zip(names, call.args, strict=False)][first:]
    taken = {keyword.arg for keyword in call.keywords}
    if taken & {name for name, _ in unnamed}:
        return NONE
    return together(*[file.insert(file.begin(arg), f"{name}=") for name, arg in unnamed])


def argument_renamed(
    trace: Trace, line: SourceLine | None, old: str, new: str, function: str = ""
) -> Edits:
    """Give an argument another name, and leave its value as it is.

    Args:
        trace: has the source.
        line: a line of the call.
        old: its name.
        new: its name from now on.
        function: the last name of what is called, if that is known.
    """
    found = find_call(trace, line, function, old)
    if found is None or any(given.arg == new for given in found[1].keywords):
        return NONE
    file, call = found
    row, column = file.begin(next(given for given in call.keywords if given.arg == old))
    return file.replace((row, column), (row, column + len(old)), new)


def argument_left_out(
    trace: Trace, line: SourceLine | None, name: str, function: str = ""
) -> Edits:
    """Take an argument out of a call that is given by its name.

    Args:
        trace: has the source.
        line: a line of the call.
        name: of the argument.
        function: the last name of what is called, if that is known.
    """
    found = find_call(trace, line, function, name)
    if found is None:
        return NONE
    file, call = found
    given = next(given for given in call.keywords if given.arg == name)
    begin, end = file.begin(given), file.end(given)
    before, behind = file.tokens_before(begin)[-1], file.token_behind(end)
    if before.string == ",":
        return file.replace(before.start, end, "")
    if before.string == "(" and behind.string == ",":
        following = file.token_behind(behind.end)
        is_near = following.start[0] == behind.end[0]
        return file.replace(begin, following.start if is_near else behind.end, "")
    return file.replace(begin, end, "") if before.string == "(" else NONE


def _is_starred(call: ast.Call) -> bool:
    """Whether something is given that does not stand there."""
    by_place = any(isinstance(given, ast.Starred) for given in call.args)
    return by_place or any(given.arg is None for given in call.keywords)


def _added(file: ParsedFile, call: ast.Call, code: str) -> Edits:
    """One more argument, behind all others."""
    if any(isinstance(given, ast.GeneratorExp) for given in call.args):
        return NONE  # it would need parentheses of its own then
    last = file.tokens_before(file.end(call))[-2]
    if last.string == ",":
        return file.insert(last.end, f" {code},")
    return file.insert(last.end, f", {code}" if call.args or call.keywords else code)


def _instead(file: ParsedFile, node: ast.expr, value: str | Rewrite) -> Edits:
    code = value if isinstance(value, str) else value(file.code(node))
    return file.replace(file.begin(node), file.end(node), code) if code else NONE


# -- expressions --------------------------------------------------------------------------------


def expression(trace: Trace, line: SourceLine | None, code: str, instead: str) -> Edits:
    """Replace an expression of a statement, however it is written there.

    Args:
        trace: has the source.
        line: a line of the statement.
        code: the expression.
        instead: what stands there then; it has to need no parentheses, wherever that is.
    """
    file = None if line is None else parsed(trace, line.file)
    statement = None if file is None or line is None else statement_at(file, line.line)
    if file is None or line is None or statement is None:
        return NONE
    wanted = ast.dump(ast.parse(code, mode="eval").body)
    node = only([e for e in expressions(statement) if ast.dump(e) == wanted], line.line)
    return NONE if node is None else _instead(file, node, instead)


def expression_in(trace: Trace, definition: SourceLine | None, code: str, instead: str) -> Edits:
    """Replace the one expression of this kind in a function; the arguments are as above."""
    found = _function(trace, definition)
    if found is None:
        return NONE
    file, function = found
    wanted = ast.dump(ast.parse(code, mode="eval").body)
    inside = [node for node in ast.walk(function) if isinstance(node, ast.expr)]
    same = [node for node in inside if ast.dump(node) == wanted]
    return _instead(file, same[0], instead) if len(same) == 1 else NONE


def layer_before(trace: Trace, line: SourceLine | None, class_name: str, code: str) -> Edits:
    """Put a layer before one that is made, and called, on a line.

    Args:
        trace: has the source.
        line: the line.
        class_name: of the layer that is there.
        code: what makes the other one.
    """
    found = find_call(trace, line, class_name)
    if found is None or line is None:
        return NONE
    file, made = found
    for node in file.nodes:
        if isinstance(node, ast.Call) and node.func is made and len(node.args) == 1:
            return _instead(file, node.args[0], lambda given: f"{code}({given})")
        if isinstance(node, (ast.List, ast.Tuple)) and made in node.elts:
            row, column = file.begin(made)
            indent = file.lines[row - 1][:column]
            is_alone = not indent.strip()
            return file.insert((row, column), f"{code},\n{indent}" if is_alone else f"{code}, ")
        if isinstance(node, ast.Call) and made in node.args and last_name(node.func) == "add":
            return before(trace, line, f"{file.code(node.func)}({code})")
    return NONE


def layer_first(trace: Trace, line: SourceLine | None, class_name: str, code: str) -> Edits:
    """Put a layer at the head of the list that a model is made of.

    Args:
        trace: has the source.
        line: a line that makes it.
        class_name: of the model: "Sequential".
        code: what makes the layer.
    """
    found = find_call(trace, line, class_name)
    if found is None or _is_starred(found[1]):
        return NONE
    file, call = found
    layers = call.args[0] if call.args else None
    if not isinstance(layers, ast.List) or not layers.elts:
        return NONE
    row, column = file.begin(layers.elts[0])
    indent = file.lines[row - 1][:column]
    return file.insert((row, column), f"{code}, " if indent.strip() else f"{code},\n{indent}")


def before_call(trace: Trace, line: SourceLine | None, method: str, code: Rewrite) -> Edits:
    """Put a line before the statement that calls a method of something.

    Args:
        trace: has the source.
        line: a line of the call.
        method: its name.
        code: makes the line of the code that stands for that something.
    """
    found = find_call(trace, line, method)
    if found is None or not isinstance(found[1].func, ast.Attribute):
        return NONE
    made = code(found[0].code(found[1].func.value))
    return before(trace, line, made) if made else NONE


def call_instead(trace: Trace, line: SourceLine | None, method: str, code: Rewrite) -> Edits:
    """Put something in the place of the call of a method; the arguments are as above."""
    found = find_call(trace, line, method)
    if found is None or not isinstance(found[1].func, ast.Attribute):
        return NONE
    file, call = found
    made = code(file.code(found[1].func.value))
    return _instead(file, call, made) if made else NONE


def function_instead(
    trace: Trace, line: SourceLine | None, function: str, name: str, of: Sequence[str] = ()
) -> Edits:
    """Call something else in the place of a function, with the same arguments.

    Args:
        trace: has the source.
        line: a line of the call.
        function: the last name of what is called.
        name: what is called then, in the names of the file.
        of: the modules that it has to be of, in the names of the file; any, if none are given.
    """
    found = find_call(trace, line, function)
    if found is None or not name:
        return NONE
    file, call = found
    if of and file.code(call.func) not in [f"{module}.{function}" for module in of]:
        return NONE
    return _instead(file, call.func, name)


def listed_inputs(trace: Trace, model: LayerRef) -> Edits:
    """A list in the place of a dict's `values()` that a model was made with."""
    making = trace.index.calls_by_name.get("Functional.__init__", ())
    lines = {call.caller for call in making if call.layer == model}
    return values_listed(trace, lines.pop() if len(lines) == 1 else None)


def values_listed(trace: Trace, line: SourceLine | None) -> Edits:
    """The same, by the line that makes the model."""
    return argument(
        trace,
        line,
        "Model",
        "inputs",
        lambda code: f"list({code})" if code.endswith(".values()") else "",
        0,
    )


def choice_of_tensors(trace: Trace, line: SourceLine | None, where: str) -> Edits:
    """Choose between two tensors by a function in the place of an `if`, or of `a if c else b`.

    Args:
        trace: has the source.
        line: the line of the `if`.
        where: the function, in the names of the file.
    """
    file = None if line is None else parsed(trace, line.file)
    statement = None if file is None or line is None else statement_at(file, line.line)
    if file is None or line is None or statement is None or not where:
        return NONE
    if isinstance(statement, ast.If):
        first, second = _returned(statement.body), _returned(_otherwise(file, statement))
        if first is None or second is None or first.value is None or second.value is None:
            return NONE
        code = _chosen(file, where, statement.test, first.value, second.value)
        return (
            file.replace(file.begin(statement), file.end(second), f"return {code}")
            if code
            else NONE
        )
    one = only([node for node in expressions(statement) if isinstance(node, ast.IfExp)], line.line)
    return (
        NONE
        if one is None
        else _instead(file, one, _chosen(file, where, one.test, one.body, one.orelse))
    )


def _returned(statements: Sequence[ast.stmt]) -> ast.Return | None:
    only_one = statements[0] if len(statements) == 1 else None
    return only_one if isinstance(only_one, ast.Return) else None


def _otherwise(file: ParsedFile, branch: ast.If) -> Sequence[ast.stmt]:
    """What runs if the condition is false, as far as the function ends with it."""
    if branch.orelse:
        return branch.orelse
    for node in file.nodes:
        body = getattr(node, "body", None)
        if isinstance(body, list) and branch in body:
            return body[body.index(branch) + 1 :]
    return ()


def _chosen(file: ParsedFile, where: str, test: ast.expr, first: ast.expr, second: ast.expr) -> str:
    """The call that chooses; "" if the condition is no single comparison, or nothing is chosen."""
    orders = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
    is_one = (
        isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], orders)
    )
    chosen = (first, second)
    if not is_one or any(
        isinstance(node, (ast.Constant, ast.Tuple, ast.List, ast.Dict)) for node in chosen
    ):
        return ""
    return f"{where}({', '.join(file.code(node) for node in (test, first, second))})"


def pooling_for_flatten(trace: Trace, flatten: Call) -> Edits:
    """A layer that takes images, or sequences, of any size in the place of a Flatten."""
    sizes = flatten.inputs[0].shape if flatten.inputs else None
    line = maker_of(trace, flatten.layer, flatten.caller) if flatten.layer else None
    if line is None or sizes is None:
        return NONE
    kind = {4: "2D", 5: "3D"}.get(len(sizes), "1D")
    name = spelled(trace, line.file, f"keras.layers.GlobalAveragePooling{kind}")
    return function_instead(trace, line, "Flatten", name)


def attribute_renamed(trace: Trace, line: SourceLine | None, old: str, new: str) -> Edits:
    """Give an attribute of `self` another name in the class that a line is in, at each place."""
    found = _around(trace, line, ast.ClassDef)
    if found is None:
        return NONE
    file, around = found
    uses = [node for node in ast.walk(around) if _is_own(node, old)]
    texts = [node for node in ast.walk(around) if isinstance(node, ast.JoinedStr)]
    if any(_is_own(node, old) for text in texts for node in ast.walk(text)):
        return NONE
    return together(*[_instead(file, use, f"self.{new}") for use in uses])


def _around(
    trace: Trace, line: SourceLine | None, kind: type[_Enclosing]
) -> tuple[ParsedFile, _Enclosing] | None:
    """The one definition of this kind that a line is in; `None` if it is in none, or several."""
    file = None if line is None else parsed(trace, line.file)
    if file is None or line is None:
        return None
    found = [
        node
        for node in file.nodes
        if isinstance(node, kind) and node.lineno <= line.line <= (node.end_lineno or 0)
    ]
    return (file, found[0]) if len(found) == 1 else None


def _is_own(node: ast.AST, name: str) -> TypeGuard[ast.Attribute]:
    return (
        isinstance(node, ast.Attribute)
        and node.attr == name
        and isinstance(node.value, ast.Name)
        and node.value.id == "self"
    )


def attribute_for_local(trace: Trace, line: SourceLine | None, name: str, attribute: str) -> Edits:
    """Keep what is in a local variable of a method in an attribute of `self`, wherever it is used.

    Args:
        trace: has the source.
        line: a line of the method.
        name: of the variable.
        attribute: the name of the attribute.
    """
    found = _around(trace, line, ast.FunctionDef)
    if found is None or not _is_local(found[1], name):
        return NONE
    file, around = found
    uses = [n for n in ast.walk(around) if isinstance(n, ast.Name) and n.id == name]
    if not any(isinstance(use.ctx, ast.Store) for use in uses):
        return NONE
    return together(*[_instead(file, use, f"self.{attribute}") for use in uses])


def _is_local(function: ast.FunctionDef, name: str) -> bool:
    """Whether a name in a method is a variable of it alone, wherever it stands there."""
    inner = (ast.Lambda, ast.FunctionDef, ast.ClassDef, ast.JoinedStr, ast.comprehension)
    others = [node for node in ast.walk(function) if isinstance(node, inner)]
    others = [node for node in others if node is not function]
    arguments = [arg.arg for arg in ast.walk(function.args) if isinstance(arg, ast.arg)]
    return (
        arguments[:1] == ["self"]
        and name not in arguments
        and not any(isinstance(n, (ast.Global, ast.Nonlocal)) for n in ast.walk(function))
        and not any(name == getattr(n, "id", "") for o in others for n in ast.walk(o))
    )


# -- lines --------------------------------------------------------------------------------------


def before(trace: Trace, line: SourceLine | None, *code: str) -> Edits:
    """Put lines before the statement that a line is in, as far to the right as that."""
    file = None if line is None else parsed(trace, line.file)
    statement = None if file is None or line is None else statement_at(file, line.line)
    return NONE if file is None or statement is None else _before(file, statement, code)


def behind(trace: Trace, line: SourceLine | None, *code: str) -> Edits:
    """Put lines behind the statement that a line is in, as far to the right as that."""
    file = None if line is None else parsed(trace, line.file)
    statement = None if file is None or line is None else statement_at(file, line.line)
    if file is None or statement is None or hasattr(statement, "body"):
        return NONE
    return _behind(file, statement, code)


def _before(file: ParsedFile, statement: ast.stmt, code: Sequence[str]) -> Edits:
    indent = file.indent(statement)
    if indent is None:
        return NONE
    return file.insert((first_line(statement), 0), _indented(indent, code) + "\n")


def _behind(file: ParsedFile, statement: ast.stmt, code: Sequence[str]) -> Edits:
    indent = file.indent(statement)
    row, column = file.end(statement)
    rest = file.lines[row - 1][column:].strip()
    if indent is None or (rest and not rest.startswith("#")):
        return NONE
    return file.insert((row, len(file.lines[row - 1])), "\n" + _indented(indent, code))


def _indented(indent: str, code: Sequence[str]) -> str:
    lines = "\n".join(code).split("\n")
    return "\n".join(f"{indent}{line}" if line else "" for line in lines)


def at_end(
    trace: Trace, definition: SourceLine | None, *code: str, before_last: Sequence[str] = ()
) -> Edits:
    """Put lines at the end of a function, before a `return` that it ends with.

    Args:
        trace: has the source.
        definition: the line that it begins with.
        code: the lines.
        before_last: statements that the lines have to stand before as well, where the function
            ends with one: "self.built = True".
    """
    found = _function(trace, definition)
    if found is None:
        return NONE
    file, function = found
    *_, last = function.body
    if any(node is not last for node in ast.walk(function) if isinstance(node, ast.Return)):
        return NONE  # it may end earlier
    if isinstance(last, ast.Return) or ast.unparse(last) in before_last:
        return _before(file, last, code)
    return _behind(file, last, code)


def at_start(trace: Trace, definition: SourceLine | None, *code: str) -> Edits:
    """Put lines at the start of a function, behind its docstring.

    Args:
        trace: has the source.
        definition: the line that it begins with.
        code: the lines.
    """
    found = _function(trace, definition)
    if found is None:
        return NONE
    file, function = found
    first, *more = function.body
    if ast.get_docstring(function, clean=False) is None:
        return _before(file, first, code)
    return _before(file, more[0], code) if more else _behind(file, first, code)


def _function(
    trace: Trace, definition: SourceLine | None
) -> tuple[ParsedFile, ast.FunctionDef] | None:
    """A function, if its body has lines of its own."""
    file = None if definition is None else parsed(trace, definition.file)
    if file is None or definition is None:
        return None
    found = definition_at(file, definition.line)
    if not isinstance(found, ast.FunctionDef) or file.indent(found.body[0]) is None:
        return None
    return file, found


def options_passed_on(trace: Trace, definition: SourceLine | None) -> Edits:
    """Have a constructor take any other argument by name, and hand it to the class below.

    Args:
        trace: has the source.
        definition: the line that the constructor begins with.
    """
    found = _function(trace, definition)
    if found is None:
        return NONE
    file, function = found
    given = function.args
    parts: list[ast.arg | ast.expr] = [*given.args, *given.kwonlyargs, *given.defaults]
    parts += [default for default in given.kw_defaults if default is not None]
    outer = [
        node
        for node in ast.walk(function)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "super().__init__"
    ]
    if given.kwarg or given.vararg or len(outer) != 1 or _is_starred(outer[0]) or not parts:
        return NONE
    end = max(file.end(part) for part in parts)
    return together(file.insert(end, ", **kwargs"), _added(file, outer[0], "**kwargs"))


def method_added(
    trace: Trace, definition: SourceLine | None, *code: str, ahead_of: str = "call"
) -> Edits:
    """Put a method into a class.

    Args:
        trace: has the source.
        definition: the line that the class begins with.
        code: the lines of the method.
        ahead_of: the method that it stands before, if the class has that one.
    """
    file = None if definition is None else parsed(trace, definition.file)
    if file is None or definition is None:
        return NONE
    found = definition_at(file, definition.line)
    if not isinstance(found, ast.ClassDef) or file.indent(found.body[0]) is None:
        return NONE
    defined = [node for node in found.body if isinstance(node, ast.FunctionDef)]
    if any(code[0].startswith(f"def {node.name}(") for node in defined):
        return NONE
    for node in defined:
        if node.name == ahead_of:
            return _before(file, node, [*code, ""])
    indent = file.indent(found.body[-1])
    if indent is None:
        return NONE
    row = file.end(found)[0]
    return file.insert((row, len(file.lines[row - 1])), "\n\n" + _indented(indent, code))
