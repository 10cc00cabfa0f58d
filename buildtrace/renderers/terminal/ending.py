"""What stands below the views, whichever they are: what was caught, the failure, the findings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from buildtrace.renderers.terminal import failing, findings, summary
from buildtrace.renderers.text.lines import Line, Lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.renderers import Options
    from buildtrace.traces.trace import Trace


def render(trace: Trace, options: Options) -> Lines:
    """All of it; nothing if all went well."""
    trace = about(trace, options)
    return Lines(lambda width: lines(trace, width, options.full))


def about(trace: Trace, options: Options) -> Trace:
    """What the options want to see, with the findings that are about it."""
    part = summary.subject(trace, options)
    return trace if part is trace else with_own_findings(trace, part)


def with_own_findings(trace: Trace, part: Trace) -> Trace:
    """A part of a trace with those of the trace's findings that are about it, or about no call."""
    kept = {call.id for call in part.calls}
    own = [f for f in trace.findings if not f.calls or not kept.isdisjoint(f.calls)]
    return replace(part, findings=tuple(own))


def lines(trace: Trace, width: int, full: bool) -> Iterator[Line]:
    """All of it, each piece below an empty line."""
    notes = list(summary.notes_of_file(trace, width))
    yield from [[], *notes] if notes else []
    yield from failing.lines(trace, width)
    yield from findings.lines(trace, width, full)
