"""Functions in the source of the installed Keras, found without importing it.

A trace that was loaded names modules, files and lines, and anybody may have written it. So what it
names is only shown if it is a function of Keras: the module lies in Keras' own folder, and has a
function of this name that begins on this line.
"""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from buildtrace.traces.definitions import block, functions

if TYPE_CHECKING:
    from buildtrace.traces.schema import Call

PACKAGES = ("keras", "tf_keras")

LONGEST_FILE = 4 * 2**20
"""Bytes: no module of Keras comes near."""


def is_of_keras(call: Call) -> bool:
    """Whether the function that ran is said to be one of Keras."""
    return call.module.partition(".")[0] in PACKAGES


def is_installed(call: Call) -> bool:
    """Whether the Keras that the function is said to be of is on this machine."""
    return bool(_folders(call.module.partition(".")[0]))


def function(call: Call) -> list[str]:
    """The lines of the function that ran, if the installed Keras has it at the same place."""
    if not is_of_keras(call) or (call.name, call.line) not in _places(call.module):
        return []
    return block([f"{line}\n" for line in _lines(call.module)], call.line)


@cache
def _places(module: str) -> frozenset[tuple[str, int]]:
    """The functions of a module of Keras: what each is called, and where it begins."""
    found = functions("\n".join(_lines(module)))
    return frozenset((definition.qualified, definition.begin) for definition in found)


@cache
def _lines(module: str) -> tuple[str, ...]:
    """The lines of a module of Keras; none if there is no such module."""
    package, *parts = module.split(".")
    if not all(part.isidentifier() for part in parts):
        return ()
    names = ("/".join([*parts, "__init__.py"]), "/".join(parts) + ".py")
    for path in (folder / name for folder in _folders(package) for name in names):
        if path.is_file() and path.stat().st_size <= LONGEST_FILE:
            return tuple(path.read_text(encoding="utf-8", errors="replace").split("\n"))
    return ()


@cache
def _folders(package: str) -> tuple[Path, ...]:
    """Where the package lies; nowhere if it is not installed."""
    try:
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError):
        return ()
    places = spec.submodule_search_locations if spec else None
    return tuple(map(Path, places or ()))
