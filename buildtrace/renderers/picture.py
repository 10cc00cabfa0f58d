"""How coarse a picture is: fine enough to learn from, coarse enough to read and to lay out."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import TYPE_CHECKING

from buildtrace.renderers import folding, layout
from buildtrace.renderers.diagram import Diagram, count_boxes
from buildtrace.renderers.format import count
from buildtrace.renderers.topology import diagram

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from buildtrace.renderers.diagram import Part
    from buildtrace.renderers.options import Options
    from buildtrace.trace import Trace

SMALL = 24
"""So many boxes are drawn one by one."""

READABLE = 60
"""A picture of more boxes is made coarser."""

SECONDS = 10.0
"""A layout that takes longer is given up for a coarser one."""


def _runs_of_repeats(part: Part) -> Part:
    return folding.runs(folding.repeats(part))


def _runs_of_alike(part: Part) -> Part:
    return folding.runs(folding.alike(folding.repeats(part)))


def _blocks(part: Part) -> Part:
    return folding.runs(folding.alike(folding.blocks(folding.repeats(part))))


LEVELS: tuple[Callable[[Part], Part], ...] = (
    folding.nothing,
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
    finest = diagram(trace, options, folding.nothing)
    whole = count_boxes(finest)
    chosen, fewest = False, whole + 1
    for level, fold in enumerate(LEVELS):
        drawn = finest if level == 0 else diagram(trace, options, fold)
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
        yield replace(drawn, notes=notes, level=level)


def draw(trace: Trace, options: Options, format: str) -> bytes:  # noqa: A002
    """The picture, laid out by Graphviz.

    Raises:
        RenderError: there is nothing to draw, or Graphviz could not.
        UsageError: the trace has no model of the name asked for.
    """
    from buildtrace.renderers import dot

    late = ""
    for drawn in diagrams(trace, options):
        if late:
            drawn = replace(drawn, notes=(*drawn.notes, late))
        try:
            picture = layout.lay_out(dot.source(drawn), format, SECONDS)
        except layout.LayoutTimeoutError as error:
            late = f"coarser than asked for: the layout took more than {SECONDS:g} s"
            failure = error
            continue
        if late:
            warnings.warn(f"the picture is {late}", stacklevel=2)
        return picture
    raise failure
