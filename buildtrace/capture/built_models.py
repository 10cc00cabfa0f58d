"""What becomes of a tree of calls: the weights that were made, and the models' graphs.

A model is read when the tree of calls that built it is over, and not later: by the time the
trace is asked for, the model may be gone.
"""

from __future__ import annotations

import contextlib
import itertools
import weakref
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import msgspec

from buildtrace.capture import kept_state, snapshot
from buildtrace.capture.distributions import Distributions
from buildtrace.capture.held import Held
from buildtrace.capture.preprocessing import Preprocessing
from buildtrace.capture.record import WeightRecord
from buildtrace.capture.states import States
from buildtrace.generations.base import NodeFacts, class_name, flat, origin, output_index
from buildtrace.traces.schema import Edge, LayerRef, Node

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Sequence

    from buildtrace.capture.flow import DataFlow
    from buildtrace.capture.given_targets import GivenTargets
    from buildtrace.capture.record import Record, UseRecord
    from buildtrace.generations import Adapter
    from buildtrace.generations.base import WeightFacts


@dataclass
class GraphRecord:
    """A model's graph as plain data; layers and weights are named by the process's numbers.

    Attributes:
        layer_weights: of each layer of the nodes, with those of the layers in it.
        trained: those of the weights that the model trains; `None` if all that are trainable.
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
    missing: list[int] = field(default_factory=list)
    unfinished: bool = False
    layer_weights: dict[int, list[int]] = field(default_factory=dict)
    trained: set[int] | None = None
    order: int = 0


UNFINISHED = "unfinished"
"""Stands for the name of a functional model that nobody came to make."""

_OFTEN = 8
"""After so many builds of one model, not every one is read."""


class _Unread(NamedTuple):
    """A model that was built again after it was read."""

    model: weakref.ref[Any]
    class_name: str
    adapter: Adapter
    order: int


class _Unmade:
    """Stands for a functional model that nobody came to make."""


class Models:
    """The weights and graphs that were seen, by number of variable and of layer."""

    def __init__(self, layers: snapshot.Layers, targets: GivenTargets) -> None:
        """Start with nothing seen.

        Args:
            layers: numbers the layers.
            targets: those that the running dry fits were given.
        """
        self.weights: dict[int, WeightRecord] = {}
        self.graphs: dict[int, GraphRecord] = {}
        self._variables = snapshot.Numbers()
        self.states = States(layers, lambda one: self._variables.known(one) is not None)
        self.preprocessing = Preprocessing(layers)
        self.leaks: list[UseRecord] = []
        self.distributions = Distributions()
        self._layers = layers
        self.held = Held(layers, self._weight, targets, self.distributions)
        self._orders = itertools.count()
        self._flows: dict[int, DataFlow] = {}
        self._builds: dict[int, int] = {}
        self._unread: dict[int, _Unread] = {}
        self._unmade = _Unmade()
        self._wholes: dict[int, tuple[weakref.ref[Any], Adapter]] = {}
        self._read_ones: dict[int, tuple[weakref.ref[Any], Adapter]] = {}
        self._adapters: dict[int, Adapter] = {}
        self._last = -1

    # -- weights ------------------------------------------------------------------------------

    def add_weight(self, record: Record, variable: Any) -> None:
        """Add a variable that a call of `add_weight` returned."""
        if self._variables.known(variable) is not None:
            return  # a layer may hand out one variable twice
        for part in record.hooked.adapter.parts(variable):
            self._add_part(record, part)

    def _add_part(self, record: Record, variable: Any) -> None:
        given = record.hooked.named_arguments(record)
        facts = record.hooked.adapter.weight_facts(variable, record.layer)
        self._add(
            variable,
            facts,
            given.get("name") or facts.name,
            record.initializer or facts.initializer or class_name(given.get("initializer")),
            facts.regularizer or class_name(given.get("regularizer")),
            facts.constraint or class_name(given.get("constraint")),
            record,
            record.number,
            record.hooked.adapter,
        )

    def adopt_weights(self, record: Record, maker: Record | None) -> None:
        """Add weights of the layer of `record` that nobody saw being made, as made by `maker`."""
        if record.number is not None:
            self._adopt(record.layer, record.number, record.hooked.adapter, maker)

    def own_weights(self, record: Record) -> tuple[int, ...]:
        """The numbers of all weights that the layer of `record` itself holds, in its order."""
        self.adopt_weights(record, None)
        held = record.hooked.adapter.own_weights(record.layer)
        return tuple([self._variables.number(variable) for variable in held])

    def _adopt(self, layer: Any, number: int, adapter: Adapter, call: Record | None) -> None:
        held = adapter.own_weights(layer)
        for variable in self._variables.unknown(held) if held else ():
            facts = adapter.weight_facts(variable, layer)
            kinds = facts.initializer, facts.regularizer, facts.constraint
            self._add(variable, facts, facts.name, *kinds, call, number, adapter)

    def _add(
        self,
        variable: Any,
        facts: WeightFacts,
        name: str,
        initializer: str | None,
        regularizer: str | None,
        constraint: str | None,
        call: Record | None,
        layer: int | None,
        adapter: Adapter,
    ) -> None:
        number = self._variables.number(variable)
        self.weights[number] = WeightRecord(
            next(self._orders),
            number,
            facts,
            name,
            initializer,
            regularizer,
            constraint,
            call,
            layer,
            layout=self.distributions.layout_of(variable, adapter),
        )

    def _weight(self, variable: Any) -> WeightRecord | None:
        """What is known of a variable as a weight."""
        number = self._variables.known(variable)
        return None if number is None else self.weights.get(number)

    # -- graphs -------------------------------------------------------------------------------

    def note_flow(self, record: Record) -> None:
        """Keep what flowed in a call that is over, if no earlier call of the layer showed more."""
        flow = record.flow
        number = record.number
        if flow is None or number is None:
            return
        flow.failed = record.error is not None
        flow = flow.closed(record.hooked.adapter.fills)
        if not flow.has_layers:
            return
        known = self._flows.get(number)
        if known is None or flow.unknowns < known.unknowns:
            self._flows[number] = flow

    def close_tree(self, records: Sequence[Record]) -> None:
        """Read the models that were built in a tree of calls that is over."""
        seen = {
            record.number: record
            for record in records
            if record.number is not None
            and record.layer is not None
            and not record.hooked.of_training
        }
        self.distributions.note_current(records[0].hooked.adapter, records[-1].order)
        self._read_trained(records, seen)
        errors = [record for record in records if record.error is not None]
        failed = {record.number for record in errors}
        unmade = {record.number for record in errors if record.hooked.makes_graph}
        models = {}
        for number, record in seen.items():
            layer, adapter = record.layer, record.hooked.adapter
            self._adapters[number] = adapter
            self._layers.read(layer, number)
            if number in failed or not adapter.is_own(layer):
                self.states.read(records[0], layer, number, adapter)
            self._adopt(layer, number, adapter, None)
            if number in unmade:
                continue  # its graph was kept by `note_failed`
            if isinstance(layer, adapter.model_class) or number in self._flows:
                models[number] = layer, adapter
        if not models:
            return
        self.read_wholes(records[-1].order, models)
        inner = {id(adapter.inner_model(layer)) for layer, adapter in models.values()}
        inner |= {id(record.layer) for record in records if _is_of_a_stack(record)}
        for number, (layer, adapter) in models.items():
            if id(layer) not in inner:
                self._read_when_due(number, layer, adapter, records[-1].order)

    def _read_trained(self, records: Sequence[Record], seen: Container[int | None]) -> None:
        """Read the models that are made ready to be trained, if they were built unseen.

        Their weights are what an optimizer makes variables for.
        """
        for record in records:
            number, model, adapter = record.number, record.layer, record.hooked.adapter
            if number is None or model is None or not record.hooked.of_training:
                continue
            if number in seen or number in self.graphs or not adapter.state(model).get("built"):
                continue
            if adapter.graph_nodes(model) is not None:
                self._read(number, model, adapter, record.order)
            else:
                for layer in adapter.all_layers(model):
                    self._adopt(layer, self._layers.number(layer), adapter, None)

    def note_whole(self, model: Any, adapter: Adapter) -> None:
        """Remember a model of the user's: it may be used through its parts, without its `call`."""
        if isinstance(model, adapter.model_class) and not adapter.is_own(model):
            self._wholes[self._layers.number(model)] = weakref.ref(model), adapter

    def read_wholes(self, order: int, others: Container[int] = ()) -> None:
        """Read the models whose `call` has not run, and of which a part is built.

        Args:
            order: the moment, among all calls of the process.
            others: numbers of models that are read anyway.
        """
        self._last = order
        for number, (reference, adapter) in list(self._wholes.items()):
            model = reference()
            if model is None or number in self._flows or adapter.graph_nodes(model) is not None:
                del self._wholes[number]
            elif number not in others and any(
                adapter.state(part)["built"] for part in adapter.top_layers(model)
            ):
                self._layers.read(model, number)
                self._read_when_due(number, model, adapter, order)

    def _read_when_due(self, number: int, model: Any, adapter: Adapter, order: int) -> None:
        """Read a model that was built, but not each time if that happens again and again.

        `Sequential.add` builds the whole model anew for each layer.
        """
        builds = self._builds[number] = self._builds.get(number, 0) + 1
        if builds % (1 + builds // _OFTEN) == 0:
            self._read(number, model, adapter, order)
        else:
            self._unread[number] = _Unread(weakref.ref(model), type(model).__name__, adapter, order)

    def _read(self, number: int, model: Any, adapter: Adapter, order: int) -> None:
        self._unread.pop(number, None)
        graph = self._graph(number, model, adapter)
        if graph is not None:
            graph.order = order
            self.graphs[number] = graph
            self._read_ones[number] = weakref.ref(model), adapter

    def read_rest(self) -> list[str]:
        """Read the models that have changed since they were read last.

        Returns:
            For each that is gone by now, what to tell the user.
        """
        problems = []
        self.read_wholes(self._last)
        for number, unread in list(self._unread.items()):
            model = unread.model()
            if model is None:
                del self._unread[number]
                problems.append(f"a {unread.class_name} was gone before its last layers were read")
            else:
                self._read(number, model, unread.adapter, unread.order)
        self._read_again()
        self.preprocessing.read_rest()
        self.held.read_rest()
        self.distributions.read_rest()
        return problems

    def _read_again(self) -> None:
        """Read what became of weights since: frozen, quantized, put aside, or made after the build.

        What is gone by now was last read when the tree of calls that built it was over.
        """
        for number, (reference, adapter) in list(self._read_ones.items()):
            model, graph = reference(), self.graphs[number]
            if model is not None:
                with contextlib.suppress(Exception):  # odd by now: it stays as it was read then
                    self._read_weights(graph, model, adapter)
                    trained = adapter.trained_by(model)
                    graph.trained = None if trained is None else set(self._known(trained))
        self.leaks.clear()
        held: set[int] = set()
        living: set[int] = set()
        for number, layer in self._layers.living():
            of_layer = self._adapters.get(number)
            if of_layer is not None and isinstance(layer, of_layer.layer_class):
                with contextlib.suppress(Exception):
                    held.update(self._read_held(layer, number, of_layer))
                    living.add(number)
                    self.leaks += kept_state.leaks(number, layer, of_layer, self._last)
        for weight in list(self.weights.values()):
            if weight.layer in living:
                weight.replaced = weight.number not in held

    def _read_held(self, layer: Any, number: int, adapter: Adapter) -> Iterator[int]:
        """Read which weights a layer holds itself by now, and what has become of its own."""
        self._adopt(layer, number, adapter, None)
        for variable in adapter.own_weights(layer):
            weight = self._weight(variable)
            if weight is not None:
                yield weight.number
                if weight.layer == number:
                    weight.facts = weight.facts._replace(
                        trainable=adapter.is_trainable(variable, layer),
                        placement=adapter.placement(variable),  # unknown until it was initialized
                    )
                    if weight.layout is None:
                        weight.layout = self.distributions.layout_of(variable, adapter)

    def note_failed(self, record: Record) -> None:
        """Keep the graph that a functional model would have had, had it not failed."""
        named = record.kwargs.get("inputs"), record.kwargs.get("outputs")
        given = [ends for ends in (*record.args[1:3], *named) if ends is not None]
        adapter = record.hooked.adapter
        inputs, outputs = (
            [leaf for leaf in flat(ends) if isinstance(leaf, adapter.tensor_class)]
            for ends in [*given, (), ()][:2]
        )
        number = self._layers.number(record.layer)
        graph = GraphRecord(snapshot.layer_ref(record.layer, number), "keras", built=False)
        facts = list(adapter.nodes_behind(outputs))
        ends = [origin(tensor) for tensor in inputs], [origin(tensor) for tensor in outputs]
        self._read_keras_graph(graph, facts, ends, adapter)
        graph.missing = [
            node_id
            for node_id, node in enumerate(facts)
            if node.is_input and node.key not in ends[0]
        ]
        graph.order = record.order
        self.graphs[number] = graph

    def note_unfinished(
        self,
        adapter: Adapter,
        order: int,
        layer: Any,
        inputs: list[Any],
        others: list[Any],
        owner: Any = None,
    ) -> None:
        """Keep the graph that was being put together when a layer failed.

        Args:
            adapter: of its Keras.
            order: when that was, among all calls of the process.
            layer: the layer, or operation; `None` if none is to blame.
            inputs: the symbolic tensors that it was called on.
            others: more of them that belong to the graph.
            owner: the model whose graph it was to be; `None` if there is no model as yet.
        """
        inputs, others = _of_keras(inputs, adapter), _of_keras(others, adapter)
        number = self._layers.number(self._unmade if owner is None else owner)
        if owner is None:
            ref = LayerRef(id=number, name=UNFINISHED, class_name="Functional")
        else:
            ref = snapshot.layer_ref(owner, number)
        graph = GraphRecord(ref, "keras", built=False, unfinished=True, order=order)
        facts = [
            node._replace(depth=node.depth + 1)  # what failed comes after them all
            for node in adapter.nodes_behind([*inputs, *others])
        ]
        node_ids = {node.key: node_id for node_id, node in enumerate(facts)}
        self._read_keras_graph(graph, facts, ([], []), adapter)
        graph.inputs = [node.id for node in graph.nodes if node.kind == "input"]
        if layer is not None:
            graph.outputs = [len(facts)]
            graph.nodes.append(self._failed_node(len(facts), layer, adapter))
            for tensor in inputs:
                source = node_ids.get(origin(tensor))  # none behind a bare KerasTensor
                if source is not None:
                    graph.edges.append(_edge(source, len(facts), tensor))
        if owner is not None:
            self._add_unused(graph, owner, adapter)
        self.graphs[number] = graph

    def _failed_node(self, node_id: int, layer: Any, adapter: Adapter) -> Node:
        calls = len(getattr(layer, "_inbound_nodes", ()))
        facts = NodeFacts(layer, calls, 0, 0, [], [], is_input=False)
        return msgspec.structs.replace(self._keras_node(node_id, facts, adapter), failed=True)

    def graphs_since(self, order: int) -> list[GraphRecord]:
        """The graphs that were read from this moment on, in the order of first building.

        What came to no model is not among them if a later model was made of the same layers.
        """
        graphs = [graph for graph in self.graphs.values() if graph.order >= order]
        number = self._layers.known(self._unmade)
        unmade = None if number is None else self.graphs.get(number)
        if unmade is not None and any(
            graph.order > unmade.order and not _layers_in(graph).isdisjoint(_layers_in(unmade))
            for graph in graphs
        ):
            graphs = [graph for graph in graphs if graph is not unmade]
        return graphs

    def _graph(self, number: int, model: Any, adapter: Adapter) -> GraphRecord | None:
        facts = adapter.graph_nodes(model)
        flow = self._flows.get(number)
        graph = GraphRecord(
            model=snapshot.layer_ref(model, number),
            source="flow" if facts is None else "keras",
            built=adapter.state(model).get("built", False),
        )
        earlier = self.graphs.get(number)
        if facts is not None:
            self._read_keras_graph(graph, list(facts), adapter.graph_ends(model), adapter)
        elif earlier is not None and earlier.unfinished and (flow is None or flow.failed):
            graph = earlier
        elif flow is not None:
            self._read_flow(graph, flow, model, adapter)
        else:
            self._add_unused(graph, model, adapter)
        if not graph.nodes:
            return None
        self._read_weights(graph, model, adapter)
        return graph

    def _read_weights(self, graph: GraphRecord, model: Any, adapter: Adapter) -> None:
        """Read which weights a model and the layers of its nodes have now."""
        layers = {self._layers.number(layer): layer for layer in adapter.all_layers(model)}
        for number, layer in layers.items():
            self._adapters[number] = adapter
            self._adopt(layer, number, adapter, None)
        graph.weights = self._known(adapter.model_weights(model))
        inside = {node.layer for node in graph.nodes}
        for number, layer in layers.items():
            if number in inside:
                weights = self._known(adapter.weights_inside(layer))
                if weights or number in graph.layer_weights or not adapter.is_own(layer):
                    graph.layer_weights[number] = weights

    def numbers_of(self, weights: list[Any]) -> tuple[int, ...]:
        """The numbers of those of these weights that were seen."""
        return tuple(self._known(weights))

    def _known(self, variables: list[Any]) -> list[int]:
        numbers = [self._variables.known(variable) for variable in variables]
        return [number for number in numbers if number is not None]

    def _read_keras_graph(
        self,
        graph: GraphRecord,
        facts: list[NodeFacts],
        ends: tuple[list[int], list[int]],
        adapter: Adapter,
    ) -> None:
        node_ids = {node.key: node_id for node_id, node in enumerate(facts)}
        for node_id, node in enumerate(facts):
            graph.nodes.append(self._keras_node(node_id, node, adapter))
            for key, tensor in node.inputs:
                if key in node_ids:
                    graph.edges.append(_edge(node_ids[key], node_id, tensor))
        graph.inputs = [node_ids[key] for key in ends[0] if key in node_ids]
        graph.outputs = [node_ids[key] for key in ends[1] if key in node_ids]

    def _keras_node(self, node_id: int, facts: NodeFacts, adapter: Adapter) -> Node:
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
        elif isinstance(thing, adapter.model_class) or number in self._flows:
            kind = "model"
        return Node(
            id=node_id,
            layer=number if is_layer else None,
            name=ref.name,
            class_name=ref.class_name,
            depth=facts.depth,
            index=facts.call_index,
            built=adapter.state(thing)["built"] if is_layer else True,
            kind=kind,
            outputs=snapshot.specs(facts.outputs),
        )

    def _read_flow(self, graph: GraphRecord, flow: DataFlow, model: Any, adapter: Adapter) -> None:
        layers = {self._layers.number(layer): layer for layer in adapter.all_layers(model)}
        calls: dict[int, int] = {}
        depths = flow.depths
        for node_id, flow_node in enumerate(flow.nodes):
            layer = None if flow_node.number is None else layers.get(flow_node.number)
            kind: Literal["input", "layer", "model", "operation"] = flow_node.kind
            index = 0
            if flow_node.number is not None:
                index = calls[flow_node.number] = calls.get(flow_node.number, -1) + 1
                if isinstance(layer, adapter.model_class) or flow_node.number in self.graphs:
                    kind = "model"
            graph.nodes.append(
                Node(
                    id=node_id,
                    layer=flow_node.number,
                    name=flow_node.name,
                    class_name=flow_node.class_name,
                    depth=depths[node_id],
                    index=index,
                    built=layer is None or adapter.state(layer)["built"],
                    kind=kind,
                    outputs=flow_node.outputs,
                    failed=flow_node.failed,
                )
            )
            graph.edges += [Edge(source=s, target=node_id, tensor=t) for s, t in flow_node.sources]
        graph.inputs = [node.id for node in graph.nodes if node.kind == "input"]
        graph.outputs = flow.outputs
        graph.unfinished = flow.failed
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


def _layers_in(graph: GraphRecord) -> set[int]:
    return {node.layer for node in graph.nodes if node.layer is not None}


def _of_keras(tensors: list[Any], adapter: Adapter) -> list[Any]:
    """Those symbolic tensors that are of the adapter's Keras: a program may use two."""
    return [t for t in tensors if not snapshot.foreign_classes([t], adapter.package)]


def _edge(source: int, target: int, tensor: Any) -> Edge:
    """The edge of a symbolic tensor between two nodes."""
    spec = snapshot.spec(tensor.shape, tensor.dtype)
    return Edge(source=source, target=target, tensor=spec, output=output_index(tensor))


def _is_of_a_stack(record: Record) -> bool:
    """Whether it makes the functional model that a Sequential keeps inside, for now."""
    around = record.parent.layer if record.hooked.makes_graph and record.parent else None
    return isinstance(around, record.hooked.adapter.sequential_class)
