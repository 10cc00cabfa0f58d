"""See how a Keras model gets built: every call, weight and edge, on the real Keras.

PYTEST_DONT_REWRITE: the package has a plugin for pytest, which would otherwise warn wherever
buildtrace was imported before it, as in `buildtrace -m pytest`.
"""

from __future__ import annotations

TYPE_CHECKING = False  # not from typing: a start of Python with BUILDTRACE=1 takes as long again

if TYPE_CHECKING:
    from typing import Any

    from IPython.core.interactiveshell import InteractiveShell

    from buildtrace.abstract import abstract
    from buildtrace.capture import trace
    from buildtrace.traces.trace import Trace
    from buildtrace.traces.trace_file import load

__version__ = "0.1.0"

_PUBLIC = {
    "Trace": "buildtrace.traces.trace",
    "abstract": "buildtrace.abstract",
    "load": "buildtrace.traces.trace_file",
    "trace": "buildtrace.capture",
}

__all__ = ["Trace", "__version__", "abstract", "load", "trace"]


def __getattr__(name: str) -> Any:
    """Public names are imported when they are used: `buildtrace --help` needs none of them."""
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    value = globals()[name] = getattr(importlib.import_module(_PUBLIC[name]), name)
    return value


def __dir__() -> list[str]:
    return __all__


def load_ipython_extension(shell: InteractiveShell) -> None:
    """`%load_ext buildtrace`: have the magics `%buildtrace` and `%%buildtrace` in this shell."""
    from buildtrace.integrations.jupyter import load

    load(shell)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """`%unload_ext buildtrace`: leave the shell as it was."""
    from buildtrace.integrations.jupyter import unload

    unload(shell)
