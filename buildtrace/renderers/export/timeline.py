"""The calls as spans of time for profile viewers: perfectly nested, a list for each thread.

Viewers draw a call below another one if its time lies inside the other's, to the nanosecond,
and drop or misplace what does not. Clocks are coarser than that on some platforms, so that calls
seem to begin and end at once, and a call that was open when the recording stopped has no end of
its own. So the spans are made to fit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from buildtrace.traces import wording
from buildtrace.traces.folding import focus, limit_depth

if TYPE_CHECKING:
    from buildtrace.renderers import Options
    from buildtrace.traces.schema import Call
    from buildtrace.traces.trace import Trace


class CallSpan(NamedTuple):
    """A call with the time it is drawn at, in nanoseconds since the trace began."""

    call: Call
    start: int
    end: int


def subject(trace: Trace, options: Options) -> Trace:
    """The calls that the options want to see. Nothing is folded: a viewer of profiles zooms.

    Raises:
        UsageError: the trace has no model of the name asked for.
    """
    if options.model is not None:
        trace = focus(trace, options.model)
    return trace if options.depth is None else limit_depth(trace, options.depth)


def threads(trace: Trace) -> dict[int, list[CallSpan]]:
    """The spans of each thread by its number, in order of start, parents before their children.

    No two of a thread's starts and ends are at the same time: one that is not later than the one
    before it is moved to the next nanosecond.
    """
    calls: dict[int, list[Call]] = {}
    for call in trace.calls:
        calls.setdefault(call.thread, []).append(call)
    return {thread: _spans(own) for thread, own in calls.items()}


def _spans(calls: list[Call]) -> list[CallSpan]:
    clock = -1
    starts: dict[int, int] = {}
    ends: dict[int, int] = {}
    open_: list[Call] = []

    def tick(time: int) -> int:
        nonlocal clock
        clock = max(clock + 1, time)
        return clock

    def close() -> None:
        call = open_.pop()
        ends[call.id] = tick(call.start_ns + call.duration_ns)

    for call in calls:
        while open_ and open_[-1].id != call.parent:
            close()
        starts[call.id] = tick(call.start_ns)
        open_.append(call)
    while open_:
        close()
    return [CallSpan(call, starts[call.id], ends[call.id]) for call in calls]


def label(call: Call) -> str:
    """What a viewer writes on a call: the function, and the layer that it worked on."""
    layer = f" · {wording.sanitize(call.layer.name)}" if call.layer else ""
    return wording.sanitize(call.name) + layer


def title(trace: Trace) -> str:
    """What a viewer calls the whole."""
    versions = wording.versions(trace)
    return f"Keras build: {versions}" if versions else "Keras build"
