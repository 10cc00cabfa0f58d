"""How coarse a picture is: fine enough to learn from, coarse enough to read and to lay out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from buildtrace.renderers.drawing import coarsening
from buildtrace.renderers.drawing.diagram import count_boxes
from buildtrace.renderers.drawing.topology import diagram_of
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.renderers import Options
    from buildtrace.renderers.drawing.coarsening import Coarsening
    from buildtrace.renderers.drawing.diagram import Diagram, SubDiagram
    from buildtrace.traces.trace import Trace

SMALL = 24
"""So many boxes are drawn one by one."""

READABLE = 60
"""A picture of more boxes is made coarser."""


def _runs_of_repeats(subdiagram: SubDiagram) -> SubDiagram:
    return coarsening.runs(coarsening.repeats(subdiagram))


def _runs_of_alike(subdiagram: SubDiagram) -> SubDiagram:
    return coarsening.runs(coarsening.alike(coarsening.repeats(subdiagram)))


def _blocks(subdiagram: SubDiagram) -> SubDiagram:
    return coarsening.runs(coarsening.alike(coarsening.blocks(coarsening.repeats(subdiagram))))


LEVELS: tuple[Coarsening, ...] = (
    coarsening.nothing,
    _runs_of_repeats,
    _runs_of_alike,
    _blocks,
)
"""From the finest to the coarsest."""


def diagrams(trace: Trace, options: Options) -> Iterator[Diagram]:
    """The diagram at the level that suits it, then ever coarser ones.

    Raises:
        RenderError: the trace has no graph.
        UsageError: the trace has no model of the name asked for.
    """
    finest = diagram_of(trace, options, coarsening.nothing)
    whole = count_boxes(finest)
    chosen, fewest = False, whole + 1
    for level, coarsen in enumerate(LEVELS):
        diagram = finest if level == 0 else diagram_of(trace, options, coarsen)
        number = count_boxes(diagram)
        if not chosen:
            limit = SMALL if level == 0 else READABLE
            if not options.full and number > limit and level < len(LEVELS) - 1:
                continue
        if chosen and number >= fewest:
            continue
        chosen, fewest = True, number
        notes = (
            (f"{wording.count(whole, 'layer')} drawn as {wording.count(number, 'box', 'boxes')}",)
            if level
            else ()
        )
        yield replace(diagram, notes=(*notes, *diagram.notes), level=level)
