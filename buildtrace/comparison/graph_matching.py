"""The graphs of two models that belong together, and which node of one is which of the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.comparison.alignment import matches
from buildtrace.comparison.layer_tree import is_input, operation
from buildtrace.traces.wording import layer, listed

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable, Iterable
    from collections.abc import Set as AbstractSet

    from buildtrace.comparison.layer_matching import LayerMatching
    from buildtrace.comparison.layer_tree import LayerTree
    from buildtrace.traces.schema import Graph, Node

Link = tuple[int, int]
"""The nodes at both ends of an edge: where it comes from, and where it leads."""


class GraphSide:
    """One of the two graphs.

    Attributes:
        tree: the layers of its trace.
        graph: the graph.
        layer_partners: id of a layer → that of its partner in the other trace.
        partners: id of a node → that of its partner in the other graph.
        sources: for each node, those that its inputs come from, in order.
        targets: for each node, those that its outputs go to.
        times: for each node, which call of its layer in this graph it is.
        layers: the layers that have nodes.
    """

    def __init__(self, tree: LayerTree, graph: Graph, layer_partners: dict[int, int]) -> None:
        """Look up which node leads to which; no node has a partner as yet."""
        self.tree = tree
        self.graph = graph
        self.layer_partners = layer_partners
        self.partners: dict[int, int] = {}
        self.sources: dict[int, list[int]] = {node.id: [] for node in graph.nodes}
        self.targets: dict[int, list[int]] = {node.id: [] for node in graph.nodes}
        for edge in graph.edges:
            self.sources[edge.target].append(edge.source)
            self.targets[edge.source].append(edge.target)
        self.layers = {node.layer for node in graph.nodes if node.layer is not None}
        self.times: dict[int, int] = {}
        seen: dict[int, int] = {}
        for node in sorted(graph.nodes, key=lambda node: node.index):
            if node.layer is not None:
                self.times[node.id] = seen.get(node.layer, 0)
                seen[node.layer] = self.times[node.id] + 1

    # -- its nodes ----------------------------------------------------------------------------

    def node(self, id_: int) -> Node:
        """The node of this id."""
        return self.graph.nodes[id_]

    def layer(self, id_: int) -> int | None:
        """The layer of a node; `None` for an operation and for what is no layer."""
        layer_id = self.node(id_).layer
        return None if layer_id is None or self.tree.is_operation(layer_id) else layer_id

    def name(self, id_: int) -> str:
        """What to call a node in a sentence."""
        layer_id = self.layer(id_)
        if layer_id is not None:
            return layer(self.tree.layers[layer_id])
        node = self.node(id_)
        return "the input" if is_input(node) else f"the operation {node.class_name}"

    def names(self, ids: Iterable[int]) -> str:
        """What to call several nodes."""
        return listed([self.name(id_) for id_ in dict.fromkeys(ids)])

    def unpaired(self) -> list[int]:
        """The nodes without a partner."""
        return [node.id for node in self.graph.nodes if node.id not in self.partners]

    def mapped(self, nodes: Iterable[int]) -> list[int]:
        """The partners of these nodes, of those that have one."""
        return [self.partners[node] for node in nodes if node in self.partners]

    # -- its edges ----------------------------------------------------------------------------

    def beyond(self, node: int, skip: AbstractSet[int], *, back: bool) -> list[int]:
        """The nearest nodes before (or behind) a node that are not to be skipped, in order."""
        links = self.sources if back else self.targets
        nearest: dict[int, None] = {}
        stack, seen = links[node][::-1], {node}
        while stack:
            current = stack.pop()
            if current in seen:
                continue
            seen.add(current)
            if current in skip:
                stack += links[current][::-1]
            else:
                nearest[current] = None
        return list(nearest)

    def links(self, skip: AbstractSet[int] = frozenset()) -> set[Link]:
        """The edges between nodes that are not skipped."""
        return {
            (edge.source, edge.target)
            for edge in self.graph.edges
            if edge.source not in skip and edge.target not in skip
        }

    def bridges(self, skip: AbstractSet[int]) -> set[Link]:
        """The edges that there would be if the skipped nodes let everything through."""
        entries = {t for n in skip for t in self.targets[n]} - skip
        return {
            (source, target)
            for target in entries
            for source in self.beyond(target, skip, back=True)
        }

    def outputs(self, skip: AbstractSet[int]) -> list[int]:
        """The nodes that outputs come from; for a skipped one, those before it."""
        nodes: dict[int, None] = {}
        for node in self.graph.outputs:
            ends = self.beyond(node, skip, back=True) if node in skip else [node]
            nodes |= dict.fromkeys(ends)
        return list(nodes)

    def components(self, nodes: Collection[int]) -> list[list[int]]:
        """These nodes in groups that hang together, each in the graph's order."""
        group_of: dict[int, int] = {}
        for start in nodes:
            stack = [start] if start not in group_of else []
            while stack:
                node = stack.pop()
                if node not in group_of:
                    group_of[node] = start
                    stack += [n for n in self.sources[node] + self.targets[node] if n in nodes]
        groups: dict[int, list[int]] = {}
        for node in sorted(nodes):
            groups.setdefault(group_of[node], []).append(node)
        return list(groups.values())


class GraphMatching:
    """Two graphs, whose nodes know each other.

    Attributes:
        layers: the layers of both traces.
        left: the graph before.
        right: the one after.
    """

    def __init__(self, layers: LayerMatching, left: Graph, right: Graph) -> None:
        """Pair the nodes: those of layers by the layer, others by what is around them."""
        self.layers = layers
        self.left = GraphSide(layers.left, left, layers.right_of)
        self.right = GraphSide(layers.right, right, layers.left_of)
        self._pair_layers()
        self._pair_others()

    def pair(self, left: int, right: int) -> None:
        """Say that two nodes belong together."""
        self.left.partners[left], self.right.partners[right] = right, left

    def other(self, side: GraphSide) -> GraphSide:
        """The graph on the other side."""
        return self.right if side is self.left else self.left

    @property
    def position(self) -> float:
        """Where the model is among all layers."""
        return self.layers.position(self.layers.right, self.right.graph.model.id)

    def _pair_layers(self) -> None:
        nodes: dict[Hashable, int] = {}
        for node, time in self.right.times.items():
            if (layer_id := self.right.layer(node)) is not None:
                nodes[layer_id, time] = node
        for node, time in self.left.times.items():
            layer_id = self.left.layer(node)
            partner = None if layer_id is None else self.left.layer_partners.get(layer_id)
            if partner is not None and (partner, time) in nodes:
                self.pair(node, nodes[partner, time])

    def _pair_others(self) -> None:
        """Pair inputs and operations, first those that stand between the same nodes."""
        left, right = self.left, self.right
        tokens: tuple[list[Hashable], list[Hashable]] = (
            [left.partners.get(node.id, _token(left, node)) for node in left.graph.nodes],
            [
                node.id if node.id in right.partners else _token(right, node)
                for node in right.graph.nodes
            ],
        )
        for i, j in matches(*tokens):
            if i not in left.partners:
                self.pair(i, j)
        waiting: dict[Hashable, list[int]] = {}
        for j in reversed(right.unpaired()):
            waiting.setdefault(_token(right, right.node(j)), []).append(j)
        for i in left.unpaired():
            token = _token(left, left.node(i))
            if token[0] != "layer" and waiting.get(token):
                self.pair(i, waiting[token].pop())


def _token(side: GraphSide, node: Node) -> tuple[str, Hashable]:
    """What an input or an operation has in common with others; layers have nothing."""
    if side.layer(node.id) is not None:
        return "layer", (side.tree, node.id)
    return node.kind, operation(node) if node.kind == "operation" else ""
