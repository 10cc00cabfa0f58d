"""What a file does when it runs, as far as its source says so: nothing of it is imported or run.

Names are followed by the reader of scripts for Keras 2, which knows what stands for Keras.
"""

from __future__ import annotations

import ast
import warnings
from typing import NamedTuple

from buildtrace.diagnosis.migration import known as kinds
from buildtrace.diagnosis.migration.known import AnyFunction, Known, KnownNames
from buildtrace.diagnosis.migration.objects_read import Objects
from buildtrace.diagnosis.migration.reading import ScriptReading
from buildtrace.diagnosis.migration.table import keras_path

MODULE = ""
"""The scope of what runs when a file is imported."""

MAIN = "<main>"
"""The scope of what stands behind `if __name__ == "__main__":`."""

BUILD_KINDS = (kinds.MODEL, kinds.LAYER, kinds.SYMBOL)
"""Kinds of objects that a build makes."""

BUILDING_PACKAGES = ("keras_hub", "keras_nlp", "keras_cv", "keras_rs", "autokeras")
"""Packages whose objects are models and layers of Keras, or make them."""

NO_LAYERS = ("InputSpec",)
"""Classes among Keras' layers that are none."""

LEGACY = "tf_keras"
"""The Keras 2 that has a package of its own: its names are those of Keras."""


class CodeScope(NamedTuple):
    """What a part of a file does: its top, what stands behind `__main__`, a function, or a class.

    Attributes:
        uses: the names that it looks up: own ones, and whole ones of what was imported.
        calls: those of them that it calls, or calls something of.
        imports: the modules that it imports, relative ones with their dots; after each the names
            that were imported of it, which may be modules as well.
        builds: the lines where it makes a layer, a model, or a symbolic input.
        required: the arguments that it wants of a command line.
    """

    uses: set[str]
    calls: set[str]
    imports: list[str]
    builds: list[int]
    required: list[str]

    @classmethod
    def new(cls) -> CodeScope:
        """One in which nothing is done yet."""
        return cls(set(), set(), [], [], [])


class FileFacts(NamedTuple):
    """A file.

    Attributes:
        scopes: name → what is done there. Classes stand for all of their methods.
        exports: name → the whole name of what was imported under it at the top.
        classes: its classes.
        of_keras: those of them that are layers or models.
    """

    scopes: dict[str, CodeScope]
    exports: dict[str, str]
    classes: set[str]
    of_keras: set[str]

    @property
    def uses_keras(self) -> bool:
        """Whether it looks up anything of Keras, or imports it."""
        return any(
            keras_path(_as_keras(name)) is not None
            for scope in self.scopes.values()
            for name in (*scope.uses, *scope.imports)
        )

    @property
    def has_builds(self) -> bool:
        """Whether a part of it, run or not, builds something, or defines what can be built."""
        return bool(self.of_keras) or any(scope.builds for scope in self.scopes.values())


def read(code: str) -> FileFacts:
    """The facts of a script or a module.

    Raises:
        SyntaxError: it is no Python.
        ValueError: as well.
        RecursionError: it is too deep to be read.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of escapes in texts, which are not ours to tell
        tree = ast.parse(code)
    objects = Objects()
    _FactsReading(objects).read(tree)  # learns what its functions give, and its classes keep
    reading = _FactsReading(objects)
    reading.read(tree)
    return FileFacts(reading.scopes, reading.exports, reading.classes, reading.of_keras)


class _FactsReading(ScriptReading, ast.NodeVisitor):
    """One way through a file, that notes in which scope something is done."""

    def __init__(self, objects: Objects) -> None:
        super().__init__(objects)
        self.scopes = {MODULE: CodeScope.new()}
        self.exports: dict[str, str] = {}
        self.classes: set[str] = set()
        self.of_keras: set[str] = set()
        self._scope = MODULE
        self._class = ""
        self._scopes_of_functions: dict[int, str] = {}

    @property
    def _now(self) -> CodeScope:
        return self.scopes.setdefault(self._scope, CodeScope.new())

    # -- imports ----------------------------------------------------------------------------------

    def visit_Import(self, node: ast.Import) -> None:
        """Note the modules."""
        super().visit_Import(node)
        for alias in node.names:
            self._now.imports.append(alias.name)
            first = alias.name.partition(".")[0]
            self._imported(alias.asname or first, alias.name if alias.asname else first)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        """Note the module, and its names: they may be modules of a package."""
        super().visit_ImportFrom(node)
        module = "." * node.level + (node.module or "")
        self._now.imports.append(module)
        for alias in node.names:
            whole = f"{module}{'' if module.endswith('.') else '.'}{alias.name}"
            if alias.name == "*":
                self._names.stars[-1] = _as_keras(module)
                self._now.uses.add(whole)
            else:
                self._now.imports.append(whole)
                self._imported(alias.asname or alias.name, whole)

    def _imported(self, name: str, whole: str) -> None:
        self._names.bind(name, Known(path=_as_keras(whole)))
        if self._scope in (MODULE, MAIN):
            self.exports[name] = whole

    # -- what is used, and what is built ----------------------------------------------------------

    def visit_Name(self, node: ast.Name) -> None:
        """Note what is looked up."""
        if isinstance(node.ctx, ast.Load):
            whole, _ = self._objects.path(node, self._names)
            self._now.uses.add(whole or node.id)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        """Note it as a whole, if it is the name of something that was imported."""
        whole, _ = self._objects.path(node, self._names)
        if whole:
            self._now.uses.add(whole)
        else:
            self.visit(node.value)

    def visit_Call(self, node: ast.Call) -> None:
        """Note what is made, and which arguments a parser wants."""
        if self._builds(node):
            self._now.builds.append(node.lineno)
        if called := self._called(node.func):
            self._now.calls.add(called)
        if required := _required_argument(node, self._objects.path(node.func, self._names)[0]):
            self._now.required.append(required)
        self.generic_visit(node)

    def _called(self, function: ast.expr) -> str:
        """The name that is called, or the one at the beginning of what is: `Class.method()`."""
        whole, _ = self._objects.path(function, self._names)
        while not whole and isinstance(function, ast.Attribute):
            function = function.value
        return whole or (function.id if isinstance(function, ast.Name) else "")

    def _builds(self, node: ast.Call) -> bool:
        if isinstance(node.func, ast.Name) and node.func.id == "super":
            return False
        whole, _ = self._objects.path(node.func, self._names)
        if whole.partition(".")[0] in BUILDING_PACKAGES:
            return True
        if whole.rpartition(".")[2] in NO_LAYERS:
            return False
        return kinds.base_kind(self._objects.kind(node, self._names)) in BUILD_KINDS

    # -- scopes -----------------------------------------------------------------------------------

    def visit_FunctionDef(self, node: AnyFunction) -> None:
        """Remember where its body belongs: that is read later."""
        before = self._scope
        at_top = before in (MODULE, MAIN) and not self._class
        self._scope = node.name if at_top else self._class or before
        self._scopes_of_functions[id(node)] = self._scope
        super().visit_FunctionDef(node)  # its defaults are what it is about, not what is around it
        self._scope = before

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        """Its methods belong to it; what stands beside them runs at once."""
        before = self._class
        if self._scope in (MODULE, MAIN):
            self._class = before or node.name
            self.classes.add(self._class)
            self.scopes.setdefault(self._class, CodeScope.new())
            self.scopes[self._class].calls.update(map(self._called, node.bases))
        super().visit_ClassDef(node)
        kind = self._names.find(node.name)
        if kind is not None and kind.makes in (kinds.MODEL, kinds.LAYER):
            self.of_keras.add(node.name)
        self._class = before

    def _read_function(self, function: AnyFunction, outer: KnownNames, guarded: bool) -> None:
        self._scope = self._scopes_of_functions[id(function)]
        self._class = ""
        super()._read_function(function, outer, guarded)

    def visit_If(self, node: ast.If) -> None:
        """What stands behind `__main__` is no part of an import."""
        if self._scope == MODULE and not self._class and _is_main(node.test):
            self._scope = MAIN
            self._visit_all(node.body)
            self._scope = MODULE
            self._visit_all(node.orelse)
        else:
            super().visit_If(node)


def _as_keras(whole: str) -> str:
    first, _, rest = whole.partition(".")
    return f"keras.{rest}".rstrip(".") if first == LEGACY else whole


def _is_main(test: ast.expr) -> bool:
    if not isinstance(test, ast.Compare) or len(test.comparators) != 1:
        return False
    sides = (test.left, test.comparators[0])
    has_name = any(isinstance(side, ast.Name) and side.id == "__name__" for side in sides)
    has_main = any(isinstance(side, ast.Constant) and side.value == "__main__" for side in sides)
    return has_name and has_main and isinstance(test.ops[0], ast.Eq)


def _required_argument(call: ast.Call, whole: str) -> str:
    """The name of an argument that a script cannot do without, if this call declares one."""
    function = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    if function not in ("add_argument", "argument", "option"):
        return ""
    if function != "add_argument" and whole.partition(".")[0] not in ("click", "rich_click"):
        return ""
    names = [arg.value for arg in call.args if isinstance(arg, ast.Constant)]
    given = {keyword.arg: keyword.value for keyword in call.keywords}
    texts = [name for name in names if isinstance(name, str)]
    if not texts:
        return ""
    if texts[0].startswith("-"):
        return texts[-1] if _constant(given.get("required")) is True else ""
    optional = _constant(given.get("nargs")) in ("?", "*") or "default" in given
    optional |= _constant(given.get("required")) is False or _constant(given.get("action")) in (
        "help",
        "version",
    )
    return "" if optional else texts[0]


def _constant(node: ast.expr | None) -> object:
    return node.value if isinstance(node, ast.Constant) else None
