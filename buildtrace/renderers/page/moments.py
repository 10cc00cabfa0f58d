"""Which calls of a build connect a node of a graph, and bring it to life."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.renderers.drawing.diagram import NodeRef
from buildtrace.traces.lazy import cached_property

if TYPE_CHECKING:
    from buildtrace.traces.schema import Call, Edge, LayerState, Node, TensorSpec, Weight
    from buildtrace.traces.trace import Trace

    _CallsByKey = dict[int | str, list[Call]]

_CALLS = (".__call__", ".symbolic_call")
"""How the landmarks end that are calls of a layer or an operation as such."""


class Moments:
    """Which calls make a node: the first on its layer, and the one that connects it."""

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        graphs = (*trace.index.part_graphs.values(), *trace.graphs)
        self._nodes = {(graph.model.id, node.id): node for graph in graphs for node in graph.nodes}
        self._edges_to: dict[tuple[int, int], list[Edge]] = {}
        for graph in {graph.model.id: graph for graph in graphs}.values():
            for edge in graph.edges:
                self._edges_to.setdefault((graph.model.id, edge.target), []).append(edge)

    @cached_property
    def _first(self) -> dict[int, Call]:
        first: dict[int, Call] = {}
        for call in self._trace.calls:
            if call.layer and call.step not in ("graph", "load"):
                first.setdefault(call.layer.id, call)
        return first

    @cached_property
    def _connecting(self) -> tuple[_CallsByKey, _CallsByKey]:
        """The `Node`s that Keras makes, and the calls of layers as such: both connect a layer.

        They are found by the layer's id and, for an operation without one, by its name.
        """
        nodes: _CallsByKey = {}
        calls: _CallsByKey = {}
        for call in self._trace.calls:
            if call.layer is None or call.step != "connect":
                continue
            if call.landmark == "Node.__init__":
                connecting = nodes
            elif call.landmark.endswith(_CALLS) and self._outermost(call) is call:
                connecting = calls
            else:
                continue
            for key in (call.layer.id, call.layer.name):
                connecting.setdefault(key, []).append(call)
        return nodes, calls

    def _outermost(self, call: Call) -> Call:
        """The outermost call on the same layer that `call` is inside of."""
        outermost = call
        for outer in self._trace.ancestors(call):
            if call.layer and outer.layer and outer.layer.id == call.layer.id:
                outermost = outer
        return outermost

    def connecting_call(self, node_ref: NodeRef) -> Call | None:
        """The call that connects the node to those before it."""
        node = self._nodes[node_ref]
        key = node.name if node.layer is None else node.layer
        nodes, calls = (connecting.get(key, []) for connecting in self._connecting)
        if node.index < len(nodes):
            return nodes[node.index]
        # Not every call makes a `Node`: the tensors of a subclassed model show its connections.
        return calls[min(node.index, len(calls) - 1)] if calls else self._first_on_layer(node)

    def first_call(self, node_ref: NodeRef) -> Call | None:
        """The call in which the build comes to the node first.

        What goes into a model whose `call` is run is there when that begins.
        """
        node = self._nodes[node_ref]
        if node.kind == "input" and node.layer is None:
            return self._first.get(node_ref.model)
        first = self._first_on_layer(node) if node.index == 0 else None
        connecting = self.connecting_call(node_ref)
        outer = self._outermost(connecting) if connecting else None
        return min((call for call in (first, outer) if call), key=lambda c: c.id, default=None)

    def call_before(self, node_ref: NodeRef) -> Call | None:
        """Of an operation that no landmark saw, the call whose end it comes right after.

        All that is known of it is that what goes into it was there by then.
        """
        ended: Call | None = None
        seen: set[NodeRef] = set()
        waiting = [node_ref] if self.first_call(node_ref) is None else []
        while waiting:
            at = waiting.pop()
            for edge in self._edges_to.get(at, ()):
                source = NodeRef(at.model, edge.source)
                if source in seen or source not in self._nodes:
                    continue
                seen.add(source)
                if self._nodes[source].kind == "input":
                    continue
                call = self.first_call(source)
                if call is None:
                    waiting.append(source)
                elif ended is None or call.id > ended.id:
                    ended = call
        return ended

    def _first_on_layer(self, node: Node) -> Call | None:
        return self._first.get(node.layer) if node.layer is not None else None

    def weights(self, node_ref: NodeRef) -> list[Weight]:
        """The weights that fill the node."""
        return self._trace.index.weights_within(self._nodes[node_ref].layer)

    def state(self, node_ref: NodeRef) -> LayerState | None:
        """What the node's layer was like in the end, if that was read."""
        layer = self._nodes[node_ref].layer
        return None if layer is None else self._trace.index.state_of(layer)

    def node(self, node_ref: NodeRef) -> Node:
        """The node itself."""
        return self._nodes[node_ref]

    def given(self, node_ref: NodeRef) -> list[TensorSpec]:
        """The tensors that go into the node."""
        return [edge.tensor for edge in self._edges_to.get(node_ref, ())]
