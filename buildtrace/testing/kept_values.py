"""Whether an argument of a layer's constructor still has its value after loading."""

from __future__ import annotations

import contextlib
import inspect
from typing import TYPE_CHECKING, Any

from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.generations import Adapter

MISSING = object()
"""What an argument is that a layer keeps no attribute of."""

LONGEST = 60
"""So many characters of a value are shown."""

_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def parameters(cls: type) -> list[inspect.Parameter]:
    """What the constructor of a class takes by name, without `self`."""
    try:
        taken = list(inspect.signature(vars(cls)["__init__"]).parameters.values())[1:]
    except (KeyError, TypeError, ValueError):  # it has none of its own, or not in Python
        return []
    return [parameter for parameter in taken if parameter.kind in _NAMED]


def all_parameters(cls: type, adapter: Adapter) -> Iterator[tuple[type, str]]:
    """The user's classes that a layer is of, each with the names that its constructor takes."""
    seen: set[str] = set()
    for owner in cls.__mro__:
        if not adapter.is_own_class(owner):
            for name in (parameter.name for parameter in parameters(owner)):
                if name not in seen:
                    yield owner, name
                seen.add(name)


def value(layer: Any, name: str) -> Any:
    """What the layer keeps of an argument; `MISSING` if nothing can be found."""
    with contextlib.suppress(Exception):  # a property of the user's may raise anything
        for attribute in (name, f"_{name}"):
            if hasattr(layer, attribute):
                return getattr(layer, attribute)
    return MISSING


def same(one: Any, other: Any, layer_class: type) -> bool:
    """Whether two values are alike, as far as that can be told.

    A file has lists only, so that a tuple that came back as a list is none the worse.
    """
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[k], other[k], layer_class) for k in one)
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(
            same(a, b, layer_class) for a, b in zip(one, other, strict=True)
        )
    if isinstance(one, layer_class) or isinstance(other, layer_class):
        return type(one) is type(other)
    if inspect.isroutine(one) and inspect.isroutine(other):
        return one == other or one.__qualname__ == other.__qualname__
    if hasattr(one, "get_config") and hasattr(other, "get_config"):
        return type(one) is type(other) and bool(one.get_config() == other.get_config())
    return _equal(one, other)


def _equal(one: Any, other: Any) -> bool:
    import numpy as np

    cls = type(one)
    if cls is type(other) and not any("__eq__" in vars(base) for base in cls.__mro__[:-1]):
        return True  # such objects do not say what makes two of them alike
    if isinstance(one, float) and isinstance(other, float):
        return one == other or (one != one and other != other)
    try:
        return bool(np.array_equal(one, other))
    except Exception:  # they cannot be compared
        return cls is type(other)


def shown(value: Any, layer_class: type) -> str:
    """A value in a message."""
    if isinstance(value, layer_class):
        return f"a layer ({wording.sanitize(type(value).__name__)})"
    if isinstance(value, dict) and "class_name" in value:
        return f"the config of a {wording.sanitize(str(value['class_name']))}"
    text = getattr(value, "__name__", None) or repr(value)
    if len(text) > LONGEST:
        text = f"{text[:LONGEST]}…"
    return wording.sanitize(text)
