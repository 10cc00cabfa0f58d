"""The layers of one trace, and which is in which: in a model's graph, or in another layer."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from buildtrace.traces.lazy import cached_property
from buildtrace.traces.normalize import automatic

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from buildtrace.traces.schema import Call, Graph, LayerRef, Node, TensorSpec, Weight
    from buildtrace.traces.trace import Trace

_INPUT = "_input"
"""What Keras 2 puts behind a layer's name to name the input that it makes for it."""

_OPERATION = re.compile(r"(?:.*\.)?(?:reduce_)?(.*?)(?:v\d+)?(?:_\d+)?$", re.IGNORECASE)


def operation(node: Node) -> str:
    """What an operation without a layer does: "tf.math.subtract_1" and "Subtract" are one thing."""
    name = node.name if node.class_name.endswith("OpLambda") else node.class_name
    match = _OPERATION.match(name)
    return (match.group(1) if match else name).replace("_", "").lower()


def is_input(node: Node) -> bool:
    """Whether the node is where data comes in."""
    return node.kind == "input"


class LayerTree:
    """The layers of one trace.

    Attributes:
        trace: whose.
        graphs: the graph of each model, by the model's id.
        inside: the layers in each layer, in the order of its graph, or else of appearance; those
            in no other are under `None`.
        owner: the layer that each is in.
        alias: models that another model keeps inside to run its graph, and that other model: as
            far as a reader is concerned they are one.
    """

    def __init__(self, trace: Trace) -> None:
        """Look all layers of the trace up."""
        self.trace = trace
        self.graphs: dict[int, Graph] = trace.index.graph_by_model
        self.inside: dict[int | None, list[int]] = {}
        self.owner: dict[int, int | None] = {}
        self.alias: dict[int, int] = {}
        self._find_owners()

    @cached_property
    def layers(self) -> dict[int, LayerRef]:
        """All layers by id, the few that only a state speaks of included."""
        layers = dict(self.trace.layers)
        for state in self.trace.states:
            for ref in (state.layer, *state.children):
                layers.setdefault(ref.id, ref)
        return layers

    def _find_owners(self) -> None:
        """Find out which layer is in which, from the best witness to the poorest."""
        for graph in self.trace.graphs:
            inputs = [graph.nodes[id_] for id_ in graph.inputs]
            for node in (*inputs, *graph.nodes):
                if node.layer is not None:
                    self._put(node.layer, graph.model.id)
        for state in self.trace.states:
            for child in state.children:
                self._put(child.id, state.layer.id)
        around: dict[int | None, int | None] = {None: None}
        for call in self.trace.calls:
            outer = around[call.parent]
            around[call.id] = call.layer.id if call.layer else outer
            if call.layer is None or outer in (None, call.layer.id):
                continue
            if call.step == "graph" and outer in self.graphs and call.layer.id not in self.graphs:
                self.alias[call.layer.id] = outer
            elif call.step in ("connect", "build"):
                self._put(call.layer.id, outer)
        for call in self.trace.calls:
            if call.layer:
                self._put(call.layer.id, None)
        for id_ in self.layers:
            self._put(id_, None)

    def _put(self, layer: int, owner: int | None) -> None:
        if layer in self.alias or layer in self._operations or layer in self.owner:
            return
        above = owner if layer in self.inside or layer == owner else None
        while above is not None:
            if above == layer:
                return  # a layer that is called inside of one that it holds, or holds itself
            above = self.owner.get(above)
        self.owner[layer] = owner
        self.inside.setdefault(owner, []).append(layer)

    # -- what can be said of a layer -----------------------------------------------------------

    @cached_property
    def _operations(self) -> dict[int, str]:
        nodes = [n for g in self.trace.graphs for n in g.nodes if n.kind == "operation"]
        operations = {node.layer: operation(node) for node in nodes if node.layer is not None}
        named = {(n.name, n.class_name): operation(n) for n in nodes if n.layer is None}
        for layer, ref in self.layers.items():
            if (ref.name, ref.class_name) in named and not self.weights(layer):
                operations[layer] = named[ref.name, ref.class_name]
        return operations

    def is_operation(self, layer: int) -> bool:
        """Whether it is no layer, or one in name only: an operation between layers."""
        return layer in self._operations

    def operation(self, layer: int) -> str:
        """What it does, if it is an operation."""
        return self._operations[layer]

    @cached_property
    def first_calls(self) -> dict[int, Call]:
        """The first call of whatever landmark on each layer, if there is one."""
        return {call.layer.id: call for call in self.trace.calls[::-1] if call.layer is not None}

    def name(self, layer: int) -> str | None:
        """The name that the user gave it; `None` if Keras made one."""
        ref = self.layers[layer]
        if automatic(ref.name, ref.class_name) is not None:
            return None
        if ref.class_name == "InputLayer" and ref.name.removesuffix(_INPUT) in self._names:
            return None
        return ref.name

    @cached_property
    def _names(self) -> set[str]:
        return {ref.name for ref in self.layers.values()}

    def scope(self, name: str, layer: int) -> str | int:
        """What a part of the path of a layer's weight says, whatever its layers are called.

        How far out the layer of this name is, 0 for the layer itself; nothing much if it is
        another layer's name; else the name.
        """
        above: int | None = layer
        distance = 0
        while above is not None:
            if self.layers[above].name == name:
                return distance
            above, distance = self.owner.get(above), distance + 1
        return "" if name in self._names else name

    def weights(self, layer: int) -> list[Weight]:
        """The weights that were made for it, in order of making, replaced ones as well."""
        return self._weights.get(layer, [])

    @cached_property
    def _weights(self) -> dict[int, list[Weight]]:
        weights: dict[int, list[Weight]] = {}
        for weight in self.trace.weights:
            if weight.layer is not None:
                weights.setdefault(weight.layer, []).append(weight)
        return weights

    @cached_property
    def _parameters(self) -> dict[int, int]:
        parameters: dict[int, int] = {}
        for weight in self.trace.weights:
            above = None if weight.replaced else weight.layer
            while above is not None:
                parameters[above] = parameters.get(above, 0) + weight.parameters
                above = self.owner.get(above)
        return parameters

    def parameters(self, layer: int) -> int:
        """How many parameters it has, with all layers in it."""
        return self._parameters.get(layer, 0)

    def shapes(self, layer: int) -> int:
        """Equal for layers of one class with weights of the same shapes, inside them as well."""
        return self._shapes[layer]

    @cached_property
    def _shapes(self) -> dict[int, int]:
        # A hash, and from the inside out: layers may be nested deeper than Python compares tuples.
        shapes: dict[int, int] = {}
        for layer in reversed(self._outer_first()):
            own = tuple((w.name, w.shape) for w in self.weights(layer))
            inner = tuple(shapes[inner] for inner in self.inside.get(layer, ()))
            shapes[layer] = hash((self.layers[layer].class_name, own, inner))
        return shapes

    def _outer_first(self) -> list[int]:
        """All layers, each before those inside it."""
        layers = [layer for layer in self.layers if self.owner.get(layer) is None]
        for layer in layers:  # it grows meanwhile
            layers += self.inside.get(layer, ())
        return layers

    @cached_property
    def surroundings(self) -> dict[int, Hashable]:
        """Equal for layers of one kind that have the same before and behind them in their graph."""
        return {
            layer: token
            for model in self.graphs
            for layer, token in _surroundings(self, self.graphs[model])
        }

    @cached_property
    def inputs(self) -> dict[int, tuple[TensorSpec, ...]]:
        """What the first call of each layer was given."""
        inputs: dict[int, tuple[TensorSpec, ...]] = {}
        for graph in self.trace.graphs:
            given: dict[int, list[TensorSpec]] = {}
            for edge in graph.edges:
                given.setdefault(edge.target, []).append(edge.tensor)
            for node in graph.nodes:
                if node.layer is not None and node.id in given:
                    inputs.setdefault(node.layer, tuple(given[node.id]))
        for call in self.trace.calls:
            if call.layer is not None and call.inputs:
                inputs.setdefault(call.layer.id, call.inputs)
        return inputs

    def outputs(self, layer: int) -> tuple[TensorSpec, ...]:
        """What came out of the first call of a layer."""
        return self._outputs.get(layer, ())

    @cached_property
    def _outputs(self) -> dict[int, tuple[TensorSpec, ...]]:
        outputs: dict[int, tuple[TensorSpec, ...]] = {}
        for graph in self.trace.graphs:
            for node in graph.nodes:
                if node.layer is not None:
                    outputs.setdefault(node.layer, node.outputs)
        return outputs


def _surroundings(tree: LayerTree, graph: Graph) -> Iterator[tuple[int, Hashable]]:
    """For each layer of a graph, its own kind with numbers for what is before and behind it."""
    numbers: dict[Hashable, int] = {}
    before: dict[int, list[int]] = {}
    behind: dict[int, list[int]] = {}
    for edge in graph.edges:
        before.setdefault(edge.target, []).append(edge.source)
        behind.setdefault(edge.source, []).append(edge.target)
    kinds = [_kind(tree, node) for node in graph.nodes]
    ways: list[dict[int, int]] = []
    for links, nodes in ((before, graph.nodes), (behind, graph.nodes[::-1])):
        number_of: dict[int, int] = {}
        for node in nodes:
            linked = [number_of.get(other, -1) for other in links.get(node.id, [])]
            key = (kinds[node.id], *(linked if links is before else sorted(linked)))
            number_of[node.id] = numbers.setdefault(key, len(numbers))
        ways.append(number_of)
    for node in graph.nodes:
        if node.layer is not None:
            yield node.layer, (ways[0][node.id], ways[1][node.id], kinds[node.id])


def _kind(tree: LayerTree, node: Node) -> Hashable:
    if node.kind == "operation" or node.layer is None:
        return (node.kind, operation(node))
    return tree.shapes(node.layer)
