"""What of Keras is not as Keras made it."""

from __future__ import annotations

import gc
import os
import sys
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import buildtrace
from buildtrace.capture.hooks import FILE, MethodHook

PACKAGES = ("keras", "tf_keras")
OURS = (str(Path(buildtrace.__file__).parent) + os.sep, FILE)
"""How the files of buildtrace's code begin, and what the code of hooks claims to be from."""


def keras_modules() -> list[ModuleType]:
    """Every module of Keras in the process, and what stands for `tf.keras`."""
    found = [
        module
        for name, module in list(sys.modules.items())
        if name.partition(".")[0] in PACKAGES and isinstance(module, ModuleType)
    ]
    tensorflow = sys.modules.get("tensorflow")
    lazy = [vars(tensorflow).get(name) for name in ("keras", "_keras")] if tensorflow else []
    return found + [module for module in lazy if isinstance(module, ModuleType)]


def hookable(value: object) -> bool:
    """What a patch could replace: functions, methods, properties, classes, other callables."""
    return callable(value) or isinstance(value, (classmethod, staticmethod, property))


def keras_classes(modules: list[ModuleType]) -> list[type]:
    """Every class in these modules, and every class that users derived from one of them."""
    found: dict[int, type] = {}
    todo = [v for module in modules for v in list(vars(module).values()) if isinstance(v, type)]
    todo = [c for c in todo if str(c.__module__).partition(".")[0] in PACKAGES]
    while todo:
        cls = todo.pop()
        if id(cls) not in found:
            found[id(cls)] = cls
            todo.extend(type.__subclasses__(cls))
    return list(found.values())


def snapshot() -> dict[tuple[str, int, str], tuple[object, object]]:
    """All that could be patched: (kind, owner, attribute) → (owner, value), held by identity."""
    modules = keras_modules()
    taken: dict[tuple[str, int, str], tuple[object, object]] = {}
    for kind, owners in (("module", modules), ("class", keras_classes(modules))):
        for owner in owners:
            for name, value in list(vars(owner).items()):
                if hookable(value):
                    taken[kind, id(owner), name] = (owner, value)
    return taken


def is_ours(value: object) -> bool:
    """Whether this is a function, or a method in a class's dictionary, of buildtrace's making."""
    if isinstance(value, (classmethod, staticmethod)):
        value = value.__func__
    if type(value) is MethodHook:
        return True
    # No getattr on anything else: Keras has lazy modules that import what is not installed.
    return isinstance(value, FunctionType) and value.__code__.co_filename.startswith(OURS)


def patched_since(before: dict[tuple[str, int, str], tuple[object, object]]) -> list[str]:
    """What is not as it was, and what is new and of buildtrace's making."""
    problems = []
    after = snapshot()
    known = {owner for _, owner, _ in before}
    for key, (owner, value) in before.items():
        now = after.get(key, (None, None))[1]
        if now is not value:
            problems.append(f"{owner!r}.{key[2]} was {value!r}, is {now!r}")
    for key, (owner, value) in after.items():
        if key not in before:
            if is_ours(value):
                problems.append(f"{owner!r}.{key[2]} is new: {value!r}")
            elif key[2] == "__init_subclass__" and key[1] in known:
                problems.append(f"{owner!r}.__init_subclass__ is new")
    return problems


def live_wrappers() -> list[Any]:
    """Functions in the process whose code is buildtrace's but whose name is Keras'."""
    return [
        f
        for f in gc.get_objects()
        if is_ours(f) and str(f.__module__).partition(".")[0] in PACKAGES
    ]
