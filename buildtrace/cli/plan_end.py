"""How the run of a script that is planned ended: what was built, and what the plan lacks."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from buildtrace.errors import AbstractWeightError
from buildtrace.planning.planned import Stop
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.planning.planned import Compiled
    from buildtrace.traces.schema import SourceLine
    from buildtrace.traces.trace import Trace


class PlannedRun(NamedTuple):
    """What came of a run.

    Attributes:
        trace: what was built.
        stop: where the script was ended, if it was.
        first_holder: the optimizers that were asked for are those whose id is not lower.
        compiled: what XLA said, if it was asked.
        notes: what a reader should know besides.
        error: what ended the script, if it was an interrupt.
    """

    trace: Trace
    stop: Stop | None = None
    first_holder: int = 0
    compiled: Compiled | None = None
    notes: tuple[str, ...] = ()
    error: BaseException | None = None


def stop_of(error: BaseException | None, trace: Trace) -> Stop | None:
    """Where the script was ended, and what the plan is without for that."""
    if error is None:
        return None
    from buildtrace.capture import TrainingReached  # late: a saved trace needs none of it
    from buildtrace.capture.raised import error_info

    calm = isinstance(error, (TrainingReached, AbstractWeightError))
    info = error_info(error)
    caller = _outer(error, info.lines) if calm else next(iter(info.lines), None)
    what = trace.index.source_code.line(caller) if calm and caller else ""
    return Stop(
        what=wording.sanitize_long(what or wording.essence(info)[0], 300),
        is_failure=not calm,
        caller=caller,
        lacks=tuple(_lacks(trace)),
    )


def _outer(error: BaseException, lines: tuple[SourceLine, ...]) -> SourceLine | None:
    """The user's line that called Keras first, not one that Keras has called then."""
    found = None
    traceback = error.__traceback__
    while traceback is not None:
        here = traceback.tb_frame.f_code.co_filename, traceback.tb_lineno
        line = next((line for line in lines if (line.file, line.line) == here), None)
        if found is not None and line is None:
            break
        found = line or found
        traceback = traceback.tb_next
    return found


def _lacks(trace: Trace) -> Iterator[str]:
    unbuilt = list(dict.fromkeys(wording.layer(layer) for layer, _ in trace.index.unbuilt()))
    if unbuilt:
        yield f"not built by then, and not in the plan: {wording.listed(unbuilt, 5)}"
