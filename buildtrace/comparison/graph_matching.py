"""The graphs of two models that belong together, node by node."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.comparison.alignment import matches
from buildtrace.comparison.layer_tree import is_input, operation
from buildtrace.comparison.ranked_change import layer, listed, location

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable, Iterable
    from collections.abc import Set as AbstractSet

    from buildtrace.comparison.layer_matching import LayerMatching
    from buildtrace.comparison.layer_tree import LayerTree
    from buildtrace.comparison.result import Location
    from buildtrace.traces.schema import Graph, Node

Link = tuple[int, int]


class GraphSide:
    """One of the two graphs.

    Attributes:
        tree: the side that it is on.
        graph: the graph.
        sources: for each node, those that its inputs come from, in order.
        targets: for each node, those that its outputs go to.
        times: for each node, which call of its layer in this graph it is.
        layers: the layers that have nodes.
    """

    def __init__(self, tree: LayerTree, graph: Graph) -> None:
        """Look up which node leads to which."""
        self.tree = tree
        self.graph = graph
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

    def node(self, id_: int) -> Node:
        """The node of this id."""
        return self.graph.nodes[id_]

    def layer(self, id_: int) -> int | None:
        """The layer of a node; `None` for an operation and for what is no layer."""
        ref = self.node(id_).layer
        return None if ref is None or self.tree.is_operation(ref) else ref

    def name(self, id_: int) -> str:
        """What to call a node in a sentence."""
        ref = self.layer(id_)
        if ref is not None:
            return layer(self.tree.layers[ref])
        node = self.node(id_)
        return "the input" if is_input(node) else f"the operation {node.class_name}"

    def names(self, ids: Iterable[int]) -> str:
        """What to call several nodes."""
        return listed([self.name(id_) for id_ in dict.fromkeys(ids)])

    def beyond(self, node: int, skip: AbstractSet[int], *, back: bool) -> list[int]:
        """The nearest nodes before (or behind) a node that are not to be skipped, in order."""
        links = self.sources if back else self.targets
        found: dict[int, None] = {}
        stack, seen = links[node][::-1], {node}
        while stack:
            current = stack.pop()
            if current in seen:
                continue
            seen.add(current)
            if current in skip:
                stack += links[current][::-1]
            else:
                found[current] = None
        return list(found)

    def edges(self, skip: AbstractSet[int]) -> set[Link]:
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
        found: dict[int, None] = {}
        for node in self.graph.outputs:
            nodes = self.beyond(node, skip, back=True) if node in skip else [node]
            found |= dict.fromkeys(nodes)
        return list(found)

    def components(self, nodes: Collection[int]) -> list[list[int]]:
        """These nodes in groups that hang together, each in the graph's order."""
        group: dict[int, int] = {}
        for start in nodes:
            if start in group:
                continue
            stack = [start]
            while stack:
                node = stack.pop()
                if node not in group:
                    group[node] = start
                    stack += [n for n in self.sources[node] + self.targets[node] if n in nodes]
        found: dict[int, list[int]] = {}
        for node in sorted(nodes):
            found.setdefault(group[node], []).append(node)
        return list(found.values())


class GraphMatching:
    """Two graphs, whose nodes know each other.

    Attributes:
        matching: the layers of both traces.
        left: the graph before.
        right: the one after.
        partner: id of a node on the left → that of its partner.
        back: the other way round.
    """

    def __init__(self, matching: LayerMatching, left: GraphSide, right: GraphSide) -> None:
        """Pair the nodes: those of layers by the layer, others by their place."""
        self.matching = matching
        self.left = left
        self.right = right
        self.partner: dict[int, int] = {}
        self.back: dict[int, int] = {}
        self._layers()
        self._others()

    def pair(self, left: int, right: int) -> None:
        """Say that two nodes belong together."""
        self.partner[left], self.back[right] = right, left

    @property
    def place(self) -> float:
        """Where the model is among all layers."""
        return self.matching.place(right=self.right.graph.model.id)

    def two(self, left: int, right: int) -> tuple[Location, Location]:
        """Where a change of a layer is to be seen on both sides."""
        return location(self.matching.left, left), location(self.matching.right, right)

    def gone(self) -> list[int]:
        """The nodes on the left without a partner."""
        return [node.id for node in self.left.graph.nodes if node.id not in self.partner]

    def come(self) -> list[int]:
        """The nodes on the right without a partner."""
        return [node.id for node in self.right.graph.nodes if node.id not in self.back]

    def mapped(self, nodes: Iterable[int]) -> list[int]:
        """The partners of nodes on the left."""
        return [self.partner[node] for node in nodes if node in self.partner]

    def _layers(self) -> None:
        places: dict[Hashable, int] = {}
        for node, time in self.right.times.items():
            if (layer := self.right.layer(node)) is not None:
                places[layer, time] = node
        for node, time in self.left.times.items():
            layer = self.left.layer(node)
            other = None if layer is None else self.matching.right_of.get(layer)
            if other is not None and (other, time) in places:
                self.pair(node, places[other, time])

    def _others(self) -> None:
        """Pair inputs and operations, first those that stand between the same nodes."""
        tokens: tuple[list[Hashable], list[Hashable]] = ([], [])
        for side, partners, row in (
            (self.left, self.partner, tokens[0]),
            (self.right, {node: node for node in self.back}, tokens[1]),
        ):
            for node in side.graph.nodes:
                row.append(partners.get(node.id, _token(side, node)))
        for i, j in matches(*tokens):
            if i not in self.partner and isinstance(tokens[0][i], tuple):
                self.pair(i, j)
        waiting: dict[Hashable, list[int]] = {}
        for j in reversed(self.come()):
            waiting.setdefault(_token(self.right, self.right.node(j)), []).append(j)
        for i in self.gone():
            token = _token(self.left, self.left.node(i))
            if token[0] != "layer" and waiting.get(token):
                self.pair(i, waiting[token].pop())


def _token(side: GraphSide, node: Node) -> tuple[str, Hashable]:
    """What an input or an operation has in common with others; layers have nothing."""
    layer = side.layer(node.id)
    if layer is not None:
        return "layer", (side.tree, node.id)
    return node.kind, operation(node) if node.kind == "operation" else ""
