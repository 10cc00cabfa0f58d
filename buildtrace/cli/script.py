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
import runpy
import sys
import threading
import types
from importlib.machinery import BuiltinImporter, SourceFileLoader, SourcelessFileLoader
from pathlib import Path
from typing import TYPE_CHECKING, Any

from buildtrace.cli.verbs import INTERRUPTED
from buildtrace.errors import UsageError

if TYPE_CHECKING:
    from buildtrace.cli.program import Program


class NoProgramError(UsageError):
    """There is nothing that `-m` could run. A class of its own: programs raise UsageErrors, too."""


def prepare(program: Program) -> None:
    """Set `sys.argv` and `sys.path[0]` as `python` does before it looks at the program.

    Raises:
        NoProgramError: there is no such module.
    """
    sys.argv[:] = ["-m" if program.is_module else program.target, *program.arguments]
    if getattr(sys.flags, "safe_path", False):
        if program.is_application:  # what it consists of has to be found, safe or not
            sys.path.insert(0, _absolute(program.target))
    else:
        sys.path[0] = _first_path(program)
    if program.is_module:
        _check_module(program.target)


def _first_path(program: Program) -> str:
    if program.is_module:
        return str(Path.cwd())
    if program.is_stdin:
        return ""
    if program.is_application:
        return _absolute(program.target)
    try:
        return str(Path(program.target).resolve(strict=True).parent)
    except OSError:  # the shell's `<(...)`: a link to a pipe, which is in no folder
        return str(Path(program.target).parent)


def execute(program: Program) -> None:
    """Load and run the program; whatever it raises comes out of here."""
    main = sys.modules["__main__"] = _main_module()
    if program.is_module:
        _run_module(program.target, alter_argv=True)
    elif program.is_application:
        _run_module("__main__", alter_argv=False)
    else:
        code, main.__file__, main.__loader__ = _load(program)
        main.__cached__ = None  # type: ignore[attr-defined]
        exec(code, main.__dict__)


def _run_module(name: str, *, alter_argv: bool) -> None:
    """Call what `python` itself calls for modules, folders and archives."""
    private: Any = runpy
    try:
        private._run_module_as_main(name, alter_argv)
    except SystemExit as end:
        if type(end.__context__) is private._Error:  # it did not come to run anything
            raise NoProgramError(f"-m {name}: {end.__context__}") from None
        raise


def _main_module() -> types.ModuleType:
    """A fresh `__main__`, as `python` makes it before it knows what it runs."""
    main = types.ModuleType("__main__")
    main.__loader__ = BuiltinImporter
    if sys.version_info < (3, 14):
        main.__annotations__ = {}
    main.__builtins__ = builtins  # type: ignore[attr-defined]
    return main


def _load(program: Program) -> tuple[types.CodeType, str, Any]:
    """The code of a script, its `__file__` and its loader."""
    if program.is_stdin:
        return _compiled(sys.stdin.buffer.read(), "<stdin>"), "<stdin>", BuiltinImporter
    path = _absolute(program.target)
    if program.is_compiled:
        loader = SourcelessFileLoader("__main__", path)
        code = loader.get_code("__main__")
        assert code is not None
        return code, path, loader
    with io.open_code(path) as file:
        code = _compiled(file.read(), path)
    return code, path, SourceFileLoader("__main__", path)


def _compiled(source: bytes, path: str) -> types.CodeType:
    code: types.CodeType = compile(source, path, "exec", dont_inherit=True)
    return code


def _absolute(target: str) -> str:
    return os.path.join(os.getcwd(), target)  # noqa: PTH109, PTH118 - keeps "./", as python does


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
