"""Reads a script, and finds every use of what Keras 3 does without. Nothing of it runs.

What stands behind a test of the version, or in a `try` that catches its failing, was written for
both generations, and is left alone.
"""

# ruff: noqa: D102 - a method of a visitor is called for what it visits
from __future__ import annotations

import ast
import builtins
from functools import lru_cache
from typing import TYPE_CHECKING

from buildtrace.diagnosis.migration import known as kinds
from buildtrace.diagnosis.migration.calls_read import uses_in_call
from buildtrace.diagnosis.migration.known import Known, KnownNames
from buildtrace.diagnosis.migration.objects_read import Objects
from buildtrace.diagnosis.migration.occurrence import Occurrence
from buildtrace.diagnosis.migration.table import gone_name, instead_of_name, keras_path, members

if TYPE_CHECKING:
    from collections.abc import Iterable

    from buildtrace.diagnosis.migration.changed import Changed
    from buildtrace.diagnosis.migration.known import AnyFunction

_CAUGHT = frozenset(
    [
        "ImportError",
        "ModuleNotFoundError",
        "AttributeError",
        "TypeError",
        "ValueError",
        "Exception",
        "BaseException",
        "NotImplementedError",
        "RuntimeError",
    ]
)
"""A `try` that catches one of these tries something that may be gone."""


@lru_cache(maxsize=64)
def read(code: str) -> tuple[Occurrence, ...]:
    """The uses in a script or module, in the order of their lines.

    Raises:
        SyntaxError: it is no Python.
        ValueError: as well.
        RecursionError: it is too deep to be read.
    """
    tree = ast.parse(code)
    objects = Objects()
    ScriptReading(objects).read(tree)  # learns what its functions give, and its classes keep
    found = ScriptReading(objects).read(tree)
    alike = {(one.line, one.changed.code, one.changed.name, one.shown): one for one in found}
    return tuple(sorted(alike.values(), key=lambda one: one.line))


class ScriptReading(ast.NodeVisitor):
    """One way through a script, from its top to its end, its functions last."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._names = KnownNames()
        self._found: list[Occurrence] = []
        self._later: list[tuple[AnyFunction, KnownNames, bool]] = []
        self._guarded = self._knows_keras = False

    def read(self, tree: ast.Module) -> list[Occurrence]:
        """Go through a whole file; returns the uses in it."""
        self._visit_all(tree.body)
        while self._later:
            self._read_function(*self._later.pop(0))
        return self._found

    def _visit_all(self, nodes: Iterable[ast.AST]) -> None:
        for node in nodes:
            self.visit(node)

    def _tell(self, occurrence: Occurrence) -> None:
        if not self._guarded:
            self._found.append(occurrence)

    # -- imports ----------------------------------------------------------------------------------

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self._knows_keras |= alias.name.partition(".")[0] in ("keras", "tensorflow")
            told = self._tell_name(alias.name, "", node)
            name = alias.asname or alias.name.partition(".")[0]
            self._names.bind(name, Known(path=alias.name if alias.asname else name, told=told))

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        module = "." * node.level + (node.module or "")
        self._knows_keras |= module.partition(".")[0] in ("keras", "tensorflow")
        for alias in node.names:
            if alias.name == "*":
                self._tell_name(module, "", node)
                self._names.stars.append(module)
                continue
            whole = f"{module}.{alias.name}"
            told = self._tell_name(whole, "", node)
            self._names.bind(alias.asname or alias.name, Known(path=whole, told=told))

    def _tell_name(self, whole: str, told: str, node: ast.stmt | ast.expr) -> str:
        """Tell of a name that is gone; returns the name of its row, or "" if it is there."""
        path = keras_path(whole)
        row = gone_name(path) if path else None
        if path is None or row is None:
            return ""
        if row.name != told:
            instead = instead_of_name(row, path.path)
            last = node.end_lineno or node.lineno
            self._tell(Occurrence(row, node.lineno, last, str(path), "", instead))
        return row.name

    # -- names and attributes ---------------------------------------------------------------------

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            whole, told = self._objects.path(node, self._names)
            self._tell_name(whole, told, node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        whole, told = self._objects.path(node, self._names)
        if whole:
            if isinstance(node.ctx, ast.Load):
                self._tell_name(whole, told, node)
            return
        if isinstance(node.ctx, ast.Load):
            self._tell_member(node)
        self.visit(node.value)

    def _tell_member(self, node: ast.Attribute) -> None:
        name, asked = node.attr, node.value
        if name == "layer" and isinstance(asked, ast.Attribute) and asked.attr == "_keras_history":
            name, asked = "_keras_history.layer", asked.value
        rows = members(name)
        if not rows:
            return
        kind = self._objects.kind(asked, self._names)
        fitting = [row for row in rows if kind in row.of or kinds.base_kind(kind) in row.of]
        if fitting:
            self._tell_of(fitting[0], node, asked, sure=True)
        elif not kind and self._knows_keras:
            open_ones = [row for row in rows if row.alone != "nothing"]
            called = ast.unparse(asked).lower()
            open_ones.sort(key=lambda row: row.of[0] not in called)
            if open_ones:
                self._tell_of(open_ones[0], node, asked, sure=open_ones[0].alone == "same")

    def _tell_of(self, row: Changed, node: ast.expr, asked: ast.expr, *, sure: bool) -> None:
        last = node.end_lineno or node.lineno
        # A chain of calls goes over lines: the last is that of the name.
        line = last if isinstance(node, ast.Attribute) else node.lineno
        of = _short(asked)
        self._tell(Occurrence(row, line, last, f"{of}.{row.name}", of, row.instead, sure))

    def visit_Call(self, node: ast.Call) -> None:
        for occurrence in uses_in_call(node, self._objects, self._names, knows=self._knows_keras):
            self._tell(occurrence)
        if isinstance(node.func, ast.Attribute) and node.func.attr == "variables":
            kind = self._objects.kind(node.func.value, self._names)
            for row in members("variables()") if kind == kinds.OPTIMIZER else ():
                self._tell_of(row, node.func, node.func.value, sure=True)
        self.generic_visit(node)

    # -- what binds names -------------------------------------------------------------------------

    def visit_Assign(self, node: ast.Assign) -> None:
        self.visit(node.value)
        for target in node.targets:
            self._bind(target, node.value)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)
            self._bind(node.target, node.value)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self.visit(node.value)
        self._bind(node.target, node.value)

    def visit_For(self, node: ast.For | ast.AsyncFor) -> None:
        self._loop(node)
        self._visit_all([*node.body, *node.orelse])

    visit_AsyncFor = visit_For  # noqa: N815

    def _loop(self, loop: ast.For | ast.AsyncFor | ast.comprehension) -> None:
        self.visit(loop.iter)
        kind = kinds.KINDS_OF_ITEMS.get(self._objects.kind(loop.iter, self._names), "")
        for target in ast.walk(loop.target):
            if isinstance(target, ast.Name):
                known = Known(kind=kind if target is loop.target else "")
                self._names.bind(target.id, known)

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp) -> None:
        self._clauses(node.generators)
        self.visit(node.elt)

    visit_ListComp = visit_SetComp = visit_GeneratorExp = _comprehension  # noqa: N815

    def visit_DictComp(self, node: ast.DictComp) -> None:
        self._clauses(node.generators)
        self._visit_all([node.key, node.value])

    def _clauses(self, generators: list[ast.comprehension]) -> None:
        for clause in generators:
            self._loop(clause)
            self._visit_all(clause.ifs)

    def visit_With(self, node: ast.With | ast.AsyncWith) -> None:
        for item in node.items:
            self.visit(item.context_expr)
            if item.optional_vars is not None:
                self._forget(item.optional_vars)
        self._visit_all(node.body)

    visit_AsyncWith = visit_With  # noqa: N815

    def _bind(self, target: ast.expr, value: ast.expr) -> None:
        pairs = [(target, value)]
        if isinstance(target, (ast.Tuple, ast.List)):
            if not isinstance(value, (ast.Tuple, ast.List)) or len(value.elts) != len(target.elts):
                return self._forget(target)
            pairs = list(zip(target.elts, value.elts, strict=True))
        for one, its in pairs:
            known = self._objects.known(its, self._names)
            if isinstance(one, ast.Name):
                self._names.bind(one.id, known)
            elif isinstance(one, ast.Attribute) and self._objects.is_self(one.value, self._names):
                self._objects.keep(one.attr, known, self._names)
        return None

    def _forget(self, target: ast.expr) -> None:
        for one in ast.walk(target):
            if isinstance(one, ast.Name):
                self._names.bind(one.id, kinds.UNKNOWN)

    # -- functions and classes --------------------------------------------------------------------

    def visit_FunctionDef(self, node: AnyFunction) -> None:
        self._visit_all(node.decorator_list)
        self._visit_all([*node.args.defaults, *[d for d in node.args.kw_defaults if d]])
        self._names.bind(node.name, Known(makes=self._objects.gives(node)))
        self._later.append((node, self._names, self._guarded))

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815

    def visit_Lambda(self, node: ast.Lambda) -> None:
        outer, self._names = self._names, KnownNames(self._names)
        self._bind_arguments(node.args)
        self.visit(node.body)
        self._names = outer

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._visit_all([*node.decorator_list, *node.bases])
        own = self._objects.class_of(node, self._names)
        self._names.bind(node.name, Known(makes=own.kind))
        outer, self._names = self._names, KnownNames(self._names, own)
        self._visit_all(node.body)
        self._names = outer

    def visit_Return(self, node: ast.Return) -> None:
        if node.value is not None:
            self.visit(node.value)
            self._names.returns.append(self._objects.kind(node.value, self._names))

    def _read_function(self, function: AnyFunction, outer: KnownNames, guarded: bool) -> None:
        self._names = KnownNames(outer)
        self._guarded = guarded
        self._bind_arguments(function.args)
        self._visit_all(function.body)
        self._objects.learn(function, self._names.returns)

    def _bind_arguments(self, arguments: ast.arguments) -> None:
        given = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        given += [one for one in (arguments.vararg, arguments.kwarg) if one]
        for argument in given:
            self._names.bind(argument.arg, kinds.UNKNOWN)

    # -- what is written for both generations -----------------------------------------------------

    def visit_Try(self, node: ast.Try) -> None:
        caught = any(_catches(handler) for handler in node.handlers)
        self._in(node.body + node.orelse, guarded=caught)
        for handler in node.handlers:
            if handler.name:
                self._names.bind(handler.name, kinds.UNKNOWN)
            self._in(handler.body, guarded=caught)
        self._visit_all(node.finalbody)

    def visit_If(self, node: ast.If) -> None:
        self.visit(node.test)
        self._in(node.body + node.orelse, guarded=_asks_for_version(node.test))

    def visit_IfExp(self, node: ast.IfExp) -> None:
        self.visit(node.test)
        self._in([node.body, node.orelse], guarded=_asks_for_version(node.test))

    def _in(self, nodes: Iterable[ast.AST], *, guarded: bool) -> None:
        before, self._guarded = self._guarded, self._guarded or guarded
        self._visit_all(nodes)
        self._guarded = before


def _catches(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    names = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(isinstance(name, ast.Name) and name.id in _CAUGHT for name in names)


def _asks_for_version(test: ast.expr) -> bool:
    for node in ast.walk(test):
        name = node.attr if isinstance(node, ast.Attribute) else ""
        name = node.id if isinstance(node, ast.Name) else name
        if name in ("hasattr", "getattr") and hasattr(builtins, name):
            return True
        if any(
            word in name.lower() for word in ("version", "keras2", "keras_2", "keras3", "keras_3")
        ):
            return True
    return False


def _short(node: ast.expr) -> str:
    text = ast.unparse(node)
    return text if len(text) <= 40 and "\n" not in text else "..."
