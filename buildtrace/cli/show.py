"""`buildtrace TRACE.json`: show a saved trace again, or turn it into other files."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from buildtrace.cli.request import Request


def show(path: str, request: Request) -> int:
    """Show a trace file; returns the exit code.

    With `-o` or `--open` and no view asked for, the files or the page are all of it.

    Raises:
        TraceFileError: the file is no trace, is damaged, or is of a newer version.
    """
    from buildtrace.cli.attempts import Attempts
    from buildtrace.cli.report import deliver
    from buildtrace.traces.trace_file import load

    trace = load(path)
    shown = request.view_asked or not (request.outputs or request.folders or request.open)
    attempts = Attempts()
    deliver(trace, request._replace(view_asked=True), attempts, show=shown)
    attempts.end()
    return int(attempts.failed or attempts.empty)
