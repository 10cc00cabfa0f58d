"""Run a script up to the end of its build, without memory for its weights."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from buildtrace.abstract.passed_loads import passed_loads
from buildtrace.capture import dry_fits
from buildtrace.cli import environment, missing_keras
from buildtrace.cli.plan_devices import choose_backend, set_distribution
from buildtrace.cli.plan_end import PlannedRun, stop_of
from buildtrace.cli.plan_models import KeepingTracing, build_optimizers, models_of
from buildtrace.cli.progress import Progress
from buildtrace.cli.script import NoProgramError, execute, prepare, wait_for_threads
from buildtrace.errors import AbstractWeightError, UsageError
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.cli.plan_options import PlanArguments
    from buildtrace.cli.program import Program


def planned_run(asked: PlanArguments) -> PlannedRun:
    """Run the program, and have its optimizers made.

    Raises:
        UsageError: an option makes no sense for this Keras.
        MissingPackageError: the wanted Keras or JAX is not installed.
    """
    import buildtrace

    program = asked.program
    choose_backend(asked)
    prepare(program)
    environment.choose_keras(program.keras)
    environment.quiet_tensorflow()
    tracing, compiled = KeepingTracing(), None
    with _recording(tracing), buildtrace.abstract(), passed_loads() as passed:
        set_distribution(asked)
        with Progress(tracing, sys.stderr), dry_fits(goes_on=False):
            error = _end_of(program)
            if isinstance(error, Exception) and not isinstance(error, AbstractWeightError):
                tracing.ended_by(error)
            wait_for_threads()
        models = models_of(list(tracing.layers.values()))
        first = len(tracing.snapshot().holders) if asked.optimizer else 0
        lacking = missing_keras.why_not_imported(error)
        notes = (*_passed_over(passed), *_optimizers(models, asked.optimizer))
        notes += (lacking,) if lacking else ()
        if asked.compile:
            from buildtrace.cli.plan_compile import compiled_forward

            compiled = compiled_forward(models, asked.batch or 1)
        del models
        tracing.layers.clear()
    trace = tracing.trace
    return PlannedRun(trace, stop_of(error, trace), first, compiled, notes, error)


@contextlib.contextmanager
def _recording(tracing: KeepingTracing) -> Iterator[None]:
    """A block that is traced; what was recorded is not lost for an interrupt at its end."""
    tracing.start()
    try:
        yield
    finally:
        try:
            tracing.stop()
        except KeyboardInterrupt:
            tracing.stop()
            raise


def _end_of(program: Program) -> BaseException | None:
    """Run the program; returns what it raised."""
    try:
        execute(program)
    except NoProgramError:
        raise
    except SystemExit as end:
        return end if end.code else None
    except BaseException as error:  # KeyboardInterrupt is one like any other
        return error
    finally:
        _flush()
    return None


def _flush() -> None:
    """The script's output comes before ours."""
    for stream in (sys.stdout, sys.__stdout__):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()  # type: ignore[union-attr]


def _passed_over(files: list[str]) -> Iterator[str]:
    """What to say of weights that were not loaded."""
    if files:
        named = wording.listed([wording.sanitize(Path(name).name) for name in files], 3)
        yield f"a plan needs no values: passed over what load_weights was to load, {named}"


def _optimizers(models: list[Any], name: str) -> Iterator[str]:
    """Have optimizers make what they keep; yields what hindered that.

    Raises:
        UsageError: Keras has no optimizer of this name.
    """
    try:
        build_optimizers(models, name)
    except UsageError:
        raise
    except Exception as error:
        what = wording.sanitize_long(f"{type(error).__name__}: {error}", 300)
        yield f"the optimizer could not make all that it keeps: {what}"
