"""How coarse a picture is: fine enough to learn from, coarse enough to read and to lay out."""

from __future__ import annotations

import time
import warnings
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from buildtrace.errors import RenderError
from buildtrace.renderers.drawing import coarsening, layout
from buildtrace.renderers.drawing.diagram import Diagram, count_boxes
from buildtrace.renderers.drawing.topology import diagram as diagram_of
from buildtrace.renderers.text.format import count

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from buildtrace.renderers import Options
    from buildtrace.renderers.drawing.diagram import Part
    from buildtrace.traces.trace import Trace

SMALL = 24
"""So many boxes are drawn one by one."""

MOST_LABELED = 150
"""In a picture of more boxes, these say the shapes: labels on so many lines are clutter, and
dot takes long to lead lines around them."""

READABLE = 60
"""A picture of more boxes is made coarser."""

SECONDS, SECONDS_A_BOX = 5.0, 0.005
"""A layout that takes longer is given up for a simpler one; one of many boxes may take longer."""

LONGEST = 60.0
"""After so many seconds there is no picture at all."""


def _runs_of_repeats(part: Part) -> Part:
    return coarsening.runs(coarsening.repeats(part))


def _runs_of_alike(part: Part) -> Part:
    return coarsening.runs(coarsening.alike(coarsening.repeats(part)))


def _blocks(part: Part) -> Part:
    return coarsening.runs(coarsening.alike(coarsening.blocks(coarsening.repeats(part))))


LEVELS: tuple[Callable[[Part], Part], ...] = (
    coarsening.nothing,
    _runs_of_repeats,
    _runs_of_alike,
    _blocks,
)
"""From the finest to the coarsest."""


def diagrams(trace: Trace, options: Options) -> Iterator[Diagram]:
    """The picture at the level that suits it, then ever coarser ones.

    Raises:
        RenderError: the trace has no graph.
        UsageError: the trace has no model of the name asked for.
    """
    finest = diagram_of(trace, options, coarsening.nothing)
    whole = count_boxes(finest)
    chosen, fewest = False, whole + 1
    for level, fold in enumerate(LEVELS):
        drawn = finest if level == 0 else diagram_of(trace, options, fold)
        number = count_boxes(drawn)
        if not chosen:
            limit = SMALL if level == 0 else READABLE
            if not options.full and number > limit and level < len(LEVELS) - 1:
                continue
        if chosen and number >= fewest:
            continue
        chosen, fewest = True, number
        notes = (
            (f"{count(whole, 'layer')} drawn as {count(number, 'box', 'boxes')}",) if level else ()
        )
        yield replace(drawn, notes=(*notes, *drawn.notes), level=level)


class Drawn(NamedTuple):
    """A picture, and the diagram that it shows."""

    diagram: Diagram
    picture: bytes


def png(trace: Trace, options: Options) -> bytes:
    """The picture as PNG; see `drawn`."""
    return drawn(trace, options, "png").picture


def pdf(trace: Trace, options: Options) -> bytes:
    """The picture as PDF; see `drawn`."""
    return drawn(trace, options, "pdf").picture


def drawn(
    trace: Trace,
    options: Options,
    format: str,  # noqa: A002
    page: bool = True,
    longest: float | None = None,
) -> Drawn:
    """The picture, laid out by Graphviz.

    It is tried as it should look, then with plain lines, then ever coarser, each time only for
    so long. Whoever has to wait for it, or gets less than was asked for, is told by a warning.

    Args:
        trace: what was recorded.
        options: which model, and how much of it.
        format: "svg", "png" or "pdf".
        page: whether the picture stands alone: with a header, and in columns if it is long.
        longest: after so many seconds there is no picture; by default `LONGEST`.

    Raises:
        RenderError: there is nothing to draw, or Graphviz could not.
        UsageError: the trace has no model of the name asked for.
    """
    from buildtrace.renderers.drawing import dot

    end = time.monotonic() + (LONGEST if longest is None else longest)
    late = ""
    for diagram, plain in _ever_simpler(trace, options):
        boxes = count_boxes(diagram)
        # Half of the time is for the simpler ones that may have to follow.
        seconds = min(SECONDS + SECONDS_A_BOX * boxes, (end - time.monotonic()) / 2)
        what = f"the layout of {count(boxes, 'box', 'boxes')}"
        slow = partial(
            _tell, f"{what} takes a while; after {seconds:.2g} s, a simpler one is tried"
        )
        if late:
            diagram = replace(diagram, notes=(*diagram.notes, late))
        try:
            picture = layout.lay_out(dot.source(diagram, plain, page), format, seconds, slow)
        except layout.LayoutTimeoutError as error:
            late = f"coarser than asked for: {what} took more than {seconds:.2g} s"
            failure = error
            continue
        if late:
            _tell(f"the picture is {late}")
        return Drawn(diagram, picture)
    raise RenderError(f"{failure}; a .dot file holds the graph without a layout") from failure


def _ever_simpler(trace: Trace, options: Options) -> Iterator[tuple[Diagram, bool]]:
    """The diagrams, and for each whether its lines are to be plain."""
    for drawn in diagrams(trace, options):
        yield drawn, False
        if count_boxes(drawn) <= MOST_LABELED:
            yield drawn, True


def _tell(text: str) -> None:
    warnings.warn(text, stacklevel=5)
