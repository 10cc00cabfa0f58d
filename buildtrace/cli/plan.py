"""`buildtrace plan SCRIPT.py`: what its build takes, by layer and device, without its memory."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from buildtrace.cli.attempts import Attempts
from buildtrace.cli.plan_options import build_parser, parse
from buildtrace.cli.streams import own_output, say, stdout_alone
from buildtrace.cli.verbs import USAGE_ERROR

if TYPE_CHECKING:
    from collections.abc import Sequence

    from buildtrace.cli.plan_end import PlannedRun
    from buildtrace.cli.plan_options import PlanArguments
    from buildtrace.planning.planned import Plan
    from buildtrace.traces.trace import Trace

__all__ = ["build_parser", "main"]

TOO_LARGE = 1
"""The exit code if it does not fit into the memory of a device, or cannot be spread so."""


def main(arguments: Sequence[str]) -> int:
    """Plan what the arguments name; returns the exit code.

    Raises:
        BuildtraceError: it could not be run.
        KeyboardInterrupt: it was interrupted.
    """
    asked = parse(arguments)
    from buildtrace.cli.run import original_streams  # not before: --help has ended here

    stderr = sys.stderr
    runs = not asked.program.is_trace
    stdout = sys.stdout if asked.format == "text" else stdout_alone(divert=runs)
    run = _run(asked) if runs else _loaded(asked.program.target)
    attempts = Attempts()
    with original_streams(stdout, stderr):
        plan = _plan(asked, run)
        _deliver(plan, run.trace, asked, attempts)
    if isinstance(run.error, KeyboardInterrupt):
        raise run.error
    attempts.end()
    return _exit_code(plan, failed=attempts.failed)


def _run(asked: PlanArguments) -> PlannedRun:
    from buildtrace.cli.plan_run import planned_run

    return planned_run(asked)


def _loaded(target: str) -> PlannedRun:
    """A saved trace, as if its program had just run."""
    from buildtrace.cli.plan_end import PlannedRun
    from buildtrace.traces.trace_file import load

    return PlannedRun(load(target))


def _plan(asked: PlanArguments, run: PlannedRun) -> Plan:
    from buildtrace.cli.plan_devices import shape_for
    from buildtrace.planning import PlanRequest, make_plan

    return make_plan(
        run.trace,
        PlanRequest(
            target=asked.program.target,
            mesh_source="--layout" if asked.layout else "the script",
            mesh_shape=shape_for(run.trace, asked),
            first_holder=run.first_holder,
            batch=asked.batch,
            device_memory=asked.device_memory,
            compiled=run.compiled,
            stop=run.stop,
            notes=run.notes,
        ),
    )


def _exit_code(plan: Plan, *, failed: bool) -> int:
    if not plan.amount.weights or failed:
        return USAGE_ERROR
    if plan.indivisible or (plan.fit is not None and not plan.fit.fits):
        return TOO_LARGE
    if plan.fit is not None and plan.stop is not None and plan.stop.is_failure:
        return USAGE_ERROR  # a part of it fits: nobody knows of the rest
    return 0


def _deliver(plan: Plan, trace: Trace, asked: PlanArguments, attempts: Attempts) -> None:
    """Print the plan, and write each file that can be."""
    from buildtrace.cli.plan_formats import FORMATS
    from buildtrace.renderers import write

    with attempts.attempt("the plan is not printed to its end"):
        _print(plan, trace, asked)
    for path, form in asked.files:
        with attempts.attempt(f"{path} is not written"):
            write(path, FORMATS[form].render(plan, trace, asked.full))
            say(f"wrote {path}")


def _print(plan: Plan, trace: Trace, asked: PlanArguments) -> None:
    if asked.format != "text":
        from buildtrace.cli.plan_formats import FORMATS

        with own_output(sys.stdout) as stdout:
            stdout.write(FORMATS[asked.format].render(plan, trace, asked.full))
        return
    from buildtrace.cli.console import own_console
    from buildtrace.renderers.terminal import plan_view
    from buildtrace.renderers.text.lines import Lines

    with own_console(sys.stdout) as console:
        Lines(lambda width: plan_view.lines(plan, width, asked.full)).stream(console)
