"""`buildtrace TRACE.json` or `MODEL.keras`: show what a file holds, or turn it into other files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.errors import UsageError

if TYPE_CHECKING:
    from buildtrace.cli.program import Program
    from buildtrace.cli.request import Request
    from buildtrace.traces.trace import Trace


def show(program: Program, request: Request) -> int:
    """Show a trace file, or what a saved model's file holds; returns the exit code.

    With `-o` or `--open` and no view asked for, the files or the page are all of it.

    Raises:
        TraceFileError: the file is no trace, is damaged, or is of a newer version.
        SavedFileError: the file is no saved model, is damaged, or holds too much.
        UsageError: it has nothing of what is to be shown.
    """
    from buildtrace import renderers
    from buildtrace.cli.attempts import Attempts
    from buildtrace.cli.report import deliver

    trace = loaded(program)
    shown = request.view_asked or not (request.outputs or request.folders or request.open)
    formats = [renderers.renderer_for(path, request.format).name for path in request.outputs]
    renderers.check_shows(trace, request.options.views if shown else (), formats)
    if trace.saved and request.folders:
        raise UsageError(f"a saved file gets one page: -o {request.folders[0]}.html")
    attempts = Attempts()
    deliver(trace, request._replace(view_asked=True), attempts, show=shown)
    attempts.end()
    return int(attempts.failed or attempts.empty)


def loaded(program: Program) -> Trace:
    """What the file has in it.

    Raises:
        TraceFileError: the file is no trace, is damaged, or is of a newer version.
        SavedFileError: the file is no saved model, is damaged, or holds too much.
    """
    if program.is_saved:
        from buildtrace import files

        return files.load(program.target)
    from buildtrace.traces.trace_file import load

    return load(program.target)
