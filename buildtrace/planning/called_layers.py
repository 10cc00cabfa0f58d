"""Which layers a model calls, and how often: those of the models and layers in it included.

A layer that calls others, and whose graph is known, stands for these. So each piece of work is met
once for each time that it is done, however deep it is nested.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from buildtrace.planning.einsum_sizes import filled_in
from buildtrace.traces.schema import LARGEST

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.traces.schema import Edge, Graph, Node, TensorSpec
    from buildtrace.traces.trace import Trace

KnownSizes = tuple[int, ...]
"""Of all axes of a tensor, the batch among them."""

PartlyKnown = tuple[int | None, ...]
"""The same, `None` for an axis of unknown size."""

MOST_HOPS = 20
"""One goes back through so many layers in a row of which Keras was not told all sizes."""


class CalledLayer(NamedTuple):
    """A layer, or an operation without one, that does its work itself.

    Attributes:
        graph: where it is called.
        node: this call of it.
        times: how often that happens when the outermost model runs once.
        samples: how many samples a batch had when the model was built; `None` for any number.
    """

    graph: Graph
    node: Node
    times: int
    samples: int | None

    def inputs(self, trace: Trace, batch: int, hops: int = MOST_HOPS) -> list[KnownSizes | None]:
        """The sizes of what goes in, in order: of one that is not known `None`.

        Args:
            trace: what the call is of.
            batch: how many samples there are.
            hops: how many layers one goes back for a size that Keras was not told.
        """
        edges = [edge for edge in self.graph.edges if edge.target == self.node.id]
        if edges or self.node.layer is None:
            return [self._comes(trace, batch, edge, hops) for edge in edges]
        calls = trace.index.calls_of(self.node.layer)
        like = next((call.inputs for call in calls if call.outputs == self.node.outputs), ())
        return [_whole(self._sizes(tensor, batch)) for tensor in like]

    def outputs(self, trace: Trace, batch: int, hops: int = MOST_HOPS) -> list[KnownSizes | None]:
        """The sizes of what comes out, as of `inputs`."""
        sizes = [self._sizes(tensor, batch) for tensor in self.node.outputs]
        if self.node.class_name == "EinsumDense" and len(sizes) == 1:
            return [self._filled_in(trace, batch, sizes[0], hops)]
        return [_whole(tensor) for tensor in sizes]

    def _comes(self, trace: Trace, batch: int, edge: Edge, hops: int) -> KnownSizes | None:
        """The sizes of a tensor that goes in; if not known, what its layer is known to give."""
        sizes = _whole(self._sizes(edge.tensor, batch))
        if sizes is None and hops:
            source = self._replace(node=self.graph.nodes[edge.source])
            given = source.outputs(trace, batch, hops - 1)
            return given[edge.output] if edge.output < len(given) else None
        return sizes

    def _sizes(self, tensor: TensorSpec, batch: int) -> PartlyKnown:
        """The sizes of a tensor's axes for a batch, `None` for one that is not known.

        The first axis is that of the batch where it is as long as that of the model's input.
        """
        if tensor.shape is None:
            return (None,)
        of_batch = bool(tensor.shape) and tensor.shape[0] in (None, self.samples)
        sizes = (batch, *tensor.shape[1:]) if of_batch else tensor.shape
        return tuple(size if size is not None and size >= 0 else None for size in sizes)

    def _filled_in(
        self, trace: Trace, batch: int, result: PartlyKnown, hops: int
    ) -> KnownSizes | None:
        """The sizes of what an `EinsumDense` gives: Keras is often told a part of them only."""
        inputs = self.inputs(trace, batch, hops)
        weights = trace.index.weights_within(self.node.layer)
        kernels = [_whole(weight.shape) for weight in weights if weight.name == "kernel"]
        whole = _whole(result)
        if whole is not None or len(inputs) != 1 or len(kernels) != 1:
            return whole
        given, kernel = inputs[0], kernels[0]
        return None if given is None or kernel is None else filled_in(given, kernel, result)


def called_layers(trace: Trace, graph: Graph) -> Iterator[CalledLayer]:
    """What does its work itself in a model and all that is in it; no inputs."""
    graphs = {**trace.index.graph_by_model, graph.model.id: graph}
    for model, times in _times(graphs, graph).items():
        inner = graphs[model]
        samples = _samples(inner)
        called = {edge.target for edge in inner.edges} | set(inner.outputs)
        for node in inner.nodes:
            is_called = bool(node.outputs) or node.id in called
            if is_called and node.kind != "input" and not _has_graph(graphs, node, inner):
                yield CalledLayer(inner, node, times, samples)


def _times(graphs: dict[int, Graph], outermost: Graph) -> dict[int, int]:
    """How often each graph runs when the outermost one does once, by the model's id."""
    inside: dict[int, Counter[int]] = {}
    inner_first: list[int] = []
    todo = [(outermost.model.id, False)]
    while todo:
        model, is_over = todo.pop()
        if is_over:
            inner_first.append(model)
        elif model not in inside:
            inside[model] = _calls(graphs, graphs[model])
            todo.append((model, True))
            todo += [(inner, False) for inner in inside[model]]
    place = {model: number for number, model in enumerate(inner_first)}
    times = {outermost.model.id: 1}
    for model in reversed(inner_first):
        for inner, calls in inside[model].items():
            if place[inner] < place[model]:  # a file may say that a model is inside of itself
                more = calls * times.get(model, 0)
                times[inner] = min(times.get(inner, 0) + more, LARGEST)
    return times


def _calls(graphs: dict[int, Graph], graph: Graph) -> Counter[int]:
    """How often a graph calls each layer that has a graph itself."""
    layers = [node.layer for node in graph.nodes if _has_graph(graphs, node, graph)]
    return Counter(layer for layer in layers if layer is not None)


def _has_graph(graphs: dict[int, Graph], node: Node, around: Graph) -> bool:
    return node.layer in graphs and node.layer != around.model.id


def _samples(graph: Graph) -> int | None:
    """The length of the first axis of a model's first input."""
    for node in graph.nodes:
        if node.id in graph.inputs and node.outputs and node.outputs[0].shape:
            return node.outputs[0].shape[0]
    return None


def _whole(sizes: PartlyKnown) -> KnownSizes | None:
    known = tuple(size for size in sizes if size is not None)
    return known if len(known) == len(sizes) else None
