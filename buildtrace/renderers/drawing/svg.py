"""The graph as SVG."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from buildtrace.renderers.drawing import picture

if TYPE_CHECKING:
    from buildtrace.renderers import Options
    from buildtrace.traces.trace import Trace


def render(trace: Trace, options: Options) -> bytes:
    """The file's content."""
    return tidy(picture.drawn(trace, options, "svg").picture.decode()).encode()


def tidy(svg: str) -> str:
    """The SVG of Graphviz with tooltips that browsers show, and no address of another file.

    Graphviz gives every shape its own id as `<title>`, which browsers show, and puts the tooltip
    on an `<a>` around the shape, which most do not.
    """
    svg = re.sub(r"<!DOCTYPE[^>]*>\n?|<!--.*?-->\n?", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<title>[^<]*</title>\n?", "", svg)
    svg = re.sub(r'<a xlink:title="([^"]*)">\n?', _as_title, svg)
    svg = svg.replace("</a>\n", "").replace("</a>", "")
    return svg.replace("<svg ", '<svg role="img" ', 1)


def _as_title(link: re.Match[str]) -> str:
    words = link[1].strip()
    return f"<title>{words}</title>\n" if words else ""
