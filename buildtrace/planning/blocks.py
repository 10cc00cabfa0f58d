"""The blocks of a build: the layers that its models list, those alike in a row as one block."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from buildtrace.traces.repeats import find_repeats

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from buildtrace.traces.schema import Graph, LayerRef, Weight
    from buildtrace.traces.trace import Trace


class Unit(NamedTuple):
    """A layer that a model lists, or one of no model, with the weights that no earlier one has.

    Attributes:
        layer: the layer.
        model: id of the outermost model around it; `None` if there is none.
        weights: those of the layers inside it included.
    """

    layer: LayerRef
    model: int | None
    weights: list[Weight]

    @property
    def kind(self) -> Hashable:
        """Equal for layers that are alike: of one class, with the same weights."""
        weights = [(w.name, w.shape, w.dtype, w.trainable, w.layout) for w in self.weights]
        return self.layer.class_name, self.model, tuple(weights)


class UnitRow(NamedTuple):
    """Units that follow one another, in rounds that are alike.

    Attributes:
        units: of all rounds.
        length: how many units a round has.
    """

    units: list[Unit]
    length: int = 1

    @property
    def repeats(self) -> int:
        """How many rounds there are."""
        return len(self.units) // self.length


def units_of(trace: Trace) -> list[Unit]:
    """The layers that have weights, each weight with the first layer that has it.

    Models inside of models are taken apart into their layers.
    """
    left = {weight.id: weight for weight in trace.weights if not weight.replaced}
    found = []
    for graph in trace.index.outermost_graphs:
        for layer in [*_listed(trace, graph), graph.model]:
            weights = trace.index.weights_within(layer.id)
            own = [left.pop(weight.id) for weight in weights if weight.id in left]
            if own:
                found.append(Unit(layer, graph.model.id, own))
    return sorted([*found, *_of_no_model(trace, left)], key=lambda unit: unit.weights[0].id)


def blocks_of(units: list[Unit]) -> list[UnitRow]:
    """The units, those in rows of like ones together."""
    blocks, place = [], 0
    for repeat in find_repeats([unit.kind for unit in units]):
        blocks += [UnitRow([unit]) for unit in units[place : repeat.start]]
        blocks.append(UnitRow(units[repeat.start : repeat.end], repeat.length))
        place = repeat.end
    return [*blocks, *(UnitRow([unit]) for unit in units[place:])]


def _listed(trace: Trace, graph: Graph) -> Iterator[LayerRef]:
    """The layers of a model and of models in it, these after theirs, each once.

    A loop, and no model is taken apart twice: a file may have them as deep and as often as may be.
    """
    seen = {graph.model.id}
    waiting: list[tuple[int, Graph | None]] = _parts(trace, graph)[::-1]
    while waiting:
        layer, inner = waiting.pop()
        if inner is not None and layer not in seen:
            waiting += [(layer, None), *_parts(trace, inner)[::-1]]
        elif inner is None:
            yield trace.index.layer_by_id[layer]
        seen.add(layer)


def _parts(trace: Trace, graph: Graph) -> list[tuple[int, Graph | None]]:
    """The layers that a model lists, each with its graph if it is to be taken apart."""
    nodes = sorted(graph.nodes, key=lambda node: (-node.depth, node.id))
    layers = {node.layer: node for node in nodes if node.layer not in (None, graph.model.id)}
    classes = Counter(node.class_name for node in layers.values())
    found: list[tuple[int, Graph | None]] = []
    for layer, node in layers.items():
        inner = trace.index.graph_by_model.get(-1 if layer is None else layer)
        # One of several alike is a block of a subclassed model, the only one may be all of it.
        if inner is not None and inner.source != "keras" and classes[node.class_name] > 1:
            inner = None
        if layer is not None:
            found.append((layer, inner))
    return found


def _of_no_model(trace: Trace, left: dict[int, Weight]) -> list[Unit]:
    """What is left: by the outermost layer that is known to hold it."""
    held: dict[int, list[Weight]] = {}
    for weight in left.values():
        if weight.layer is not None:
            held.setdefault(_outermost(trace, weight.layer), []).append(weight)
    return [Unit(trace.index.layer_by_id[id_], None, weights) for id_, weights in held.items()]


def _outermost(trace: Trace, layer: int) -> int:
    seen = {layer}
    while (holder := trace.index.holder_of(layer)) is not None and holder.id not in seen:
        layer = holder.id
        seen.add(layer)
    return layer
