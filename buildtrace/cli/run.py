"""`buildtrace SCRIPT.py` and `buildtrace -m MODULE`: run it, then show what was built."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, NamedTuple

from buildtrace.capture import TrainingReached, dry_fits
from buildtrace.cli import environment, missing_keras
from buildtrace.cli.attempts import Attempts
from buildtrace.cli.progress import Progress, WatchedTracing
from buildtrace.cli.report import deliver
from buildtrace.cli.script import (
    NoProgramError,
    execute,
    prepare,
    report_exception,
    wait_for_threads,
)
from buildtrace.cli.streams import say
from buildtrace.cli.verbs import INTERRUPTED, SKIP
from buildtrace.cli.worker_run import WorkerRun
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from typing import TextIO

    from buildtrace.cli.program import Program
    from buildtrace.cli.request import Request
    from buildtrace.traces.trace import Trace


class Outcome(NamedTuple):
    """How the run of a program ended.

    Attributes:
        trace: what was recorded.
        error: what the program raised, if anything.
        code: its exit code.
        attempts: how well its trace could be made.
        skipped: how often it went on behind a `fit` that did not train.
    """

    trace: Trace
    error: BaseException | None
    code: int
    attempts: Attempts
    skipped: int = 0

    def end(self) -> None:
        """Pass on an interrupt that nobody caught, now that all that could be done is done.

        Raises:
            KeyboardInterrupt: there was one, in the program or later.
        """
        if type(self.error) is KeyboardInterrupt and self.code == INTERRUPTED:
            raise self.error
        self.attempts.end()


def run(program: Program, request: Request) -> int:
    """Run the program under tracing and report; returns the program's exit code.

    That is 1 instead of 0 if a file is missing in the end that was asked for. A picture is not, if
    no model was built.

    Raises:
        NoProgramError: there is no such module.
        MissingPackageError: the wanted Keras is not installed.
        KeyboardInterrupt: the program or the report was interrupted.
    """
    stdout, stderr = sys.stdout, sys.stderr
    worker = WorkerRun.of(request)
    outcome = traced(program, worker)
    with original_streams(stdout, stderr):
        explain_end(outcome, program.keras)
        show = bool(outcome.trace.calls or outcome.trace.findings)
        deliver(outcome.trace, request, outcome.attempts, show=show, needed=False)
        if worker is not None:
            worker.end()
    outcome.end()
    return outcome.code or int(outcome.attempts.failed)


@contextlib.contextmanager
def original_streams(stdout: TextIO | None, stderr: TextIO | None) -> Iterator[None]:
    """Write to these, those of the start: the script may have put others in their place."""
    with contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
        yield


def traced(program: Program, worker: WorkerRun | None = None) -> Outcome:
    """Run the program under tracing, and show how it ended as `python` does.

    Args:
        program: what is run.
        worker: what it leaves if it is one of several processes, and does not come to its end.

    Raises:
        NoProgramError: there is no such module.
        MissingPackageError: the wanted Keras is not installed.
    """
    prepare(program)
    environment.choose_keras(program.keras)
    environment.quiet_tensorflow()
    tracing = WatchedTracing(worker.journal if worker else None)
    guarded = worker.guarded(tracing) if worker else contextlib.nullcontext()
    dry = dry_fits(goes_on=program.no_train == SKIP) if program.no_train else None
    tracing.start()
    try:
        with (
            guarded,
            _abstract(program),
            Progress(tracing, sys.stderr),
            dry or contextlib.nullcontext() as fits,
        ):
            error = _run(program, tracing)
            code = _report_end(error)
            wait_for_threads()
    finally:
        attempts = _stop(tracing)
    return Outcome(tracing.trace, error, code, attempts, fits.count if fits else 0)


def _abstract(program: Program) -> AbstractContextManager[object]:
    """What the program runs in, if its weights are to take no memory."""
    if not program.abstract:
        return contextlib.nullcontext()
    from buildtrace.abstract import abstract  # seldom needed

    return abstract()


def _stop(tracing: WatchedTracing) -> Attempts:
    """Have the trace made."""
    attempts = Attempts()
    with attempts.attempt("the trace is not whole", needed=False):
        try:
            tracing.stop()
        except KeyboardInterrupt:
            tracing.stop()  # what was recorded is not lost for that
            raise
    return attempts


def _run(program: Program, tracing: WatchedTracing) -> BaseException | None:
    """Run the program; returns what it raised."""
    try:
        execute(program)
    except NoProgramError:
        raise
    except TrainingReached as end:  # an end, but no error
        return end
    except SystemExit as end:
        if (cause := _given_up_for(end)) is not None:
            tracing.ended_by(cause)
        return end
    except BaseException as error:  # KeyboardInterrupt is one like any other
        tracing.ended_by(error)
        return error
    return None


def _given_up_for(end: SystemExit) -> BaseException | None:
    """The exception that a program caught and then ended for, by `sys.exit` with a code."""
    if end.code is None or (isinstance(end.code, int) and end.code == 0):
        return None
    if end.__cause__ is not None or end.__suppress_context__:
        return end.__cause__
    return end.__context__


def _report_end(error: BaseException | None) -> int:
    """Show how the program ended, as `python` does; returns the exit code."""
    code = 0
    if error is not None and not isinstance(error, TrainingReached):
        code = report_exception(error)
    for stream in (sys.stdout, sys.__stdout__):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()  # type: ignore[union-attr]  # the script's output comes before ours
    return code


def explain_end(outcome: Outcome, keras: str, verb: str = "show", hint: str = "--no-train") -> None:
    """Say what the user may not know of how the run ended, or why there is nothing to show.

    Args:
        outcome: how it did.
        keras: the value of `--keras`.
        verb: what was to be done with the trace.
        hint: what to say of the option that decides on training.
    """
    error, trace = outcome.error, outcome.trace
    if isinstance(error, TrainingReached):
        say(f"ended before the first change of a weight ({hint})")
    elif outcome.skipped:
        calls = wording.count(outcome.skipped, "call")
        say(f"nothing was trained: {calls} of fit changed no weight (--no-train=skip)")
    if lacking := missing_keras.why_not_imported(error):
        say(lacking)
    elif not trace.calls and trace.findings:
        pass  # they say it
    elif not trace.calls and not {"keras", "tf_keras"} & sys.modules.keys():
        say(f"nothing to {verb}: the script did not import Keras")
    elif not trace.calls:
        say(f"nothing to {verb}: no model was built")
    elif keras != "auto" and not any(call.generation == f"keras{keras}" for call in trace.calls):
        used = ", ".join(f"{info.package} {info.version}" for info in trace.environment.keras)
        say(f"--keras {keras} decides what tf.keras is, but the script used {used}")
