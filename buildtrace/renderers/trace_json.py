"""The trace file: the trace itself, to be loaded and shown again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.serialize import to_json

if TYPE_CHECKING:
    from buildtrace.renderers.options import Options
    from buildtrace.trace import Trace


def render(trace: Trace, options: Options) -> bytes:  # noqa: ARG001 - a trace file leaves nothing out
    """The text of the trace file; the whole trace, whatever the options show of it."""
    return to_json(trace)
