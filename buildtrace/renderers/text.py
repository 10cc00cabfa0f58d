"""The terminal's views as plain text in a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace import renderers

if TYPE_CHECKING:
    from buildtrace.renderers.options import Options
    from buildtrace.trace import Trace


def render(trace: Trace, options: Options) -> str:
    """The views that `options` name, 120 characters wide."""
    return renderers.to_text(trace, options, width=renderers.PLAIN_WIDTH)
