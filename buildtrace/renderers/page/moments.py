"""Which calls of a build connect a node of a graph, and bring it to life."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.traces.lazy import cached_property

if TYPE_CHECKING:
    from buildtrace.renderers.drawing.diagram import NodeRef
    from buildtrace.traces.schema import Call, Node
    from buildtrace.traces.trace import Trace

    _CallsByKey = dict[int | str, list[Call]]

_CALLS = (".__call__", ".symbolic_call")
"""How the landmarks end that are calls of a layer or an operation as such."""


class Moments:
    """Which calls make a node: the first on its layer, and the one that connects it."""

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self._nodes = {
            (graph.model.id, node.id): node
            for graph in (*trace.index.part_graphs.values(), *trace.graphs)
            for node in graph.nodes
        }

    @cached_property
    def _first(self) -> dict[int, Call]:
        first: dict[int, Call] = {}
        for call in self._trace.calls:
            if call.layer and call.step != "graph":
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
        """The call in which the build comes to the node first."""
        node = self._nodes[node_ref]
        first = self._first_on_layer(node) if node.index == 0 else None
        connecting = self.connecting_call(node_ref)
        outer = self._outermost(connecting) if connecting else None
        return min((call for call in (first, outer) if call), key=lambda c: c.id, default=None)

    def _first_on_layer(self, node: Node) -> Call | None:
        return self._first.get(node.layer) if node.layer is not None else None

    def weights(self, node_ref: NodeRef) -> list[int]:
        """The ids of the weights that fill the node."""
        layer = self._nodes[node_ref].layer
        return [weight.id for weight in self._trace.index.weights_within(layer)]

    def layer(self, node_ref: NodeRef) -> int | None:
        """The id of the node's layer."""
        return self._nodes[node_ref].layer
