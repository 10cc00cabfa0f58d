"""The lines of the terminal views as HTML that needs no style sheet.

Notebooks take style sheets and scripts away from what they do not trust, but leave a color on a
piece of text. The colors are as far from white as from black, since nobody says which it will be.
"""

from __future__ import annotations

import html
from functools import lru_cache
from io import StringIO
from typing import TYPE_CHECKING

from buildtrace import renderers

if TYPE_CHECKING:
    from collections.abc import Iterable

    from buildtrace.renderers import Options
    from buildtrace.renderers.text.lines import Line, Lines
    from buildtrace.traces.trace import Trace

WIDTH = 110
"""Characters in a line: as many as a tree with line numbers takes, and as fit beside a side bar."""

STYLES = {
    "cyan": "color:#0b8396",
    "bright_blue": "color:#3b78db",
    "green": "color:#2e8540",
    "magenta": "color:#b04fb8",
    "yellow": "color:#9a6f00",
    "red": "color:#d9363e",
    "bright_red": "color:#c75d10",
    "bright_magenta": "color:#8862e0",
    "dim": "color:#757575",
    "bold": "font-weight:bold",
    "italic": "font-style:italic",
}
"""What each word of a terminal style is in CSS."""

MONOSPACE = "font-family:ui-monospace,Menlo,Consolas,monospace;font-size:12px;line-height:1.35"


def line(parts: Line) -> str:
    """A line; its links are left out, since they lead to files of one machine."""
    return "".join(_span(part.text, part.style) for part in parts)


def block(lines: Iterable[str]) -> str:
    """Lines that keep their columns."""
    return f'<pre style="{MONOSPACE};white-space:pre;overflow-x:auto">{chr(10).join(lines)}</pre>'


def views(trace: Trace, options: Options) -> str:
    """The views that `options` name, and below them what went wrong.

    Raises:
        UsageError: there is no such view, or no model of the name that `options` give.
    """
    pieces = [_lines(renderers.view(trace, name, options)) for name in options.views]
    return "\n".join(block(lines) for lines in [*pieces, ending(trace, options)] if lines)


def ending(trace: Trace, options: Options) -> list[str]:
    """The lines of what went wrong; none if all went well."""
    return _lines(renderers.below(trace, options))


def _lines(view: Lines) -> list[str]:
    return [
        line(item) if isinstance(item, list) else html.escape(_text(item))
        for item in view.make(WIDTH)
    ]


def _span(text: str, style: str) -> str:
    escaped = html.escape(text)
    css = _css(style)
    return f'<span style="{css}">{escaped}</span>' if css and text.strip() else escaped


@lru_cache(maxsize=64)
def _css(style: str) -> str:
    return ";".join(STYLES[word] for word in style.split() if word in STYLES)


def _text(renderable: object) -> str:
    from rich.console import Console

    text = StringIO()
    console = Console(file=text, width=WIDTH, color_system=None, force_jupyter=False, _environ={})
    console.print(renderable)
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines())
