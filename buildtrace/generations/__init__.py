"""The generations of Keras that buildtrace knows: one folder and one row here for each."""

from __future__ import annotations

import importlib
import importlib.util
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from buildtrace.generations.base import (
    BEATS,
    Adapter,
    Generation,
    Landmark,
    Scope,
    version_number,
)
from buildtrace.generations.keras2 import KERAS2
from buildtrace.generations.keras3 import KERAS3

if TYPE_CHECKING:
    from types import ModuleType

    from buildtrace.generations.saver import Saver
    from buildtrace.traces.schema import KerasInfo

__all__ = [
    "BEATS",
    "GENERATIONS",
    "Adapter",
    "Generation",
    "Landmark",
    "Scope",
    "adapter_for",
    "installed",
    "package_of",
    "saver_for",
    "version_of",
]

GENERATIONS: tuple[Generation, ...] = (KERAS2, KERAS3)

PACKAGES: tuple[str, ...] = tuple(
    dict.fromkeys(package for generation in GENERATIONS for package in generation.packages)
)
"""Every top-level package that can be a Keras."""


_VERSION = re.compile(r"""^__version__ = ["']([^"']+)""", re.MULTILINE)


def generation_of(package: str, version: str) -> Generation:
    """The generation of a package of this version: the package `keras` has been of both."""
    if package != "keras":
        return KERAS2
    return KERAS3 if version_number(version) >= (3,) else KERAS2


def installed() -> list[KerasInfo]:
    """The Keras packages that are installed, without importing one."""
    # Slow to import, and `buildtrace --help` only wants the tables.
    from buildtrace.traces.schema import KerasInfo

    packages = []
    for package in PACKAGES:
        version = version_of(package)
        if version is not None:
            generation = generation_of(package, version)
            packages.append(KerasInfo(generation=generation.name, package=package, version=version))
    return packages


def version_of(package: str) -> str | None:
    """The version of a Keras package, without importing it; `None` if there is none.

    It is read from the source that would be imported. What pip has installed says nothing of a
    checkout on the path, which comes before that or stands alone.
    """
    spec = importlib.util.find_spec(package)
    for folder in (spec and spec.submodule_search_locations) or ():
        for file in (Path(folder, "src", "version.py"), Path(folder, "__init__.py")):
            written = _VERSION.search(file.read_text("utf-8")) if file.is_file() else None
            if written:
                return written[1]
    if spec is None:
        return None
    from importlib import metadata  # slow, and seldom needed: for a Keras in an archive

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "0"


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


def package_of(thing: object) -> str | None:
    """The imported Keras package that an object's class comes from; `None` if from none."""
    packages = {cls.__module__.partition(".")[0] for cls in type(thing).__mro__}
    return next((package for package in imported() if package in packages), None)


def saver_for(adapter: Adapter) -> Saver:
    """What saves and loads the models of an adapter's package."""
    module = importlib.import_module(f"buildtrace.generations.{adapter.generation}.saving")
    saver: Saver = module.make_saver(adapter)
    return saver
