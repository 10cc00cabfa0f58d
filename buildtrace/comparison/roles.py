"""What the calls of a trace are for: the roles in its landmark tables, and where they are named."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from buildtrace.generations import GENERATIONS

if TYPE_CHECKING:
    from buildtrace.generations import Landmark
    from buildtrace.traces.schema import Call
    from buildtrace.traces.trace import Trace


def role_of(trace: Trace, call: Call) -> str:
    """What a call is for; a landmark that no table knows is for what its name says."""
    info = trace.landmark(call)
    if info is not None and info.role:
        return info.role
    row = _rows().get((call.generation, call.landmark))
    return row.role if row else call.landmark


def unpaired(trace: Trace, call: Call) -> str:
    """Why the other generation does without the landmark of a call; "" if nothing is known."""
    info = trace.landmark(call)
    if info is not None and info.unpaired:
        return info.unpaired
    row = _rows().get((call.generation, call.landmark))
    return (row.unpaired if row else None) or ""


def beat_of(trace: Trace, call: Call) -> str:
    """What a call is in the story of the build, a `BeatKind`; "" if it is no beat."""
    info = trace.landmark(call)
    if info is not None and info.beat:
        return info.beat
    row = _rows().get((call.generation, call.landmark))
    return row.beat if row else ""


@cache
def _rows() -> dict[tuple[str, str], Landmark]:
    """All rows of all tables: a file from before there were roles and beats has none of its own."""
    return {(g.name, row.name): row for g in GENERATIONS for row in g.landmarks}
