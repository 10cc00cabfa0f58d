"""What this machine lacks for Keras, and what helps: said by `doctor`, and after a run."""

from __future__ import annotations

import json
import os
from pathlib import Path

from buildtrace.cli import environment
from buildtrace.generations import PACKAGES

BACKENDS = ("tensorflow", "jax", "torch")
"""What Keras 3 can compute with."""


def backend() -> str:
    """The backend that Keras 3 will take, by the same two places where it looks."""
    home = os.environ.get("KERAS_HOME") or Path("~/.keras").expanduser()
    try:
        configured = json.loads(Path(home, "keras.json").read_text()).get("backend")
    except (OSError, ValueError, AttributeError):
        configured = None
    return os.environ.get("KERAS_BACKEND") or str(configured or "tensorflow")


def no_backend() -> tuple[str, str] | None:
    """Why `import keras` fails, in the words of one line, and what helps; `None` if it need not."""
    there = [name for name in BACKENDS if environment.installed(name)]
    if not environment.installed("keras"):
        remedy = "pip install keras" if there else "pip install keras jax (or torch, or tensorflow)"
        return "Keras is not installed", remedy
    wanted = backend()
    if wanted in there or environment.major(environment.version("keras")) != 3:
        return None
    remedy = f"set KERAS_BACKEND={there[0]}" if there else f"pip install {wanted}"
    return f"the backend of Keras, {wanted}, is not installed", remedy


def why_not_imported(error: BaseException | None) -> str:
    """What a program lacks that ended for want of Keras, on one line; "" if it did not."""
    name = error.name if isinstance(error, ModuleNotFoundError) else None
    by_keras = name in BACKENDS and _is_of_keras(error)
    if name not in (*PACKAGES, "tensorflow") and not by_keras:
        return ""
    reason = no_backend() if by_keras or name == "keras" else None
    what, remedy = reason or (f"{name} is not installed", f"pip install {name}")
    return f"{what}: {remedy} (see `buildtrace doctor`)"


def _is_of_keras(error: BaseException | None) -> bool:
    """Whether an exception came out of Keras 3 itself, not out of the program."""
    traceback, module = error.__traceback__ if error else None, ""
    while traceback is not None:
        module = str(traceback.tb_frame.f_globals.get("__name__"))
        traceback = traceback.tb_next
    return module.partition(".")[0] == "keras"
