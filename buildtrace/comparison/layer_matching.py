"""Which layer of one trace is which of the other.

The layers inside of two layers that belong together are paired by the strongest evidence first:
a name that the user gave and that is there once on each side, the same surroundings in the graph,
the same place among the neighbours. Names that Keras numbered never count.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from buildtrace.comparison.alignment import matches, stretches
from buildtrace.comparison.layer_tree import LayerTree
from buildtrace.generations import GENERATIONS
from buildtrace.traces.lazy import cached_property
from buildtrace.traces.totals import totals

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Sequence

    from buildtrace.traces.schema import LayerRef
    from buildtrace.traces.trace import Trace

LayerKey = tuple[str, int]
"""Names a layer for both traces: by its id on the left, or on the right if only that has it."""


class LayerMatching:
    """Two traces, the one before and the one after, whose layers know each other.

    Attributes:
        left: the layers of the trace before.
        right: those of the one after.
        right_of: id of a layer on the left → that of its partner.
        left_of: the other way round.
        names: whether names that users gave tell layers apart.
        labels: what to call the two: by their generation of Keras, if that differs.
    """

    def __init__(
        self,
        left: Trace,
        right: Trace,
        *,
        names: bool = True,
        labels: tuple[str, str] = ("left", "right"),
    ) -> None:
        """Pair the layers of two traces, from the outermost inwards."""
        self.left = LayerTree(left)
        self.right = LayerTree(right)
        self.labels = labels
        if self.generations_differ:
            self.labels = _generation(left) or labels[0], _generation(right) or labels[1]
        self.names = names
        self.right_of: dict[int, int] = {}
        self.left_of: dict[int, int] = {}
        waiting: list[tuple[int | None, int | None]] = [(None, None)]
        while waiting:
            outer, other = waiting.pop()
            pairs = _Pairing(self, outer, other).pairs()
            for a, b in pairs:
                self.right_of[a], self.left_of[b] = b, a
            waiting += pairs
        self._across()

    def _across(self) -> None:
        """Pair layers that are inside of another layer now than they were, by name or weights."""
        left, right = self._unpaired_by_token(self.left), self._unpaired_by_token(self.right)
        for token, layers in left.items():
            others = right.get(token, [])
            if len(layers) == len(others):
                for a, b in zip(layers, others, strict=True):
                    self.right_of[a], self.left_of[b] = b, a

    def _unpaired_by_token(self, tree: LayerTree) -> dict[Hashable, list[int]]:
        partners = self.partners(tree)
        layers: dict[Hashable, list[int]] = {}
        for layer in _walk(tree):
            name = tree.name(layer) if self.names else None
            if layer not in partners and (name or tree.weights(layer)):
                layers.setdefault((name, tree.shapes(layer)), []).append(layer)
        return layers

    @property
    def generations_differ(self) -> bool:
        """Whether the two builds ran on different generations of Keras."""
        left, right = (
            {keras.generation for keras in tree.trace.environment.keras}
            or {call.generation for call in tree.trace.calls}
            for tree in (self.left, self.right)
        )
        return not left & right

    def pairs(self) -> list[tuple[int, int]]:
        """The layers that belong together, in the left one's order of appearance."""
        order = {layer: number for number, layer in enumerate(_walk(self.left))}
        return sorted(self.right_of.items(), key=lambda pair: order[pair[0]])

    def partners(self, tree: LayerTree) -> dict[int, int]:
        """The partners of the layers on one side, by id."""
        return self.right_of if tree is self.left else self.left_of

    def key(self, tree: LayerTree, layer: int) -> LayerKey:
        """The same for a layer on the left and for its partner on the right."""
        if tree is self.left:
            return ("left", layer)
        partner = self.left_of.get(layer)
        return ("right", layer) if partner is None else ("left", partner)

    def alone(self) -> tuple[list[int], list[int]]:
        """The layers without a partner on each side; those inside of such ones left out."""
        return (
            [i for i in _walk(self.left) if _is_alone(i, self.right_of, self.left)],
            [i for i in _walk(self.right) if _is_alone(i, self.left_of, self.right)],
        )

    @cached_property
    def _positions(self) -> tuple[dict[int, float], dict[int, float]]:
        right: dict[int, float] = {layer: n for n, layer in enumerate(_walk(self.right))}
        left: dict[int, float] = {}
        last = -1.0
        for layer in _walk(self.left):
            partner = self.right_of.get(layer)
            last = right[partner] if partner is not None else last + 0.001
            left[layer] = last
        return left, right

    def position(self, tree: LayerTree, layer: int) -> float:
        """Where a layer is among all: numbers for both sides, by which changes can be sorted."""
        return self._positions[0 if tree is self.left else 1].get(layer, -1)

    def new_parameters(self, tree: LayerTree, layer: int) -> int:
        """How many parameters a layer has, those of layers in it that have partners left out."""
        partners = self.partners(tree)
        stack, total = [layer], 0
        while stack:
            current = stack.pop()
            if current not in partners:
                total += totals(tree.weights(current)).parameters
                stack += tree.inside.get(current, [])
        return total

    def moved_in(self, left: int) -> bool:
        """Whether the partner of a layer is inside of another layer than it is."""
        owners = self.left.owner[left], self.right.owner[self.right_of[left]]
        return (
            self.right_of.get(owners[0]) != owners[1]
            if owners[0] is not None
            else (owners[1] is not None)
        )

    def replaced(self, left: int) -> bool:
        """Whether the partner of a layer is of another class, which is not just spelled apart."""
        old, new = self.refs(left, self.right_of[left])
        return old.class_name != new.class_name

    def refs(self, left: int, right: int) -> tuple[LayerRef, LayerRef]:
        """Two layers that belong together."""
        return self.left.layers[left], self.right.layers[right]


def _is_alone(layer: int, partners: dict[int, int], tree: LayerTree) -> bool:
    owner = tree.owner[layer]
    return layer not in partners and (owner is None or owner in partners)


def _walk(tree: LayerTree) -> Iterator[int]:
    """All layers, those inside of one after it."""
    stack = tree.inside.get(None, [])[::-1]
    while stack:
        layer = stack.pop()
        yield layer
        stack += tree.inside.get(layer, [])[::-1]


def _generation(trace: Trace) -> str:
    """The generation of Keras that made a trace; "" if there are several."""
    made = {call.generation for call in trace.calls}
    titles = [each.title for each in GENERATIONS if made == {each.name}]
    return titles[0] if titles else ""


class _Pairing:
    """The pairing of the layers inside of two that belong together."""

    def __init__(self, matching: LayerMatching, left: int | None, right: int | None) -> None:
        self.matching = matching
        self.rows = matching.left.inside.get(left, []), matching.right.inside.get(right, [])
        self.right_of: dict[int, int] = {}
        self.left_of: dict[int, int] = {}

    def pairs(self) -> list[tuple[int, int]]:
        """The pairs, from the strongest evidence to the weakest."""
        if self.matching.names:
            self._anywhere(self._class_and_name, once=True)
        self._anywhere(self._surroundings, once=False)
        self._in_place(self._shapes)
        self._in_place(self._result)  # a layer before may have changed what its weights look like
        self._in_place(self._class)
        if self.matching.names:
            self._anywhere(lambda tree, layer: tree.name(layer), once=True)
        self._elsewhere()
        self._replaced()
        return list(self.right_of.items())

    def _pair(self, left: int, right: int) -> None:
        self.right_of[left], self.left_of[right] = right, left

    # -- what two layers may have in common ------------------------------------------------------

    def _class_and_name(self, tree: LayerTree, layer: int) -> Hashable:
        name = tree.name(layer)
        return None if name is None else (name, tree.layers[layer].class_name)

    def _surroundings(self, tree: LayerTree, layer: int) -> Hashable:
        if tree.owner[layer] is None:
            return (tree.shapes(layer), tree.outputs(layer))
        return tree.surroundings.get(layer)

    def _shapes(self, tree: LayerTree, layer: int) -> Hashable:
        return tree.shapes(layer)

    def _result(self, tree: LayerTree, layer: int) -> Hashable:
        return tree.layers[layer].class_name, tree.outputs(layer)

    def _class(self, tree: LayerTree, layer: int) -> Hashable:
        return tree.layers[layer].class_name

    # -- how it makes them partners --------------------------------------------------------------

    def _anywhere(self, token: Callable[[LayerTree, int], Hashable], *, once: bool) -> None:
        """Pair layers of one token wherever they are, if each side has as many of them.

        Args:
            token: what they are to have in common; `None` for layers that are to wait.
            once: pair only where there is one on each side.
        """
        open_ = self._open()
        tokens = [
            {layer: token(tree, layer) for layer in row}
            for tree, row in zip((self.matching.left, self.matching.right), open_, strict=True)
        ]
        counts, others = (Counter(by_layer.values()) for by_layer in tokens)
        waiting: dict[Hashable, list[int]] = {}
        for layer, value in reversed(tokens[1].items()):
            waiting.setdefault(value, []).append(layer)
        for layer, value in tokens[0].items():
            number = counts[value]
            if value is not None and number == others[value] and (number == 1 or not once):
                self._pair(layer, waiting[value].pop())

    def _in_place(self, token: Callable[[LayerTree, int], Hashable]) -> None:
        """Pair layers of one token that stand between the same partners."""
        left, right = self.rows
        tokens: tuple[list[Hashable], list[Hashable]] = ([], [])
        for layer in left:
            partner = layer in self.right_of
            tokens[0].append(("met", layer) if partner else token(self.matching.left, layer))
        for layer in right:
            partner = layer in self.left_of
            tokens[1].append(
                ("met", self.left_of[layer]) if partner else token(self.matching.right, layer)
            )
        for i, j in matches(*tokens):
            if left[i] not in self.right_of and right[j] not in self.left_of:
                self._pair(left[i], right[j])

    def _elsewhere(self) -> None:
        """Pair layers of the same shapes in different places, unless the user names them apart."""
        waiting: dict[Hashable, list[int]] = {}
        open_left, open_right = self._open()
        for layer in reversed(open_right):
            waiting.setdefault(self.matching.right.shapes(layer), []).append(layer)
        for layer in open_left:
            others = waiting.get(self.matching.left.shapes(layer), [])
            names = self.matching.left.name(layer), others and self.matching.right.name(others[-1])
            if others and not (self.matching.names and all(names)):
                self._pair(layer, others.pop())

    def _replaced(self) -> None:
        """Pair layers of different classes that stand in the same place: one for the other."""
        left, right = self.rows
        tokens = (
            [self.right_of.get(i, -1) for i in left],
            [j if j in self.left_of else -2 for j in right],
        )
        for same, (a, b), (c, d) in stretches(*tokens):
            ours = [i for i in left[a:b] if i not in self.right_of]
            theirs = [j for j in right[c:d] if j not in self.left_of]
            if not same and len(ours) == len(theirs):
                for i, j in zip(ours, theirs, strict=True):
                    self._pair(i, j)

    def _open(self) -> tuple[Sequence[int], Sequence[int]]:
        left, right = self.rows
        return (
            [i for i in left if i not in self.right_of],
            [j for j in right if j not in self.left_of],
        )
