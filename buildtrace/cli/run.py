"""`buildtrace SCRIPT.py` and `buildtrace -m MODULE`: run it, then show what was built."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING

from buildtrace.cli import environment, say
from buildtrace.cli.progress import Progress
from buildtrace.cli.report import deliver
from buildtrace.cli.script import Program, report_exception
from buildtrace.errors import UsageError

if TYPE_CHECKING:
    from buildtrace.capture import Tracing
    from buildtrace.cli.parser import Request
    from buildtrace.trace import Trace


def run(request: Request) -> int:
    """Run the program of the request under tracing and report; returns the program's exit code.

    Raises:
        UsageError: there is no such module.
        MissingPackageError: the wanted Keras is not installed.
    """
    from buildtrace.capture import Tracing

    program = Program(request.target, request.is_module, request.arguments)
    program.prepare()
    environment.choose_keras(request.keras)
    environment.quiet_tensorflow()
    tracing = Tracing()
    error = _run_traced(program, tracing, request.no_train)
    code = _report_end(error)
    trace = tracing.trace
    if not trace.calls:
        _explain_emptiness(error)
    done = deliver(trace, request, show=bool(trace.calls) or request.view_asked)
    return code if code or done else 1


def _run_traced(program: Program, tracing: Tracing, no_train: bool) -> BaseException | None:
    """Run the program; returns what it raised. Tracing has stopped when this returns."""
    from buildtrace.capture.patching import stop_before_training

    training = stop_before_training() if no_train else contextlib.nullcontext()
    try:
        with Progress(tracing, sys.stderr), training, tracing:
            program.run()
    except UsageError:
        raise
    except BaseException as error:  # SystemExit and KeyboardInterrupt are ends like any other
        return error
    return None


def _report_end(error: BaseException | None) -> int:
    """Show how the program ended, as `python` does; returns the exit code."""
    from buildtrace.capture import TrainingReached

    code = 0
    if isinstance(error, TrainingReached):
        say("ended where training would begin (--no-train)")
    elif error is not None:
        code = report_exception(error)
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sys.stdout.flush()  # what the script printed comes before the report
    return code


def _explain_emptiness(error: BaseException | None) -> None:
    """Say why there is nothing to show."""
    if isinstance(error, ModuleNotFoundError) and error.name in ("tensorflow", "keras", "tf_keras"):
        say(f"{error.name} is not installed: pip install {error.name} (see `buildtrace doctor`)")
    elif not {"keras", "tf_keras"} & sys.modules.keys():
        say("nothing to show: the script did not import Keras")
    elif error is None:
        say("nothing to show: no model was built")
