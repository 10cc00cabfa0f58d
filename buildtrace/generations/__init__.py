"""The generations of Keras that buildtrace knows: one folder and one row here for each."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from typing import TYPE_CHECKING

from buildtrace.generations.base import Adapter, Generation, Landmark, Scope, version_number
from buildtrace.generations.keras2 import KERAS2
from buildtrace.generations.keras3 import KERAS3

if TYPE_CHECKING:
    from types import ModuleType

    from buildtrace.traces.schema import KerasInfo

__all__ = [
    "GENERATIONS",
    "Adapter",
    "Generation",
    "Landmark",
    "Scope",
    "adapter_for",
    "installed",
]

GENERATIONS: tuple[Generation, ...] = (KERAS2, KERAS3)

PACKAGES: tuple[str, ...] = tuple(
    dict.fromkeys(package for generation in GENERATIONS for package in generation.packages)
)
"""Every top-level package that can be a Keras."""


def generation_of(package: str, version: str) -> Generation:
    """The generation of a package of this version: the package `keras` has been of both."""
    if package != "keras":
        return KERAS2
    return KERAS3 if version_number(version) >= (3,) else KERAS2


def installed() -> list[KerasInfo]:
    """The Keras packages that are installed, without importing one."""
    # Slow to import, and `buildtrace --help` only wants the tables.
    import importlib.metadata

    from buildtrace.traces.schema import KerasInfo

    packages = []
    for package in PACKAGES:
        if importlib.util.find_spec(package) is None:
            continue
        try:
            version = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            version = "0"  # on the path, but not installed by a package manager
        generation = generation_of(package, version)
        packages.append(KerasInfo(generation=generation.name, package=package, version=version))
    return packages


def imported() -> list[str]:
    """The Keras packages whose import is complete."""
    return [package for package in PACKAGES if _is_complete(sys.modules.get(package))]


def _is_complete(module: ModuleType | None) -> bool:
    spec = getattr(module, "__spec__", None)
    return module is not None and not getattr(spec, "_initializing", False)


def adapter_for(package: str) -> tuple[Generation, Adapter]:
    """The generation of an imported Keras package, and the reader of its objects."""
    version = str(getattr(sys.modules[package], "__version__", "0"))
    generation = generation_of(package, version)
    module = importlib.import_module(f"buildtrace.generations.{generation.adapter}")
    adapter: Adapter = module.make_adapter(package, version)
    return generation, adapter
