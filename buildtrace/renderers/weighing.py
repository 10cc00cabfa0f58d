"""Which weights belong to which layer, the layers inside it included."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from buildtrace.traces.schema import Graph
    from buildtrace.traces.trace import Trace


class Weighing:
    """Counts the parameters of layers and models; each weight once, however often it is used."""

    def __init__(self, trace: Trace) -> None:
        self._sizes = {weight.id: weight.parameters for weight in trace.weights}
        self._weights: dict[int, set[int]] = {}
        for weight in trace.weights:
            owners = {weight.layer} | _layers_around(trace, weight.call)
            for owner in owners - {None}:
                self._weights.setdefault(owner, set()).add(weight.id)  # type: ignore[arg-type]
        graphs = {graph.model.id: graph for graph in trace.graphs}
        for model in graphs:
            self._weights[model] = self._inside(model, graphs, set())

    def _inside(self, layer: int, graphs: dict[int, Graph], seen: set[int]) -> set[int]:
        """The weights of a layer, and if it is a model, of the layers in its graph."""
        found = set(self._weights.get(layer, ()))
        if layer in graphs and layer not in seen:
            seen.add(layer)
            found.update(graphs[layer].weights)
            for node in graphs[layer].nodes:
                if node.layer is not None:
                    found |= self._inside(node.layer, graphs, seen)
        return found

    def parameters(self, layers: Iterable[int | None]) -> int:
        """Number of parameters in the weights of these layers."""
        found: set[int] = set()
        for layer in layers:
            found |= self._weights.get(layer, set()) if layer is not None else set()
        return sum(self._sizes.get(weight, 0) for weight in found)


def _layers_around(trace: Trace, call_id: int | None) -> set[int | None]:
    """The layers that were at work when the weight was made."""
    if call_id is None:
        return set()
    call = trace.call(call_id)
    return {c.layer.id for c in (call, *trace.ancestors(call)) if c.layer is not None}
