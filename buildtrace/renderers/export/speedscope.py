"""The calls over time in speedscope's own format, as profiles of opening and closing frames."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from buildtrace.renderers.export import timeline
from buildtrace.traces import json_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from buildtrace.renderers import Options
    from buildtrace.renderers.export.timeline import CallSpan
    from buildtrace.traces.schema import Call
    from buildtrace.traces.trace import Trace

SCHEMA = "https://www.speedscope.app/file-format-schema.json"


def render(trace: Trace, options: Options) -> bytes:
    """The file's content: one profile for each thread."""
    trace = timeline.subject(trace, options)
    frames = _FrameTable()
    profiles = [
        _profile(thread, spans, frames) for thread, spans in timeline.threads(trace).items()
    ]
    content: dict[str, Any] = {
        "$schema": SCHEMA,
        "name": timeline.title(trace),
        "exporter": f"buildtrace {trace.environment.buildtrace}".strip(),
        "shared": {"frames": frames.rows},
        "profiles": profiles,
    }
    return json_text.encoded(content)


class _FrameTable:
    """A frame is a function at work on a layer: speedscope shows no more.

    Attributes:
        rows: the table as it goes into the file.
    """

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self._numbers: dict[tuple[str, str, int], int] = {}

    def number(self, call: Call) -> int:
        """Where in the table the frame of this call stands."""
        name = timeline.label(call)
        key = (name, call.file, call.line)
        if key not in self._numbers:
            self._numbers[key] = len(self.rows)
            source = {"file": call.file, "line": call.line} if call.file else {}
            self.rows.append({"name": name, **source})
        return self._numbers[key]


def _profile(thread: int, spans: list[CallSpan], frames: _FrameTable) -> dict[str, Any]:
    return {
        "type": "evented",
        "name": f"thread {thread}",
        "unit": "nanoseconds",
        "startValue": spans[0].start,
        "endValue": max(span.end for span in spans),
        "events": _events(spans, frames),
    }


def _events(spans: Iterable[CallSpan], frames: _FrameTable) -> list[dict[str, Any]]:
    """An opening and a closing event for each span, in order of time."""
    events = []
    for span in spans:
        frame = frames.number(span.call)
        events.append({"type": "O", "frame": frame, "at": span.start})
        events.append({"type": "C", "frame": frame, "at": span.end})
    return sorted(events, key=lambda event: event["at"])  # no two are at the same time
