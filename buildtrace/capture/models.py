"""What becomes of a tree of calls: the weights that were made, and the models' graphs.

A model is read when the tree of calls that built it is over, and not later: by the time the
trace is asked for, the model may be gone.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from buildtrace.capture import snapshot
from buildtrace.capture.record import WeightRecord
from buildtrace.generations.base import class_name
from buildtrace.trace import Edge, Node

if TYPE_CHECKING:
    from collections.abc import Sequence

    from buildtrace.capture.flow import Flow
    from buildtrace.capture.record import Record
    from buildtrace.generations import Adapter
    from buildtrace.generations.base import NodeFacts
    from buildtrace.trace import LayerRef


@dataclass
class GraphRecord:
    """A model's graph as plain data; layers and weights are named by the process's numbers.

    Attributes:
        order: when it was last read, among all calls of the process.
    """

    model: LayerRef
    source: Literal["keras", "flow"]
    built: bool
    nodes: list[Node] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    inputs: list[int] = field(default_factory=list)
    outputs: list[int] = field(default_factory=list)
    weights: list[int] = field(default_factory=list)
    order: int = 0


class Models:
    """The weights and graphs that were seen, by number of variable and of layer."""

    def __init__(self, layers: snapshot.Numbers) -> None:
        """`layers` is what numbers the layers."""
        self.weights: dict[int, WeightRecord] = {}
        self.graphs: dict[int, GraphRecord] = {}
        self._layers = layers
        self._variables = snapshot.Numbers()
        self._made = itertools.count()
        self._flows: dict[int, Flow] = {}

    # -- weights ------------------------------------------------------------------------------

    def add_weight(self, record: Record, variable: Any) -> None:
        """`record` is a call of `add_weight` that returned this variable."""
        weight = self._weight(variable, record.layer, record.probe.adapter)
        if weight is None:
            return  # a layer may hand out one variable twice
        weight.call = record
        weight.layer = None if record.ref is None else record.ref.id
        asked = _arguments(record)
        weight.initializer = (
            record.note or weight.facts.initializer or class_name(asked.get("initializer"))
        )
        weight.facts = weight.facts._replace(
            name=asked.get("name") or weight.facts.name,
            regularizer=weight.facts.regularizer or class_name(asked.get("regularizer")),
            constraint=weight.facts.constraint or class_name(asked.get("constraint")),
        )

    def adopt_weights(self, record: Record, made: Record | None) -> None:
        """What the layer of `record` holds, and nobody saw made, was made by the call `made`."""
        if record.ref is not None:
            self._adopt(record.layer, record.ref.id, record.probe.adapter, made)

    def _adopt(self, layer: Any, number: int, adapter: Adapter, call: Record | None) -> None:
        for variable in adapter.own_weights(layer):
            weight = self._weight(variable, layer, adapter)
            if weight is not None:
                weight.call, weight.layer = call, number

    def _weight(self, variable: Any, layer: Any, adapter: Adapter) -> WeightRecord | None:
        """A new weight for a variable that is not known yet."""
        if self._variables.known(variable) is not None:
            return None
        facts = adapter.weight_facts(variable, layer)
        number = self._variables.number(variable)
        self.weights[number] = WeightRecord(next(self._made), number, facts)
        return self.weights[number]

    # -- graphs -------------------------------------------------------------------------------

    def note_flow(self, record: Record) -> None:
        """A layer's call is over in which other layers ran: keep the best view of that."""
        flow = record.flow
        if flow is None or not flow.has_layers or record.ref is None or record.error is not None:
            return
        flow = flow.closed(record.probe.adapter.fills)
        known = self._flows.get(record.ref.id)
        if known is None or flow.unknowns < known.unknowns:
            self._flows[record.ref.id] = flow

    def close_tree(self, records: Sequence[Record]) -> None:
        """A tree of calls is over: read the models that were built in it."""
        seen: dict[int, tuple[Any, Adapter]] = {}
        for record in records:
            if record.layer is not None and record.ref is not None:
                seen[record.ref.id] = (record.layer, record.probe.adapter)
        inner = {id(adapter.inner_model(layer)) for layer, adapter in seen.values()}
        for number, (layer, adapter) in seen.items():
            self._adopt(layer, number, adapter, None)
            if id(layer) in inner:
                continue
            if isinstance(layer, adapter.model_class) or self._is_composite(number, layer, adapter):
                graph = self._graph(number, layer, adapter)
                if graph is not None:
                    graph.order = records[-1].order
                    self.graphs[number] = graph

    def _is_composite(self, number: int, layer: Any, adapter: Adapter) -> bool:
        """Whether this is a layer of the user's with layers inside: worth a graph of its own."""
        return number in self._flows and not adapter.is_own(layer)

    def _graph(self, number: int, model: Any, adapter: Adapter) -> GraphRecord | None:
        facts = adapter.graph_nodes(model)
        graph = GraphRecord(
            model=snapshot.layer_ref(model, number),
            source="flow" if facts is None else "keras",
            built=adapter.state(model).get("built", False),
        )
        if facts is not None:
            self._read_keras_graph(graph, list(facts), adapter.graph_ends(model), adapter)
        elif number in self._flows:
            self._read_flow(graph, self._flows[number], model, adapter)
        else:
            self._add_unused(graph, model, adapter)
        if not graph.nodes:
            return None
        for layer in adapter.all_layers(model):
            self._adopt(layer, self._layers.number(layer), adapter, None)
        numbers = [self._variables.known(variable) for variable in adapter.model_weights(model)]
        graph.weights = [number for number in numbers if number is not None]
        return graph

    def _read_keras_graph(
        self,
        graph: GraphRecord,
        facts: list[NodeFacts],
        ends: tuple[list[int], list[int]],
        adapter: Adapter,
    ) -> None:
        places = {node.key: place for place, node in enumerate(facts)}
        for place, node in enumerate(facts):
            graph.nodes.append(self._keras_node(place, node, adapter))
            for origin, tensor in node.inputs:
                if origin in places:
                    made = snapshot.spec(tensor.shape, tensor.dtype)
                    graph.edges.append(Edge(source=places[origin], target=place, tensor=made))
        graph.inputs = [places[key] for key in ends[0] if key in places]
        graph.outputs = [places[key] for key in ends[1] if key in places]

    def _keras_node(self, place: int, facts: NodeFacts, adapter: Adapter) -> Node:
        thing = facts.operation
        plain = adapter.is_operation(thing)
        is_layer = isinstance(thing, adapter.layer_class)
        number = self._layers.number(thing)
        ref = snapshot.layer_ref(thing, number)
        kind: Literal["input", "layer", "model", "operation"] = "layer"
        if facts.is_input:
            kind = "input"
        elif plain:
            kind = "operation"
        elif isinstance(thing, adapter.model_class) or self._is_composite(number, thing, adapter):
            kind = "model"
        return Node(
            id=place,
            layer=number if is_layer else None,
            name=ref.name,
            class_name=ref.class_name,
            depth=facts.depth,
            index=facts.call_index,
            built=adapter.state(thing)["built"] if is_layer else True,
            kind=kind,
            outputs=snapshot.specs(facts.outputs),
        )

    def _read_flow(self, graph: GraphRecord, flow: Flow, model: Any, adapter: Adapter) -> None:
        layers = {self._layers.number(layer): layer for layer in adapter.all_layers(model)}
        calls: dict[int, int] = {}
        for place, made in enumerate(flow.nodes):
            layer = None if made.number is None else layers.get(made.number)
            kind: Literal["input", "layer", "model", "operation"] = made.kind
            index = 0
            if made.number is not None:
                index = calls[made.number] = calls.get(made.number, -1) + 1
                if isinstance(layer, adapter.model_class) or made.number in self.graphs:
                    kind = "model"
            graph.nodes.append(
                Node(
                    id=place,
                    layer=made.number,
                    name=made.name,
                    class_name=made.class_name,
                    depth=flow.depths[place],
                    index=index,
                    built=layer is None or adapter.state(layer)["built"],
                    kind=kind,
                    outputs=made.outputs,
                )
            )
            graph.edges += [Edge(source=s, target=place, tensor=t) for s, t in made.sources]
        graph.inputs = [node.id for node in graph.nodes if node.kind == "input"]
        graph.outputs = flow.outputs
        self._add_unused(graph, model, adapter)

    def _add_unused(self, graph: GraphRecord, model: Any, adapter: Adapter) -> None:
        """Layers that the model holds, and that nobody called: nodes without an edge."""
        used = {node.layer for node in graph.nodes}
        for layer in adapter.top_layers(model):
            number = self._layers.number(layer)
            if number in used:
                continue
            ref = snapshot.layer_ref(layer, number)
            graph.nodes.append(
                Node(
                    id=len(graph.nodes),
                    layer=number,
                    name=ref.name,
                    class_name=ref.class_name,
                    depth=0,
                    built=adapter.state(layer)["built"],
                    kind="model" if isinstance(layer, adapter.model_class) else "layer",
                )
            )


def _arguments(record: Record) -> dict[str, Any]:
    """The arguments of an `add_weight`, by name: their order differs between versions."""
    positional: dict[str, Any] = dict(zip(record.probe.parameters, record.args[1:], strict=False))
    return {**positional, **record.kwargs}
