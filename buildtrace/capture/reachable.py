"""What the attributes of a layer of the user's lead to, whether Keras looks there or not.

Keras looks at attributes, and into lists, tuples and dicts that are assigned to one. Code may keep
layers and variables in an object of its own as well, or add them to a list that is there already.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from buildtrace.capture.libraries import is_library

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from buildtrace.generations import Adapter

_MOST = 1000
"""So many things are looked at of one layer."""

_DEEPEST = 4
"""So far from the layer: `self.tools[0].inner` is 3 steps from it."""

_BOOKKEEPING = ("_self_", "_obj_reference_counts", "_tf_")
"""How TensorFlow's own attributes begin, where all of a layer's things are once more."""

_OF_TORCH = ("_parameters", "_modules")
"""Where Torch has the attributes of its kinds."""


class Reached(NamedTuple):
    """A layer or a variable that attributes lead to.

    Attributes:
        way: how code names it, without `self.`: "tools[0].inner".
        thing: it.
        kind: which of the kinds of variables it is; "" if it is a layer.
    """

    way: str
    thing: Any
    kind: str


def reachable(layer: Any, adapter: Adapter) -> Iterator[Reached]:
    """The layers and variables that the layer's attributes lead to; none behind another layer."""
    todo = [(name, value, 1) for name, value in _attributes(layer)]
    seen: set[int] = {id(layer)}
    while todo and len(seen) < _MOST:
        way, value, depth = todo.pop(0)
        if isinstance(value, (str, int, float, type(None))) or id(value) in seen:
            continue
        seen.add(id(value))
        kind = adapter.kind_of_variable(value)
        if kind or isinstance(value, adapter.layer_class):
            yield Reached(way, value, kind)
        elif depth < _DEEPEST:
            todo += [(f"{way}{step}", part, depth + 1) for step, part in _parts(value)]


def _attributes(thing: Any) -> Iterable[tuple[str, Any]]:
    """The attributes of a layer, those that its code is most likely to use first."""
    held = dict(vars(thing))
    for name in _OF_TORCH:
        own = held.pop(name, None)
        held |= own if isinstance(own, dict) else {}
    known = [(name, value) for name, value in held.items() if not name.startswith(_BOOKKEEPING)]
    return sorted(known, key=lambda attribute: attribute[0].startswith("_"))


def _parts(value: Any) -> list[tuple[str, Any]]:
    """What is in a container or in an object of the user's, and how code gets at it."""
    if isinstance(value, (list, tuple)):
        return [(f"[{place}]", part) for place, part in enumerate(value[:_MOST])]
    if isinstance(value, dict):
        pairs = list(value.items())[:_MOST]
        return [(f"[{key!r}]", part) for key, part in pairs if isinstance(key, (str, int))]
    if isinstance(value, (set, frozenset)):
        return [("", part) for part in value]
    if _is_users(type(value)):
        return [(f".{name}", part) for name, part in _attributes(value)]
    return []


def _is_users(cls: type) -> bool:
    """Whether instances of a class may be looked into: it is no library's, and has attributes."""
    module = sys.modules.get(cls.__module__)
    if module is None or not getattr(cls, "__dictoffset__", 0) or issubclass(cls, type):
        return False
    file = getattr(module, "__file__", None)
    return cls.__module__ == "__main__" if file is None else not is_library(file)
