"""The graph as a picture, laid out by Graphviz: SVG, PNG and PDF."""

from __future__ import annotations

import re
import warnings
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from buildtrace.errors import RenderError
from buildtrace.renderers.drawing import dot, layout
from buildtrace.renderers.drawing.diagram import Diagram, count_boxes
from buildtrace.renderers.drawing.levels import diagrams
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from buildtrace.renderers import Options
    from buildtrace.traces.trace import Trace

SECONDS, SECONDS_A_BOX = 5.0, 0.005
"""A layout that takes more of the processor's time is given up for a simpler one; one of many
boxes may take longer."""

LONGEST = 60.0
"""After so many seconds of the processor's time there is no picture at all."""


class Drawing(NamedTuple):
    """A picture, and the diagram that it shows."""

    diagram: Diagram
    picture: bytes


def svg(trace: Trace, options: Options) -> bytes:
    """The picture as SVG; see `draw`."""
    return tidy(draw(trace, options, "svg").picture.decode()).encode()


def png(trace: Trace, options: Options) -> bytes:
    """The picture as PNG; see `draw`."""
    return draw(trace, options, "png").picture


def pdf(trace: Trace, options: Options) -> bytes:
    """The picture as PDF; see `draw`."""
    return draw(trace, options, "pdf").picture


def draw(
    trace: Trace,
    options: Options,
    format: str,  # noqa: A002
    page: bool = True,
    longest: float | None = None,
    dressed: Callable[[Diagram], Diagram] | None = None,
) -> Drawing:
    """The picture, laid out by Graphviz.

    It is tried as it should look, then with plain lines, then ever coarser, each time only for
    so long. That is counted by the processor's time, so that a busy machine gets the same picture,
    later. Whoever has to wait for it, or gets less than was asked for, is told by a warning.

    Args:
        trace: what was recorded.
        options: which model, and how much of it.
        format: "svg", "png" or "pdf".
        page: whether the picture stands alone: with a header, and in columns if it is long.
        longest: after so many seconds of the processor's time there is no picture; by default
            `LONGEST`.
        dressed: makes of a diagram the one that is drawn; by default itself.

    Raises:
        RenderError: there is nothing to draw, or Graphviz could not.
        UsageError: the trace has no model of the name asked for.
    """
    left = LONGEST if longest is None else longest
    late = ""
    for found, plain in _ever_simpler(trace, options):
        diagram = dressed(found) if dressed else found
        boxes = count_boxes(diagram)
        # Half of the time is for the simpler ones that may have to follow.
        seconds = min(SECONDS + SECONDS_A_BOX * boxes, left / 2)
        slow = partial(
            _tell,
            f"the layout of {wording.count(boxes, 'box', 'boxes')} takes a while; after "
            f"{seconds:.2g} s of the processor's time, a simpler one is tried",
        )
        if late:
            diagram = replace(diagram, notes=(*diagram.notes, late))
        try:
            picture = layout.lay_out(dot.source(diagram, plain, page), format, seconds, slow)
        except layout.LayoutTimeoutError as error:
            late = f"coarser than asked for: {error}"
            left -= seconds
            failure = error
            continue
        if late:
            _tell(f"the picture is {late}")
        return Drawing(diagram, picture)
    raise RenderError(f"{failure}; a .dot file holds the graph without a layout") from failure


def draw_diagram(diagram: Diagram, seconds: float) -> Drawing:
    """One diagram for a page, as it is, as SVG.

    Raises:
        RenderError: Graphviz could not, or it took longer.
    """
    return Drawing(diagram, layout.lay_out(dot.source(diagram, page=False), "svg", seconds))


def _ever_simpler(trace: Trace, options: Options) -> Iterator[tuple[Diagram, bool]]:
    """The diagrams, and for each whether its lines are to be plain."""
    for diagram in diagrams(trace, options):
        yield diagram, False
        if count_boxes(diagram) <= dot.MOST_LABELED:
            yield diagram, True


def _tell(text: str) -> None:
    warnings.warn(text, stacklevel=5)


def tidy(markup: str) -> str:
    """The SVG of Graphviz with tooltips that browsers show, and no address of another file.

    Graphviz gives every shape its own id as `<title>`, which browsers show, and puts the tooltip
    on an `<a>` around the shape, which most do not.
    """
    markup = re.sub(r"<!DOCTYPE[^>]*>\n?|<!--.*?-->\n?", "", markup, flags=re.DOTALL)
    markup = re.sub(r"<title>[^<]*</title>\n?", "", markup)
    markup = re.sub(r'<a xlink:title="([^"]*)">\n?', _as_title, markup)
    markup = markup.replace("</a>\n", "").replace("</a>", "")
    return markup.replace("<svg ", '<svg role="img" ', 1)


def _as_title(link: re.Match[str]) -> str:
    words = link[1].strip()
    return f"<title>{words}</title>\n" if words else ""
