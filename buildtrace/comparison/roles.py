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
    return _column(trace, call, "role") or call.landmark


def unpaired(trace: Trace, call: Call) -> str:
    """Why the other generation does without the landmark of a call; "" if nothing is known."""
    return _column(trace, call, "unpaired")


def beat_of(trace: Trace, call: Call) -> str:
    """What a call is in the story of the build, a `BeatKind`; "" if it is no beat."""
    return _column(trace, call, "beat")


def _column(trace: Trace, call: Call, name: str) -> str:
    """What the row of a call's landmark says: the trace's own row, or else that of our tables."""
    for row in (trace.landmark(call), _rows().get((call.generation, call.landmark))):
        if row is not None and (said := getattr(row, name)):
            return str(said)
    return ""


@cache
def _rows() -> dict[tuple[str, str], Landmark]:
    """All rows of all tables: a file from before there were roles and beats has none of its own."""
    return {(g.name, row.name): row for g in GENERATIONS for row in g.landmarks}
