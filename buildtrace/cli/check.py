"""`buildtrace check SCRIPT.py`: run it, and list what is wrong with its builds as a linter does."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from buildtrace.cli import INTERRUPTED, USAGE_ERROR, say, tolerate
from buildtrace.errors import BuildtraceError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from buildtrace.cli.check_formats import Report
    from buildtrace.cli.check_options import CheckRequest
    from buildtrace.cli.run import Ended
    from buildtrace.traces.schema import Finding
    from buildtrace.traces.trace import Trace

FOUND = 1
"""The exit code if there is a finding that is more than a note."""


def main(arguments: Sequence[str]) -> int:
    """Check what the arguments name; returns the exit code.

    Raises:
        BuildtraceError: it could not be run.
    """
    from buildtrace.cli.check_options import parse

    request = parse(arguments)
    runs = not request.program.is_trace
    from buildtrace.cli.run import explain_end, streams, traced

    folder, stderr = Path.cwd(), sys.stderr
    stdout = sys.stdout if request.format == "text" else _stdout_alone(divert=runs)
    ended = traced(request.program) if runs else _loaded(request.program.target)
    with streams(stdout, stderr):
        if runs:
            explain_end(
                ended, request.program.keras, "check", "--train goes on and checks the rest"
            )
        report = _report(request, ended, folder)
        done = _deliver(report, request)
    if ended.code == INTERRUPTED:
        return INTERRUPTED
    if report.kept.problems:
        return FOUND
    return 0 if done and report.complete else USAGE_ERROR


def _stdout_alone(*, divert: bool) -> TextIO | None:
    """A stdout of our own, for what programs are to read.

    Args:
        divert: send all else that is written to stdout from now on to stderr, to the very end:
            the script may have registered something for then.
    """
    try:
        sys.stdout.flush()
        alone = os.fdopen(os.dup(1), "w", encoding="utf-8", newline="\n")
        if divert:
            os.dup2(2, 1)
    except (OSError, ValueError, AttributeError):
        return sys.stdout  # closed, or none at all
    return alone


def _loaded(target: str) -> Ended:
    """A saved trace, as if its program had just run."""
    from buildtrace.cli.run import Ended
    from buildtrace.traces import wording
    from buildtrace.traces.trace_file import load

    trace = load(target)
    if trace.error is not None:
        say(wording.sanitize_long(f"the program failed: {wording.error(trace.error)}"))
    return Ended(trace, None, 0 if trace.error is None else 1)


def _report(request: CheckRequest, ended: Ended, folder: Path) -> Report:
    from buildtrace.cli.check_formats import Report
    from buildtrace.diagnosis import suppress

    return Report(
        kept=suppress.keep(_findings(ended.trace), request.settings),
        trace=ended.trace,
        folder=folder,
        target=request.program.target,
        concise=request.concise,
        complete=ended.code == 0,
    )


def _findings(trace: Trace) -> tuple[Finding, ...]:
    """What the rules of today say: a saved trace may be older than they are.

    Raises:
        BuildtraceError: they failed, so that nothing found would mean nothing.
    """
    from buildtrace import diagnosis

    try:
        return diagnosis.diagnose(trace)
    except Exception as error:
        raise BuildtraceError(f"the diagnosis itself failed: {error!r}") from error


def _deliver(report: Report, request: CheckRequest) -> bool:
    """Write what was found; returns whether all of it could be written."""
    _print(report, request.format)
    written = [_write(report, path, form) for path, form in request.files.items()]
    return all(written)


def _write(report: Report, path: Path, form: str) -> bool:
    from buildtrace.cli.check_formats import FORMATS

    try:
        path.write_text(FORMATS[form].render(report), encoding="utf-8", newline="\n")
    except OSError as error:
        say(f"error: cannot write {path}: {error.strerror or error}")
        return False
    say(f"wrote {path}")
    return True


def _print(report: Report, form: str) -> None:
    from buildtrace.cli.check_formats import FORMATS, text_lines

    if sys.stdout is None or sys.stdout.closed:
        return
    if form == "text":
        from rich.console import Console

        from buildtrace.renderers.text.lines import Lines

        tolerate(sys.stdout)
        Lines(lambda _: text_lines(report)).stream(Console(file=sys.stdout))
    else:
        sys.stdout.write(FORMATS[form].render(report))
    sys.stdout.flush()
