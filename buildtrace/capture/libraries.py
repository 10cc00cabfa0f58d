"""Tells the files of libraries from the user's own: is a line one that the user can mend?

A library may lie anywhere: in a virtual environment, in the user's own site folder, in a folder
that PYTHONPATH or a `.pth` file names, or in a checkout. And a project of the user's may lie below
a folder that is called like those of libraries.
"""

# ruff: noqa: PTH100, PTH110, PTH117, PTH118, PTH119, PTH120, PTH208
# Names of files are text here: there are thousands, to be compared by the rules of a system.

from __future__ import annotations

import os
import sys
import sysconfig
from functools import lru_cache
from os import path
from typing import TYPE_CHECKING, TypeAlias

from buildtrace.generations import PACKAGES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    Form: TypeAlias = "Callable[[str], str]"
    """Makes a path comparable: as it is named, or where that leads to."""

BELOW_KERAS = (
    *("tensorflow", "jax", "jaxlib", "flax", "torch", "openvino"),
    *("numpy", "h5py", "ml_dtypes", "optree", "wrapt", "absl"),
)
"""Packages that Keras runs on."""

_WITHOUT_FILE = ("<frozen", "<__array_function__")
"""How the names of code of libraries begin that is in no file: of Python, and of older NumPy."""

LIBRARIES = (
    *PACKAGES,
    *("keras_hub", "keras_nlp", "keras_cv", "keras_tuner"),
    *("tensorflow_hub", "tensorflow_probability", "tensorflow_text"),
    *BELOW_KERAS,
)
"""Packages that are libraries wherever they were imported from: Keras, and what it runs on."""

SITE_FOLDERS = ("site-packages", "dist-packages")
"""What the folders that packages are installed into are mostly called."""

_OURS = path.dirname(path.dirname(path.abspath(__file__)))
_EXAMPLES = path.join(_OURS, "examples")  # the user's code, as far as the reader is concerned
_INSTALLED = (
    path.dirname(path.abspath(os.__file__)),  # the standard library; it may be an archive
    *{sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")},
)
_MOSTLY = tuple(path.join(folder, "") for folder in _INSTALLED)
"""What the names of most files begin with, so that nothing more need be asked of them."""


def is_library(file: str) -> bool:
    """Whether code of this file is Python's, a library's or ours, not the user's own.

    To be asked when the code runs, or later: until then a library may not have been imported.
    """
    if not path.isabs(file):  # "<stdin>" or a notebook's cell; Python's own are "<frozen …>"
        return _is_without_file(file)
    if file == _script():
        return False
    if file.startswith(_MOSTLY) and not file.startswith(_OURS):
        return True
    named = _named(file)
    if _is_in(named, [_named(_OURS)]):  # which may be installed, or not
        return not _is_in(named, [_named(_EXAMPLES)])
    return _is_of_library(named, _named) or _is_of_library(_resolved(file), _resolved)


def is_below_keras(file: str) -> bool:
    """Whether code of this file is Python's own, ours, or of a package that Keras runs on."""
    if not path.isabs(file):
        return _is_without_file(file)
    if _is_in(_named(file), [_named(_OURS)]):
        return True
    if _is_in(_named(file), [_named(_INSTALLED[0])]) and not _site_folder(file):
        return True
    return any(
        _is_in(form(file), map(form, _imported_from(BELOW_KERAS))) for form in (_named, _resolved)
    )


def _is_without_file(file: str) -> bool:
    """Whether it is the name of a library's code that is in no file, or in none that came with it.

    Cython calls code by the file that it was compiled from, as it lay there: "h5py/h5f.pyx".
    """
    return file.startswith(_WITHOUT_FILE) or (file.endswith(".pyx") and not path.exists(file))


def _script() -> str | None:
    """The file that python was told to run; `None` for a module that it was told to run."""
    main = getattr(sys.modules.get("__main__"), "__dict__", {})
    return main.get("__file__") if main.get("__spec__") is None else None


def _is_of_library(file: str, form: Form) -> bool:
    folders = (*_INSTALLED, *_imported_from(LIBRARIES))
    return _is_in(file, map(form, folders)) or _is_in_site_folder(file, form)


def _imported_from(packages: Iterable[str]) -> Iterator[str]:
    """The folders, or single files, of those packages that were imported."""
    for name in packages:
        module = getattr(sys.modules.get(name), "__dict__", {})
        folders = module.get("__path__") or [module.get("__file__")]
        yield from (folder for folder in folders if isinstance(folder, str))


def _is_in_site_folder(file: str, form: Form) -> bool:
    """Whether it lies where packages are installed: by the folder's name, or by what is in it."""
    roots = {form(entry) for entry in sys.path if isinstance(entry, str) and path.isabs(entry)}
    nearest = max((root for root in roots if _is_in(file, [root])), key=len, default="")
    site = _site_folder(file)
    if site:
        # What is below it is a project of the user's, if it is imported from there and not from
        # the folder of that name.
        return site in roots or not _is_in(nearest, [site])
    own = path.dirname(_script() or "")
    return nearest not in ("", form(own)) and _holds_distributions(nearest)


def _site_folder(file: str) -> str:
    """The innermost folder around the file that is called like one for libraries, or ""."""
    folder = path.dirname(file)
    while path.basename(folder):
        if path.basename(folder) in SITE_FOLDERS:
            return folder
        folder = path.dirname(folder)
    return ""


@lru_cache(maxsize=256)
def _holds_distributions(folder: str) -> bool:
    """Whether pip has installed anything into this folder, as with `--target`."""
    try:
        return any(name.endswith(".dist-info") for name in os.listdir(folder))
    except OSError:  # an archive, or nothing that there is
        return False


def _is_in(file: str, folders: Iterable[str]) -> bool:
    """Whether it is one of these, or lies in one."""
    return any(file == folder or file.startswith(path.join(folder, "")) for folder in folders)


@lru_cache(maxsize=4096)
def _named(file: str) -> str:
    return path.normcase(path.normpath(file))


@lru_cache(maxsize=4096)
def _resolved(file: str) -> str:
    try:
        return path.normcase(path.realpath(file))
    except (OSError, ValueError):  # no system has a file with a zero in its name
        return _named(file)
