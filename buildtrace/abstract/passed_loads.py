"""Loading of weights passed over: a build without memory needs no values, and has no place for any.

Put into Keras behind the hooks of a tracing, and taken out before them: on top of these.
"""

from __future__ import annotations

import functools
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from buildtrace import generations
from buildtrace.abstract.replacements import Replacement
from buildtrace.capture.imports import ImportWatch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_STATES = ("src.saving.saving_lib", "saving.saving_lib")
"""Where a package of Keras has what gives the layers of a loaded model their values."""


@contextmanager
def passed_loads() -> Iterator[list[str]]:
    """A block in which `load_weights` and `load_model` give no weight a value.

    What they do besides, such as building the model, they do.

    Yields:
        The files that were passed over, as they were named.
    """
    passed: list[str] = []
    done: list[Replacement] = []

    def add(package: str) -> None:
        done.extend(_replaced(package, passed))

    watch = ImportWatch(generations.PACKAGES, add)
    try:
        watch.start()
        for package in generations.imported():
            add(package)
        yield passed
    finally:
        watch.stop()
        for replacement in reversed(done):
            replacement.undo()


def _replaced(package: str, passed: list[str]) -> Iterator[Replacement]:
    """Put it into a package of Keras."""
    model = sys.modules[package].Model
    owner = next((c for c in model.__mro__ if "load_weights" in vars(c)), None)
    if owner is not None:
        yield _replacement(owner, "load_weights", functools.partial(_note, passed))
    for name in _STATES:
        module = sys.modules.get(f"{package}.{name}")
        if module is not None and hasattr(module, "_load_state"):
            yield _replacement(module, "_load_state", _nothing)


def _replacement(owner: Any, name: str, act: Callable[..., None]) -> Replacement:
    original = vars(owner)[name]

    @functools.wraps(original)
    def passes_over(*args: Any, **kwargs: Any) -> None:
        act(*args, **kwargs)

    replacement = Replacement(owner, name, original, passes_over)
    setattr(owner, name, passes_over)
    return replacement


def _nothing(*_: Any, **__: Any) -> None:
    """Leave the layers of a loaded model as they were made."""


def _note(passed: list[str], _model: Any, filepath: Any = "", *_: Any, **__: Any) -> None:
    """Note the file that values were to be loaded from."""
    try:
        name = str(Path(filepath))
    except TypeError:
        name = ""
    passed.append(name)
