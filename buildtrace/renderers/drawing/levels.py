"""How coarse a picture is: fine enough to learn from, coarse enough to read and to lay out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from buildtrace.renderers.drawing import coarsening, topology
from buildtrace.renderers.drawing.diagram import boxes, count_boxes
from buildtrace.traces import wording
from buildtrace.traces.lazy import cached_property

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from buildtrace.renderers import Options
    from buildtrace.renderers.drawing.coarsening import Coarsening
    from buildtrace.renderers.drawing.diagram import Diagram, SubDiagram
    from buildtrace.renderers.drawing.topology import ModelPart
    from buildtrace.traces.schema import Graph
    from buildtrace.traces.trace import Trace

FEW = 12
"""So many boxes are drawn one by one, whatever they are."""

SMALL = 24
"""So many are drawn one by one as well, unless most of them are the same blocks again."""

READABLE = 60
"""A model of more boxes is made coarser."""

MANY = 150
"""A picture of several models has no more boxes than this; models that do not fit are named."""

MOST_NAMES = 12
"""So many of these are named one by one."""


def _runs_of_repeats(subdiagram: SubDiagram) -> SubDiagram:
    return coarsening.runs(coarsening.repeats(subdiagram))


def _runs_of_alike(subdiagram: SubDiagram) -> SubDiagram:
    return coarsening.runs(coarsening.alike(coarsening.repeats(subdiagram)))


def _blocks(subdiagram: SubDiagram) -> SubDiagram:
    return coarsening.runs(coarsening.alike(coarsening.blocks(coarsening.repeats(subdiagram))))


def _runs_of_blocks(subdiagram: SubDiagram) -> SubDiagram:
    return coarsening.runs_of_blocks(_blocks(subdiagram))


LEVELS: tuple[Coarsening, ...] = (
    coarsening.nothing,
    coarsening.repeats,
    _runs_of_repeats,
    _runs_of_alike,
    _blocks,
    _runs_of_blocks,
)
"""From the finest to the coarsest."""


class _Leveled:
    """One model, at each level; a level is made when it is asked for."""

    def __init__(self, trace: Trace, options: Options, graph: Graph, number: int) -> None:
        self.graph = graph
        self._given = trace, options
        self._number = number
        self._made: dict[int, ModelPart] = {}

    def at(self, level: int) -> ModelPart:
        """The model as coarse as this level makes it."""
        if level not in self._made:
            made = topology.model(*self._given, LEVELS[level], self.graph, self._number)
            self._made[level] = made
        return self._made[level]

    def size(self, level: int) -> int:
        """How many boxes that are."""
        return sum(1 for _ in boxes([self.at(level).group]))

    @cached_property
    def level(self) -> int:
        """The level that suits the model."""
        whole = self.size(0)
        if self._given[1].full or whole <= FEW:
            return 0
        if whole <= SMALL:
            return 1 if self.size(1) <= whole / 2 else 0
        coarse = range(2, len(LEVELS))
        return next((n for n in coarse if self.size(n) <= READABLE), coarse[-1])

    def coarser(self, level: int) -> int:
        """The next level with fewer boxes; the same one if there is none."""
        others = range(level + 1, len(LEVELS))
        return next((n for n in others if self.size(n) < self.size(level)), level)


def diagrams(trace: Trace, options: Options) -> Iterator[Diagram]:
    """The diagram at the levels that suit its models, then ever coarser ones.

    Raises:
        RenderError: the trace has no graph.
        UsageError: the trace has no model of the name asked for.
    """
    graphs, notes = topology.chosen(trace, options)
    models = [_Leveled(trace, options, graph, number) for number, graph in enumerate(graphs, 1)]
    if not options.full:
        fitting = _fitting(models)
        notes = [*notes, *_left_out([m for m in models if m not in fitting])]
        models = fitting
    levels, before = [model.level for model in models], None
    while levels != before:
        yield _diagram(models, levels, notes)
        before = levels
        levels = [model.coarser(level) for model, level in zip(models, levels, strict=True)]


def _diagram(models: Sequence[_Leveled], levels: Sequence[int], notes: Sequence[str]) -> Diagram:
    drawn = [model.at(level) for model, level in zip(models, levels, strict=True)]
    diagram = topology.diagram(drawn, notes)
    level = max(levels, default=0)
    if not level:
        return diagram
    whole = wording.count(sum(model.size(0) for model in models), "layer")
    number = wording.count(count_boxes(diagram), "box", "boxes")
    return replace(diagram, notes=(f"{whole} drawn as {number}", *diagram.notes), level=level)


def _fitting(models: Sequence[_Leveled]) -> list[_Leveled]:
    """The models that one picture has room for, each as coarse as suits it; at least the first."""
    fitting: list[_Leveled] = []
    room = MANY
    for model in models:
        size = model.size(model.level)
        if size <= room or not fitting:
            fitting.append(model)
            room -= size
    return fitting


def _left_out(models: Sequence[_Leveled]) -> Iterator[str]:
    """The line that names the models that are left out, if there are any."""
    if models:
        names = wording.listed([wording.sanitize(m.graph.model.name) for m in models], MOST_NAMES)
        yield f"and {wording.count(len(models), 'more model', 'more models')}: {names}"
