"""The graph as PDF."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.renderers import picture

if TYPE_CHECKING:
    from buildtrace.renderers.options import Options
    from buildtrace.trace import Trace


def render(trace: Trace, options: Options) -> bytes:
    """The file's content."""
    return picture.draw(trace, options, "pdf")
