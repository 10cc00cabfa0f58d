"""How the run of a script that is planned ended: what was built, and what the plan lacks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from buildtrace.errors import AbstractWeightError
from buildtrace.planning.planned import Stop
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType

    from buildtrace.planning.planned import Compiled
    from buildtrace.traces.trace import Trace


class PlannedRun(NamedTuple):
    """What came of a run.

    Attributes:
        trace: what was built.
        stop: where the script was ended, if it was.
        compiled: what XLA said, if it was asked.
        notes: what a reader should know besides.
        error: what ended the script, if it was an interrupt.
    """

    trace: Trace
    stop: Stop | None = None
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
    called = _called(error) if calm else ""
    what = f"{called}()" if called else wording.essence(info)[0]
    return Stop(
        what=wording.sanitize_long(what, 300),
        is_failure=not calm,
        caller=info.lines[0] if info.lines else None,
        lacks=tuple(_lacks(trace)),
    )


def _called(error: BaseException) -> str:
    """The name of the function that the user's last line called, which wanted values."""
    from buildtrace.capture import TrainingReached
    from buildtrace.capture.raised import error_info

    innermost = error_info(error).lines[:1]
    name, behind = "", False
    traceback = error.__traceback__
    while traceback is not None:
        code = traceback.tb_frame.f_code
        if innermost and (code.co_filename, traceback.tb_lineno) == (
            innermost[0].file,
            innermost[0].line,
        ):
            name, behind = "", True
        elif behind and not name and code.co_name not in _BETWEEN and not _is_ours(code):
            name = code.co_name
        traceback = traceback.tb_next
    return "fit" if not name and isinstance(error, TrainingReached) else name


_BETWEEN = ("error_handler", "wrapper", "hook", "<lambda>")
"""Functions that call the one that was meant."""


def _is_ours(code: CodeType) -> bool:
    return "buildtrace" in Path(code.co_filename).parts and "site-packages" not in code.co_filename


def _lacks(trace: Trace) -> Iterator[str]:
    unbuilt = list(dict.fromkeys(wording.layer(layer) for layer, _ in trace.index.unbuilt()))
    if unbuilt:
        yield f"not built by then, and not in the plan: {wording.listed(unbuilt, 5)}"
