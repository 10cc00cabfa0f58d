"""A diagram whose colors say what its layers take on one device, and whose words say it as well."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from buildtrace.planning import placements
from buildtrace.renderers.drawing.caption import joined
from buildtrace.renderers.drawing.diagram import Box, Group, boxes
from buildtrace.renderers.drawing.kinds import LayerKind
from buildtrace.traces import wording
from buildtrace.traces.lazy import cached_property

if TYPE_CHECKING:
    from collections.abc import Iterable

    from buildtrace.planning.planned import Plan, PlannedVariable
    from buildtrace.renderers.drawing.diagram import BoxRow, Diagram, Member, NodeRef
    from buildtrace.traces.trace import Trace

COLD = LayerKind("cold", "no weights", "#F3F4F6", "#4B5563")
"""What takes nothing."""

HEATS = (
    (0.125, LayerKind("heat1", "up to an eighth", "#FFF3D6", "#8A6100")),
    (0.25, LayerKind("heat2", "up to a quarter", "#FFDC9A", "#8A5200")),
    (0.5, LayerKind("heat3", "up to a half", "#FFB869", "#7C3A00")),
    (1.0, LayerKind("heat4", "up to all", "#FF8F3F", "#6B2100")),
)
"""Colors for what takes up to so much of what the heaviest takes; dark text is legible on each."""

MINOR = 0.05
"""Where the weights of a layer lie in several ways, one of less than this share is not told."""


class HeatStep(NamedTuple):
    """A color of a heated diagram, and how many bytes it stands for at most."""

    kind: LayerKind
    most: int


class Heat:
    """What the layers of a plan take, for diagrams of its trace.

    Args:
        trace: what the plan was made of.
        plan: the plan.
    """

    def __init__(self, trace: Trace, plan: Plan) -> None:
        self._trace = trace
        self._has_devices = plan.mesh is not None and plan.mesh.devices > 1
        self._weights = {
            variable.weight: variable
            for variable in plan.variables
            if variable.kind == "weight" and variable.weight is not None
        }
        self._most = 1

    def of(self, diagram: Diagram) -> Diagram:
        """The diagram with heats for kinds, and with what each layer takes below its name."""
        rows = [row for box in boxes(diagram.models) for row in box.rows]
        self._most = max([self._size(row) for row in rows], default=0) or 1
        return replace(diagram, models=tuple(self._group(model) for model in diagram.models))

    def steps(self) -> list[HeatStep]:
        """The colors of the last diagram, the coldest first."""
        return [HeatStep(COLD, 0)] + [HeatStep(k, int(self._most * share)) for share, k in HEATS]

    def _member(self, member: Member) -> Member:
        return self._group(member) if isinstance(member, Group) else self._box(member)

    def _group(self, group: Group) -> Group:
        refs = [ref for box in boxes([group]) for row in box.rows for ref in row.node_refs]
        size = _on_device(self._in(refs))
        words = wording.size_in_memory(size) if size else ""
        note = joined(group.note, words)
        return replace(group, note=note, members=tuple(self._member(m) for m in group.members))

    def _box(self, box: Box) -> Box:
        return replace(box, rows=tuple(self._row(row) for row in box.rows))

    def _row(self, row: BoxRow) -> BoxRow:
        note = joined(row.note, self._words(row))
        kind = row.kind if row.failed else self._kind(self._size(row))
        tooltip = joined(row.tooltip, self._words(row))
        return replace(row, kind=kind, note=note, tooltip=tooltip, weights=(), again=False)

    def _kind(self, size: int) -> LayerKind:
        if not size:
            return COLD
        return next(kind for share, kind in HEATS if size <= self._most * share)

    def _size(self, row: BoxRow) -> int:
        return 0 if row.again else _on_device(self._in(row.node_refs))

    def _words(self, row: BoxRow) -> str:
        """Where the weights of a row lie and what they take: "(model,) · 80 of 250 MiB"."""
        weights = [] if row.again else self._in(row.node_refs)
        if not weights:
            return ""
        sizes = [_on_device(self._in_layer(id_)) for id_ in self._layers(row.node_refs)]
        sizes = [size for size in sizes if size]
        whole = wording.size_in_memory(_on_device(weights))
        alike = len(sizes) > 1 and len(set(sizes)) == 1 and sum(sizes) == _on_device(weights)
        words = f"{len(sizes):,}× {wording.size_in_memory(sizes[0])}" if alike else whole  # noqa: RUF001
        return joined(self._placement(weights), words)

    def _placement(self, weights: list[PlannedVariable]) -> str:
        """How the heaviest weight is split over the devices, and whether others are otherwise."""
        if not self._has_devices:
            return ""
        taken: dict[str, int] = {}
        for weight in weights:
            words = placements.of_axes(weight.axes)
            taken[words] = taken.get(words, 0) + weight.on_device
        ordered = sorted(taken, key=lambda words: -taken[words])
        whole = sum(taken.values())
        more = [words for words in ordered[1:] if taken[words] >= whole * MINOR]
        return f"{ordered[0]}, …" if more else ordered[0]

    def _in(self, refs: Iterable[NodeRef]) -> list[PlannedVariable]:
        """The weights of what is at these nodes, each once."""
        found: dict[int, PlannedVariable] = {}
        for layer in self._layers(refs):
            for weight in self._in_layer(layer):
                found[weight.id] = weight
        return list(found.values())

    def _in_layer(self, layer: int) -> list[PlannedVariable]:
        inside = self._trace.index.weights_within(layer)
        return [self._weights[weight.id] for weight in inside if weight.id in self._weights]

    def _layers(self, refs: Iterable[NodeRef]) -> list[int]:
        """The layers at these nodes, each once."""
        layers = (self._layer_by_node.get(ref) for ref in refs)
        return list(dict.fromkeys(layer for layer in layers if layer is not None))

    @cached_property
    def _layer_by_node(self) -> dict[tuple[int, int], int | None]:
        index = self._trace.index
        graphs = [*index.graph_by_model.values(), *index.part_graphs.values()]
        return {(g.model.id, node.id): node.layer for g in graphs for node in g.nodes}


def _on_device(weights: Iterable[PlannedVariable]) -> int:
    return sum(weight.on_device for weight in weights)
