"""Finds the hooks that somebody took while they were in, and puts back what they stood for."""

from __future__ import annotations

import gc
import inspect
import sys
from types import CellType
from typing import Any


def replace_held(functions: dict[Any, Any]) -> None:
    """Hooks that somebody took while they were in, under whatever name.

    `keras.layers.deserialize` enters some in a table, a class's body or a closure may hold one.

    Args:
        functions: what each hook stood for.
    """
    # Who else holds one is slow to find: known are the dict, the list, the loop and the call.
    held = [hook for hook in list(functions) if sys.getrefcount(hook) > 4]
    for holder in gc.get_referrers(*held) if held else ():
        if type(holder) is dict and holder is not functions:
            owner = _class_of(holder)
            for key, value in list(holder.items()):
                if inspect.isfunction(value) and value in functions:
                    if owner is None:
                        holder[key] = functions[value]
                    else:
                        setattr(owner, key, functions[value])
        elif type(holder) is CellType:
            holder.cell_contents = functions[holder.cell_contents]


def _class_of(names: dict[str, Any]) -> type | None:
    """The class whose names these are: Python must be told when one of them changes."""
    for holder in gc.get_referrers(names):
        if isinstance(holder, type) and "__module__" in names:
            return holder
    return None
