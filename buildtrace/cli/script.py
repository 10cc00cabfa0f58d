"""Run a script or a module as `python` would.

What the program can see of Python is what it would see without us: a `__main__` module of its
own, `sys.argv`, `sys.path[0]`, and tracebacks that begin in its own code.
"""

from __future__ import annotations

import builtins
import contextlib
import importlib.util
import io
import os
import sys
import threading
import types
from importlib.abc import InspectLoader
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import TYPE_CHECKING, Any

from buildtrace.cli.verbs import INTERRUPTED
from buildtrace.errors import UsageError

if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec

    from buildtrace.cli.program import Program


class NoProgramError(UsageError):
    """There is nothing that `-m` could run. A class of its own: programs raise UsageErrors, too."""


def prepare(program: Program) -> None:
    """Set `sys.argv` and `sys.path[0]` as `python` does before it looks at the program.

    Raises:
        NoProgramError: there is no such module.
    """
    sys.argv[:] = ["-m" if program.is_module else program.target, *program.arguments]
    if not getattr(sys.flags, "safe_path", False):
        folder = Path.cwd() if program.is_module else Path(program.target).resolve().parent
        sys.path[0] = str(folder)
    if program.is_module:
        _check_module(program.target)


def execute(program: Program) -> None:
    """Load and run the program; whatever it raises comes out of here."""
    if program.is_module:
        spec, code = _find_module(program.target)
        sys.argv[0] = spec.origin or program.target
        main = _main_module(spec.origin, spec)
    else:
        path = os.path.join(os.getcwd(), program.target)  # noqa: PTH109, PTH118 - keeps "./"
        with io.open_code(path) as file:
            code = compile(file.read(), path, "exec", dont_inherit=True)
        main = _main_module(path, None)
    sys.modules["__main__"] = main
    exec(code, main.__dict__)


def _main_module(path: str | None, spec: ModuleSpec | None) -> types.ModuleType:
    """A fresh `__main__` with the names that `python` puts into it."""
    main = types.ModuleType("__main__")
    names: dict[str, Any] = {
        "__loader__": SourceFileLoader("__main__", path or "") if spec is None else spec.loader,
        "__package__": None if spec is None else spec.parent,
        "__spec__": spec,
        "__annotations__": {},
        "__builtins__": builtins,
        "__file__": path,
        "__cached__": None if spec is None else spec.cached,
    }
    if sys.version_info >= (3, 14):
        del names["__annotations__"]
    main.__dict__.update(names)
    return main


def _check_module(name: str) -> None:
    """See that the module's first part exists, which can be known without running anything."""
    if name.endswith(".py") and Path(name).is_file():
        raise NoProgramError(f"-m takes a module's name: `-m {name.removesuffix('.py')}`")
    first = name.partition(".")[0]
    try:
        exists = importlib.util.find_spec(first) is not None
    except (ImportError, ValueError):
        exists = False
    if not exists:
        raise NoProgramError(f"there is no module {first}, neither here nor installed")


def _find_module(name: str) -> tuple[ModuleSpec, types.CodeType]:
    """The specification and the code of what `-m` runs; packages above it get imported."""
    parent = name.rpartition(".")[0]
    if parent:
        __import__(parent)
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError) as error:
        raise NoProgramError(f"cannot find the module {name}: {error}") from error
    if spec is not None and spec.submodule_search_locations is not None:
        if name.endswith(".__main__"):
            raise NoProgramError(f"{name} is a package: it cannot be run")
        __import__(name)
        return _find_module(f"{name}.__main__")
    loader = spec.loader if spec else None
    code = loader.get_code(name) if isinstance(loader, InspectLoader) else None
    if spec is None or code is None:
        missing = name.removesuffix(".__main__")
        what = "is a package without __main__.py" if missing != name else "does not exist"
        raise NoProgramError(f"cannot run {missing}: it {what}")
    return spec, code


def report_exception(error: BaseException) -> int:
    """Do what `python` does with an exception that nobody caught; returns the exit code."""
    if isinstance(error, SystemExit):
        return _exit_code(error.code)
    _without_us(error)
    sys.last_type, sys.last_value, sys.last_traceback = type(error), error, error.__traceback__
    sys.last_exc = error  # type: ignore[attr-defined, unused-ignore]  # from Python 3.12
    hook = getattr(sys, "excepthook", None)
    try:
        if hook is None:
            _write_error("sys.excepthook is missing\n")
            _display(error)
        else:
            hook(type(error), error, error.__traceback__)
    except SystemExit as end:
        return _exit_code(end.code)
    except BaseException as failure:  # a hook of the script's own may fail
        _without_us(failure)
        _write_error("Error in sys.excepthook:\n")
        _display(failure)
        _write_error("\nOriginal exception was:\n")
        _display(error)
    return INTERRUPTED if type(error) is KeyboardInterrupt else 1


def _display(error: BaseException) -> None:
    with contextlib.suppress(BaseException):
        sys.__excepthook__(type(error), error, error.__traceback__)


def _write_error(text: str) -> None:
    """Write to stderr, whatever the script has made of that."""
    try:
        sys.stderr.write(text)
    except BaseException:
        with contextlib.suppress(OSError):
            os.write(2, text.encode())


def _without_us(error: BaseException) -> None:
    """Give the exception, and those behind it, the tracebacks that they would have without us."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        current = waiting.pop()
        if current is not None and id(current) not in seen:
            seen.add(id(current))
            current.__traceback__ = _own_frames(current.__traceback__)
            waiting += [current.__cause__, current.__context__]


def _own_frames(traceback: types.TracebackType | None) -> types.TracebackType | None:
    """The traceback without our frames.

    They are at its head, where a hook called a landmark, and where an import is watched: there
    Python would have left out the frames of its import system, too.
    """
    frames: list[types.TracebackType] = []
    behind_us = True
    while traceback is not None:
        file = traceback.tb_frame.f_code.co_filename
        if _is_ours(file):
            while frames and _is_import_system(frames[-1].tb_frame.f_code.co_filename):
                frames.pop()
            behind_us = True
        elif not (behind_us and _is_import_system(file)):
            frames.append(traceback)
            behind_us = False
        traceback = traceback.tb_next
    for frame, following in zip(frames, [*frames[1:], None], strict=False):
        frame.tb_next = following
    return frames[0] if frames else None


def _is_ours(file: str) -> bool:
    from buildtrace.capture.hooks import FILE  # late: `--help` needs no capture

    path, package = Path(file), Path(__file__).parents[1]
    if file == FILE:
        return True
    return package in path.parents and package / "examples" not in path.parents


def _is_import_system(file: str) -> bool:
    return file.startswith("<frozen importlib")


def _exit_code(code: object) -> int:
    """The exit code of `sys.exit(code)`; a text is printed, as `python` does."""
    if code is None:
        return 0
    if isinstance(code, int):
        return int(code)
    stderr: Any = sys.__stderr__ if sys.stderr is None else sys.stderr
    with contextlib.suppress(BaseException):  # its `__str__` may raise anything
        stderr.write(str(code))
    _write_error("\n")
    return 1


def wait_for_threads() -> None:
    """Wait for the program's threads, as `python` does at its end, and as long.

    Joining them would not do: those of an executor end only when Python says that it is ending.
    """
    others = set(threading.enumerate()) - {threading.current_thread()}
    shutdown = getattr(threading, "_shutdown", None)  # what Python itself calls, and only once
    if shutdown is not None and not all(thread.daemon for thread in others):
        try:
            shutdown()
        except BaseException as error:  # Ctrl-C: Python waits no longer, and ends as it would have
            _without_us(error)
            _write_error(f"Exception ignored in: {threading}\n")
            _display(error)
