"""An expression of source code with the values that its names had in a frame.

Only what is plain is read: sizes, numbers, words, dtypes, the shapes and names of what has them.
No function or property of the program is run for it, and no tensor's content is looked at.
"""

from __future__ import annotations

import ast
import copy
import inspect
from types import MemberDescriptorType
from typing import TYPE_CHECKING, Any

from buildtrace.capture import snapshot
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST_TEXT = 40
"""A longer word is no value that explains anything; neither is a list of more parts than `MOST`."""

MOST = 8

OF_TENSORS = frozenset({"shape", "dtype", "ndim", "name"})
"""What may be asked of a tensor: Keras and the backends answer it without its content."""

SIZED = (tuple, list, dict, set, frozenset, str)


class _UnknownError(Exception):
    """A value that is not to be read, or not to be shown."""


def filled_in(expression: ast.expr, names: Mapping[str, Any]) -> str | None:
    """The expression's text with values in it; `None` if none of its names has one to show.

    There are none where it compares what objects are (`id`): addresses tell nobody anything.

    Args:
        expression: of a function's source.
        names: what its names stood for.
    """
    if any(_is_call_of("id", part) for part in ast.walk(expression)):
        return None
    filler = _Filler(names)
    filled = filler.visit(copy.deepcopy(expression))
    return ast.unparse(filled) if filler.count else None


class _Filler(ast.NodeTransformer):
    """Puts values in the place of names, of the largest parts that have one.

    Attributes:
        count: how many were put in.
    """

    def __init__(self, names: Mapping[str, Any]) -> None:
        self.count = 0
        self._names = names

    def visit(self, node: ast.AST) -> Any:
        """The value of a part, or the part with the values of what is in it."""
        if isinstance(node, ast.Starred):
            return node  # like `**`: what it holds would not stand there as it is
        if isinstance(node, (ast.Name, ast.Attribute, ast.Subscript, ast.Call)):
            try:
                text = said(self._value(node))
            except Exception:  # a program's objects may do anything when they are asked
                return self._parts(node)
            self.count += 1
            return ast.Name(id=text)
        return self.generic_visit(node)

    def _parts(self, node: ast.AST) -> ast.AST:
        """A part that has no value to show, with the values of what is in it."""
        if isinstance(node, ast.Call):
            node.args = [self.visit(argument) for argument in node.args]
            for keyword in node.keywords:
                if keyword.arg is not None:
                    keyword.value = self.visit(keyword.value)
        elif isinstance(node, ast.Subscript) and not self._is_of_tensor(node):
            return self.generic_visit(node)
        return node

    def _value(self, node: ast.AST) -> Any:
        """What a part of the expression stands for."""
        if isinstance(node, ast.Constant):
            return node.value
        if isinstance(node, ast.Name):
            return self._names[node.id]
        if isinstance(node, ast.Attribute):
            return _attribute(self._value(node.value), node.attr)
        if isinstance(node, ast.Subscript):
            return _part(self._value(node.value), self._index(node.slice))
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return -_number(self._value(node.operand))
        if isinstance(node, ast.Call) and _is_computed(node):
            value = _sizes(self._value(node.args[0]))
            if _is_call_of("int", node):
                return int(_number(value))
            if isinstance(value, SIZED):
                return len(value)
        raise _UnknownError

    def _is_of_tensor(self, node: ast.Subscript) -> bool:
        """Whether a part of a tensor is asked for: its shape in the place of it would mislead."""
        try:
            return _is_tensor(self._value(node.value))
        except Exception:  # as above
            return False

    def _index(self, node: ast.AST) -> Any:
        if isinstance(node, ast.Slice):
            parts = (node.lower, node.upper, node.step)
            return slice(*(None if part is None else self._value(part) for part in parts))
        return self._value(node)


def _is_computed(call: ast.Call) -> bool:
    """Whether the value of a call is shown, not the call: of `len` and `int`."""
    return any(_is_call_of(name, call) and len(call.args) == 1 for name in ("len", "int"))


def _is_call_of(name: str, node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name


def _number(value: Any) -> Any:
    if type(value) not in (int, float):
        raise _UnknownError
    return value


def _attribute(thing: Any, name: str) -> Any:
    """What an object holds under a name: of properties, only what Keras keeps as `_name`."""
    if _is_tensor(thing):
        if name in OF_TENSORS:
            return getattr(thing, name)
        raise _UnknownError
    held = getattr(thing, "__dict__", {})
    for key in (name, f"_{name}"):
        if key in held:
            return held[key]
        slot = inspect.getattr_static(type(thing), key, None)
        if isinstance(slot, MemberDescriptorType):
            return slot.__get__(thing)
    raise _UnknownError


def _is_tensor(thing: Any) -> bool:
    cls = type(thing)
    return not isinstance(thing, type) and hasattr(cls, "shape") and hasattr(cls, "dtype")


def _sizes(value: Any) -> Any:
    """A shape as a tuple; anything else as it is."""
    if type(value).__name__ in ("TensorShape", "Size") and not isinstance(value, type):
        spec = snapshot.spec(value)
        if spec.shape is None:
            raise _UnknownError
        return spec.shape
    return value


def _part(whole: Any, index: Any) -> Any:
    whole = _sizes(whole)
    if type(whole) not in (tuple, list, dict, str):
        raise _UnknownError
    return whole[index]


def said(value: Any) -> str:
    """A plain value in few words.

    Raises:
        _UnknownError: it is none.
    """
    value = _sizes(value)
    if type(value).__module__ == "numpy" and hasattr(type(value), "is_integer"):
        value = value.item()  # a number, not an array
    if value is None or type(value) in (bool, int, float):
        return repr(value)
    if type(value) is str:
        return _short(repr(value))
    if type(value) in (tuple, list, set, frozenset):
        return _several(value)
    if type(value) is dict:
        return _several(set(value))  # its keys
    if _is_tensor(value):
        return wording.tensor(snapshot.spec(value.shape, value.dtype))
    if "dtype" in type(value).__name__.lower():
        return snapshot.dtype_name(value)
    raise _UnknownError


def _several(values: Any) -> str:
    if len(values) > MOST:
        raise _UnknownError
    parts = [said(value) for value in values]
    if type(values) is tuple:
        return _short(f"({', '.join(parts)}{',' if len(parts) == 1 else ''})")
    if type(values) is list:
        return _short(f"[{', '.join(parts)}]")
    return _short(f"{{{', '.join(sorted(parts))}}}")


def _short(text: str) -> str:
    if len(text) > LONGEST_TEXT:
        raise _UnknownError
    return text
