"""What notebooks show of a trace, a graph and weights: one piece of HTML, and plain text.

The report with its scripts stands in a frame of its own. Where frames are taken away, as from
notebooks that are not trusted, what is inside of the frame's tag is left: a picture and a tree
that folds by itself. Consoles get the plain text alone.
"""

from __future__ import annotations

import base64
import html
import sys
import warnings
from typing import TYPE_CHECKING, Any

from buildtrace import renderers
from buildtrace.errors import RenderError
from buildtrace.renderers import Options
from buildtrace.traces.trace import Trace

if TYPE_CHECKING:
    from buildtrace.traces.schema import Graph

REPORT = "html"
"""Name of the renderer of the report."""

FRAME = "width:100%;height:640px;border:1px solid #757575;border-radius:6px;background:white"


def of_trace(trace: Trace, options: Options | None = None) -> dict[str, str]:
    """The report."""
    options = options or Options()
    return _bundle(lambda: report(trace, options), trace, options)


def of_views(trace: Trace, options: Options) -> dict[str, str]:
    """The views that the options name, in color."""
    from buildtrace.renderers.notebook import colored

    return _bundle(lambda: colored.views(trace, options), trace, options)


def of_graph(graph: Graph, trace: Trace | None) -> dict[str, str]:
    """The picture of a graph; of one that no trace was asked for, with what it knows itself."""
    trace = trace or Trace(graphs=(graph,))
    options = Options(views=("graph",), model=graph.model.name)
    return _bundle(lambda: picture(trace, options), trace, options)


def of_weights(trace: Trace) -> dict[str, str]:
    """The table of weights."""
    from buildtrace.renderers.notebook import html_table

    options = Options(views=("weights",))
    return _bundle(lambda: html_table.render(trace, options), trace, options)


def report(trace: Trace, options: Options) -> str:
    """The report in its frame, around what is left where there are no frames."""
    from buildtrace.renderers.notebook import details

    inside = f"{picture(trace, options)}{details.render(trace, options)}"
    if REPORT not in renderers.RENDERERS:
        return inside
    page = renderers.content(trace, REPORT, options)
    text = page if isinstance(page, str) else page.decode()
    return (
        f'<iframe sandbox="allow-scripts" title="How the model was built" style="{FRAME}" '
        f'srcdoc="{html.escape(text)}">{inside}</iframe>'
    )


def picture(trace: Trace, options: Options) -> str:
    """The picture of the graph; nothing if the trace has none, or it cannot be drawn."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it takes a while: it is not what was asked for
            svg = renderers.content(trace, "svg", options)
    except RenderError:
        return ""
    data = base64.b64encode(svg if isinstance(svg, bytes) else svg.encode()).decode()
    return (
        f'<img alt="The graph of the layers" style="max-width:100%" '
        f'src="data:image/svg+xml;base64,{data}">'
    )


def _bundle(make: Any, trace: Trace, options: Options) -> dict[str, str]:
    text = renderers.to_text(trace, options)
    return {"text/plain": text.rstrip(), **({"text/html": make()} if _wants_html() else {})}


def _wants_html() -> bool:
    """Whether whoever asks can show HTML: IPython in a terminal cannot, and would throw it away."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    formats = shell.display_formatter.active_types if shell else ["text/html"]
    return "text/html" in formats
