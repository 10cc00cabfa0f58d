"""The topology of a model, read from Keras itself and from a trace, to hold them together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scenarios import Keras

    from buildtrace.traces.schema import Graph

Key = tuple[str, int]
"""A node: the layer's name and which of the layer's calls in this graph it is."""


@dataclass
class Topology:
    """What two graphs are compared by."""

    nodes: dict[Key, int]
    """Depth of each node."""
    edges: set[tuple[Key, Key]]
    shapes: dict[tuple[Key, Key], set[tuple[int | None, ...]]]
    inputs: list[Key]
    outputs: list[Key]
    operations: set[Key]
    models: set[Key]

    def between_layers(self) -> set[tuple[Key, Key]]:
        """Edges between layers: operations contracted, inputs left out."""
        targets: dict[Key, list[Key]] = {}
        for source, target in self.edges:
            targets.setdefault(source, []).append(target)
        found = set()
        for start in self.nodes.keys() - self.operations - self.inputs_nodes():
            todo, seen = list(targets.get(start, ())), set()
            while todo:
                node = todo.pop()
                if node in seen:
                    continue
                seen.add(node)
                if node in self.operations:
                    todo.extend(targets.get(node, ()))
                else:
                    found.add((start, node))
        return found

    def inputs_nodes(self) -> set[Key]:
        return set(self.inputs)

    def layer_nodes(self) -> set[Key]:
        return self.nodes.keys() - self.operations - self.inputs_nodes()


# -- as Keras has it --------------------------------------------------------------------------


def is_operation(k: Keras, operation: Any) -> bool:
    """Whether a node is a plain function and no layer that somebody wrote into the model."""
    if k.generation == 3:
        return not isinstance(operation, k.layers.Layer)
    return type(operation).__name__ in ("TFOpLambda", "SlicingOpLambda", "ClassMethod")


def has_graph(k: Keras, operation: Any) -> bool:
    return isinstance(operation, k.keras.Model)


def of_keras(k: Keras, model: Any) -> Topology:
    if k.generation == 3 and isinstance(model, k.keras.Sequential):
        model = model._functional
    depth_of = {id(n): d for d, nodes in model._nodes_by_depth.items() for n in nodes}
    nodes = [n for nodes in model._nodes_by_depth.values() for n in nodes]
    operation_of = (lambda n: n.operation) if k.generation == 3 else (lambda n: n.layer)
    keys: dict[int, Key] = {}
    for node in nodes:
        operation = operation_of(node)
        calls = [n for n in operation._inbound_nodes if id(n) in depth_of]
        keys[id(node)] = (operation.name, next(i for i, n in enumerate(calls) if n is node))

    def source(tensor: Any) -> Any:
        history = tensor._keras_history
        return history[0]._inbound_nodes[history[1]]

    edges, shapes = set(), {}
    for node in nodes:
        if node.is_input:
            continue
        for tensor in node.input_tensors if k.generation == 3 else node.keras_inputs:
            edge = (keys[id(source(tensor))], keys[id(node)])
            edges.add(edge)
            shapes.setdefault(edge, set()).add(tuple(tensor.shape))
    return Topology(
        nodes={keys[id(n)]: depth_of[id(n)] for n in nodes},
        edges=edges,
        shapes=shapes,
        inputs=[keys[id(source(t))] for t in model.inputs],
        outputs=[keys[id(source(t))] for t in model.outputs],
        operations={keys[id(n)] for n in nodes if is_operation(k, operation_of(n))},
        models={keys[id(n)] for n in nodes if has_graph(k, operation_of(n))},
    )


# -- as the trace has it ----------------------------------------------------------------------


def of_trace(graph: Graph) -> Topology:
    assert [node.id for node in graph.nodes] == list(range(len(graph.nodes)))
    calls: dict[tuple[str, int | None], list[Any]] = {}
    for node in graph.nodes:
        calls.setdefault((node.name, node.layer), []).append(node)
    keys: dict[int, Key] = {}
    for (name, _), nodes in calls.items():
        for i, node in enumerate(sorted(nodes, key=lambda n: n.index)):
            keys[node.id] = (name, i)
    assert len(set(keys.values())) == len(keys), "two nodes for one call of a layer"
    shapes: dict[tuple[Key, Key], set[tuple[int | None, ...]]] = {}
    for edge in graph.edges:
        between = (keys[edge.source], keys[edge.target])
        assert edge.tensor.shape is not None
        shapes.setdefault(between, set()).add(tuple(edge.tensor.shape))
    return Topology(
        nodes={keys[n.id]: n.depth for n in graph.nodes},
        edges={(keys[e.source], keys[e.target]) for e in graph.edges},
        shapes=shapes,
        inputs=[keys[i] for i in graph.inputs],
        outputs=[keys[i] for i in graph.outputs],
        operations={keys[n.id] for n in graph.nodes if n.kind == "operation"},
        models={keys[n.id] for n in graph.nodes if n.kind == "model"},
    )


def same_graph(k: Keras, model: Any, trace: Any) -> None:
    graph = trace.graph(model.name)
    assert graph.source == "keras"
    assert graph.built
    assert graph.model.class_name == type(model).__name__
    ours, keras = of_trace(graph), of_keras(k, model)
    assert ours.nodes == keras.nodes
    assert ours.edges == keras.edges
    assert ours.shapes == keras.shapes
    assert ours.inputs == keras.inputs
    assert ours.outputs == keras.outputs
    assert ours.operations == keras.operations
    # A layer that is no model may have a graph of its own as well, if the trace has that graph.
    traced = {g.model.id for g in trace.graphs}
    assert ours.models >= keras.models
    assert all(n.layer in traced for n in graph.nodes if n.kind == "model")


def models_of(k: Keras, *candidates: Any) -> list[Any]:
    """The models among these for which Keras keeps a graph."""
    found = []
    for candidate in candidates:
        for model in candidate if isinstance(candidate, tuple) else (candidate,):
            if not isinstance(model, k.keras.Model):
                continue
            inner = getattr(model, "_functional", None)
            if getattr(model if k.generation == 2 else inner or model, "_nodes_by_depth", None):
                found.append(model)
    return found
