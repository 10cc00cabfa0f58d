"""What an expression gives, as far as a script says so."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from buildtrace.diagnosis.migration import known as kinds
from buildtrace.diagnosis.migration.known import ClassNames, Known
from buildtrace.diagnosis.migration.table import keras_path

if TYPE_CHECKING:
    from collections.abc import Sequence

    from buildtrace.diagnosis.migration.known import AnyFunction, KnownNames


class Objects:
    """What the functions of a script give, and its classes keep: learned on the way through it."""

    def __init__(self) -> None:
        """Nothing is known yet."""
        self._gives: dict[tuple[int, int], str] = {}
        self._classes: dict[tuple[int, int], ClassNames] = {}

    def gives(self, function: AnyFunction) -> str:
        """The kind of what a function returns; "" if that is not known."""
        return self._gives.get((function.lineno, function.col_offset), "")

    def learn(self, function: AnyFunction, returned: Sequence[str]) -> None:
        """A function returns objects of these kinds."""
        one = set(returned)
        kind = one.pop() if len(one) == 1 else ""
        self._gives[function.lineno, function.col_offset] = kind

    def class_of(self, node: ast.ClassDef, names: KnownNames) -> ClassNames:
        """A class, by its definition."""
        at = (node.lineno, node.col_offset)
        bases = [self._kind_of_called(base, names) for base in node.bases]
        kind = next((kinds.base_kind(kind) for kind in bases if kind), "")
        if at not in self._classes or self._classes[at].kind != kind:
            self._classes[at] = ClassNames(kind, {})
        return self._classes[at]

    def keep(self, attribute: str, known: Known, names: KnownNames) -> None:
        """An attribute of `self` is assigned."""
        if names.of is not None:
            before = names.of.attributes.get(attribute, known)
            names.of.attributes[attribute] = known if before == known else kinds.UNKNOWN

    def is_self(self, node: ast.expr, names: KnownNames) -> bool:
        """Whether an expression is the object that a method is of."""
        if names.of is None:
            return False
        is_super = isinstance(node, ast.Call) and _is_name(node.func, "super")
        return is_super or _is_name(node, "self")

    # -- modules ----------------------------------------------------------------------------------

    def path(self, node: ast.expr, names: KnownNames) -> tuple[str, str]:
        """The whole name that an expression is, and the row that was told of it already.

        Both are "" if it is an object, or unknown.
        """
        parts: list[str] = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if not isinstance(node, ast.Name):
            return "", ""
        known = names.find(node.id)
        if known is None:
            root = _of_stars(node.id, names)
            return (".".join([root, *reversed(parts)]), "") if root else ("", "")
        if not known.path:
            return "", ""
        return ".".join([known.path, *reversed(parts)]), known.told

    # -- objects ----------------------------------------------------------------------------------

    def known(self, node: ast.expr, names: KnownNames) -> Known:
        """What is known of what an expression gives."""
        whole, told = self.path(node, names)
        if whole:
            return Known(path=whole, told=told)
        known = names.find(node.id) if isinstance(node, ast.Name) else None
        text = self.text(node, names)
        return known or Known(kind=self.kind(node, names), text=text)

    def kind(self, node: ast.expr, names: KnownNames) -> str:
        """The kind of object that an expression gives; "" if that is not known."""
        if isinstance(node, ast.Name):
            known = names.find(node.id)
            if known is not None and not known.path:
                return self._of_self(known, node, names)
            return kinds.OTHER if known is not None and kinds.is_foreign(known.path) else ""
        if isinstance(node, ast.Attribute):
            return self._kind_of_attribute(node, names)
        if isinstance(node, ast.Call):
            return self._kind_of_call(node, names)
        if isinstance(node, ast.Subscript):
            return kinds.KINDS_OF_ITEMS.get(self.kind(node.value, names), "")
        if isinstance(node, ast.BinOp):
            both = {self.kind(node.left, names), self.kind(node.right, names)}
            return kinds.SYMBOL if kinds.SYMBOL in both else ""
        if isinstance(node, (ast.List, ast.Tuple)):
            inner = {self.kind(one, names) for one in node.elts}
            return kinds.SYMBOL if kinds.SYMBOL in inner else kinds.OTHER
        if isinstance(node, ast.IfExp):
            both = {self.kind(node.body, names), self.kind(node.orelse, names)}
            return both.pop() if len(both) == 1 else ""
        return kinds.OTHER if isinstance(node, kinds.VALUES) else ""

    def _of_self(self, known: Known, node: ast.Name, names: KnownNames) -> str:
        if node.id == "self" and names.of is not None:
            return names.of.kind
        return known.kind

    def _kind_of_attribute(self, node: ast.Attribute, names: KnownNames) -> str:
        whole, _ = self.path(node, names)
        if whole:
            return kinds.OTHER if kinds.is_foreign(whole) else ""
        if self.is_self(node.value, names) and names.of is not None:
            kept = names.of.attributes.get(node.attr)
            if kept is not None:
                return kept.kind
        asked = kinds.base_kind(self.kind(node.value, names))
        return kinds.KINDS_OF_ATTRIBUTES.get((asked, node.attr), "")

    def _kind_of_call(self, call: ast.Call, names: KnownNames) -> str:
        if _is_name(call.func, "super") and names.of is not None:
            return names.of.kind
        made = self._kind_of_called(call.func, names)
        if made:
            return made
        whole, _ = self.path(call.func, names)
        path = keras_path(whole) if whole else None
        symbols = any(self.kind(one, names) == kinds.SYMBOL for one in call.args)
        if path is not None:
            is_function = path.path.startswith(("layers.", "ops."))
            return kinds.SYMBOL if symbols and is_function else ""
        if whole:
            return kinds.OTHER if kinds.is_foreign(whole) else ""
        if isinstance(call.func, ast.Attribute):
            asked = kinds.base_kind(self.kind(call.func.value, names))
            of_method = kinds.KINDS_OF_METHODS.get((asked, call.func.attr))
            if of_method is not None:
                return of_method
        called = kinds.base_kind(self.kind(call.func, names))
        return kinds.SYMBOL if symbols and called in (kinds.LAYER, kinds.MODEL) else ""

    def _kind_of_called(self, function: ast.expr, names: KnownNames) -> str:
        """What a class makes, or a function gives."""
        if isinstance(function, ast.Name):
            known = names.find(function.id)
            if known is not None and known.makes:
                return known.makes
        whole, _ = self.path(function, names)
        path = keras_path(whole) if whole else None
        return kinds.kind_of_path(path) if path else ""

    # -- texts ------------------------------------------------------------------------------------

    def text(self, node: ast.expr, names: KnownNames) -> str | None:
        """A text, or the end of one as far as it is constant; `None` if it is not known."""
        if isinstance(node, ast.Constant):
            return node.value if isinstance(node.value, str) else None
        if isinstance(node, ast.Name):
            known = names.find(node.id)
            return None if known is None else known.text
        if isinstance(node, ast.JoinedStr):
            return self.text(node.values[-1], names) if node.values else None
        if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Div)):
            return self.text(node.right, names)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
            return self.text(node.left, names)
        if isinstance(node, ast.Call):
            return self._text_of_call(node, names)
        return None

    def _text_of_call(self, call: ast.Call, names: KnownNames) -> str | None:
        whole, _ = self.path(call.func, names)
        if whole in ("os.path.join", "pathlib.Path") or _is_name(call.func, "str"):
            return self.text(call.args[-1], names) if call.args else None
        if isinstance(call.func, ast.Attribute) and call.func.attr == "format":
            return self.text(call.func.value, names)
        return None


def _is_name(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _of_stars(name: str, names: KnownNames) -> str:
    """The whole name of what was imported with all others of a module of Keras."""
    stars = [module for module in names.all_stars() if keras_path(module)]
    if not name[:1].isupper() or not stars:
        return ""
    layers = [module for module in stars if module.endswith("layers")]
    is_model = name in ("Model", "Sequential")
    return f"{stars[0] if is_model or not layers else layers[0]}.{name}"
