"""`buildtrace check SCRIPT.py`: run it, and list what is wrong with its builds as a linter does."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from buildtrace.cli.check_options import DIFF, TRY, build_parser, parse
from buildtrace.cli.streams import own_output, say, stdout_alone
from buildtrace.cli.verbs import USAGE_ERROR

if TYPE_CHECKING:
    from collections.abc import Sequence

    from buildtrace.cli.attempts import Attempts
    from buildtrace.cli.check_options import CheckRequest
    from buildtrace.cli.check_result import CheckResult
    from buildtrace.cli.run import Outcome
    from buildtrace.cli.trying import Workshop

__all__ = ["build_parser", "main"]


def main(arguments: Sequence[str]) -> int:
    """Check what the arguments name; returns the exit code.

    Raises:
        BuildtraceError: it could not be run.
        KeyboardInterrupt: it was interrupted.
    """
    request = parse(arguments)
    if request.migrate:
        return _migrate(request)
    if request.several is not None:
        from buildtrace.cli.repository.check_several import check_several

        return check_several(request)
    from buildtrace.cli.mending import workshop  # not before: --help has ended here

    runs = not request.program.is_trace
    from buildtrace.cli.baseline import beside
    from buildtrace.cli.run import explain_end, original_streams, traced

    folder, stderr = Path.cwd(), sys.stderr
    is_text = request.format == "text" and request.trial != DIFF
    stdout = sys.stdout if is_text else stdout_alone(divert=runs)
    with workshop(request, folder) as shop:
        outcome = traced(request.program) if runs else _loaded(request.program.target)
        with original_streams(stdout, stderr):
            if runs:
                explain_end(
                    outcome, request.program.keras, "check", "--train goes on and checks the rest"
                )
            result = beside(request.baseline, [_result(request, outcome, folder)])[0]
            if shop is not None:
                result = _mended(result, shop, request, outcome.attempts)
            _deliver(result, request, outcome.attempts)
    outcome.end()
    return _exit_code(result, request, failed=outcome.attempts.failed)


def _mended(
    result: CheckResult, shop: Workshop, request: CheckRequest, attempts: Attempts
) -> CheckResult:
    """What is found, with what came of trying the remedies, and without what is mended then."""
    from buildtrace.cli.mending import mended, tried

    result = tried(result, shop, attempts)
    if request.trial != TRY and not attempts.interrupted:
        with attempts.attempt("nothing is changed"):
            return mended(result, shop, request)
    return result


def _exit_code(result: CheckResult, request: CheckRequest, *, failed: bool) -> int:
    from buildtrace.cli.check_result import FOUND

    if failed:
        return FOUND if result.kept.problems else USAGE_ERROR
    if request.trial == DIFF and (result.fixed or result.kept.findings):
        return FOUND if result.fixed else 0
    if result.kept.problems or result.still_fails:
        return FOUND
    return 0 if result.is_fine else USAGE_ERROR


def _migrate(request: CheckRequest) -> int:
    """Read what the request names, and run nothing of it."""
    from buildtrace.cli.attempts import Attempts
    from buildtrace.cli.baseline import beside
    from buildtrace.cli.check_result import FOUND
    from buildtrace.cli.migrate import migrated

    result, attempts = beside(request.baseline, [migrated(request)])[0], Attempts()
    _deliver(result, request, attempts)
    attempts.end()
    if result.kept.problems:
        return FOUND
    return 0 if result.complete and not attempts.failed else USAGE_ERROR


def _loaded(target: str) -> Outcome:
    """A saved trace, as if its program had just run."""
    from buildtrace.cli.attempts import Attempts
    from buildtrace.cli.run import Outcome
    from buildtrace.traces import wording
    from buildtrace.traces.trace_file import load

    trace = load(target)
    if trace.error is not None:
        say(wording.sanitize_long(f"the program failed: {wording.error(trace.error)}"))
    return Outcome(trace, None, 0 if trace.error is None else 1, Attempts())


def _result(request: CheckRequest, outcome: Outcome, folder: Path) -> CheckResult:
    from buildtrace.capture import TrainingReached
    from buildtrace.capture.raised import error_info
    from buildtrace.cli.check_result import CheckResult, findings_of
    from buildtrace.diagnosis import suppress

    error = outcome.error
    return CheckResult(
        kept=suppress.keep(
            findings_of(outcome.trace), outcome.trace.index.source_code, request.settings
        ),
        trace=outcome.trace,
        folder=folder,
        target=request.program.target,
        concise=request.concise,
        complete=outcome.code == 0,
        stopped=isinstance(error, TrainingReached),
        exit=error_info(error) if isinstance(error, SystemExit) else None,
    )


def _deliver(result: CheckResult, request: CheckRequest, attempts: Attempts) -> None:
    """Print what was found, and write each file that can be."""
    if request.trial != DIFF:
        with attempts.attempt("the findings are not printed to their end"):
            _print(result, request.format)
    for path, form in request.files.items():
        with attempts.attempt(f"{path} is not written"):
            _write(result, path, form)


def _write(result: CheckResult, path: Path, form: str) -> None:
    from buildtrace.cli.check_formats import FORMATS
    from buildtrace.renderers import write

    write(path, FORMATS[form].render(result))
    say(f"wrote {path}")


def _print(result: CheckResult, form: str) -> None:
    from buildtrace.cli.check_formats import FORMATS, text_lines

    if form != "text":
        with own_output(sys.stdout) as stdout:
            stdout.write(FORMATS[form].render(result))
        return
    from buildtrace.cli.console import own_console
    from buildtrace.renderers.text.lines import Lines

    with own_console(sys.stdout) as console:
        Lines(lambda width: text_lines(result, width)).stream(console)
