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
from buildtrace.traces.lazy import cached_property

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
        labels: what to call the two.
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
        self.labels = labels
        self.left = LayerTree(left)
        self.right = LayerTree(right)
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
        tokens: list[dict[Hashable, list[int]]] = []
        for side, partners in ((self.left, self.right_of), (self.right, self.left_of)):
            found: dict[Hashable, list[int]] = {}
            for layer in _walk(side):
                name = side.name(layer) if self.names else None
                if layer not in partners and (name or side.weights(layer)):
                    found.setdefault((name, side.shapes(layer)), []).append(layer)
            tokens.append(found)
        for token, layers in tokens[0].items():
            others = tokens[1].get(token, [])
            if len(layers) == len(others):
                for a, b in zip(layers, others, strict=True):
                    self.right_of[a], self.left_of[b] = b, a

    @property
    def generations_differ(self) -> bool:
        """Whether the two builds ran on different generations of Keras."""
        found = [
            {keras.generation for keras in side.trace.environment.keras}
            or {call.generation for call in side.trace.calls}
            for side in (self.left, self.right)
        ]
        return not found[0] & found[1]

    def pairs(self) -> list[tuple[int, int]]:
        """The layers that belong together, in the left one's order of appearance."""
        order = {layer: place for place, layer in enumerate(_walk(self.left))}
        return sorted(self.right_of.items(), key=lambda pair: order[pair[0]])

    def key(self, left: int | None = None, right: int | None = None) -> LayerKey | None:
        """The same for a layer on the left and for its partner on the right."""
        if left is not None:
            return ("left", left)
        if right is None:
            return None
        partner = self.left_of.get(right)
        return ("right", right) if partner is None else ("left", partner)

    def alone(self) -> tuple[list[int], list[int]]:
        """The layers without a partner on each side; those inside of such ones left out."""
        return (
            [i for i in _walk(self.left) if _is_alone(i, self.right_of, self.left)],
            [i for i in _walk(self.right) if _is_alone(i, self.left_of, self.right)],
        )

    @cached_property
    def _places(self) -> tuple[dict[int, float], dict[int, float]]:
        right: dict[int, float] = {layer: n for n, layer in enumerate(_walk(self.right))}
        left: dict[int, float] = {}
        last = -1.0
        for layer in _walk(self.left):
            partner = self.right_of.get(layer)
            last = right[partner] if partner is not None else last + 0.001
            left[layer] = last
        return left, right

    def place(self, left: int | None = None, right: int | None = None) -> float:
        """Where a layer is among all: numbers for both sides, by which changes can be sorted."""
        places = self._places
        return places[0].get(left, -1) if left is not None else places[1].get(right or 0, -1)

    def new_parameters(self, side: LayerTree, layer: int) -> int:
        """How many parameters a layer has, those of layers in it that have partners left out."""
        partners = self.right_of if side is self.left else self.left_of
        stack, total = [layer], 0
        while stack:
            current = stack.pop()
            if current not in partners:
                total += sum(weight.parameters for weight in side.weights(current))
                stack += side.inside.get(current, [])
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


def _is_alone(layer: int, partners: dict[int, int], side: LayerTree) -> bool:
    owner = side.owner[layer]
    return layer not in partners and (owner is None or owner in partners)


def _walk(side: LayerTree) -> Iterator[int]:
    """All layers, those inside of one after it."""
    stack = side.inside.get(None, [])[::-1]
    while stack:
        layer = stack.pop()
        yield layer
        stack += side.inside.get(layer, [])[::-1]


class _Pairing:
    """The pairing of the layers inside of two that belong together."""

    def __init__(self, matching: LayerMatching, left: int | None, right: int | None) -> None:
        self.matching = matching
        self.rows = matching.left.inside.get(left, []), matching.right.inside.get(right, [])
        self.found: dict[int, int] = {}
        self.taken: dict[int, int] = {}

    def pairs(self) -> list[tuple[int, int]]:
        """The pairs, from the strongest evidence to the weakest."""
        if self.matching.names:
            self._anywhere(self._class_and_name, once=True)
        self._anywhere(self._surroundings, once=False)
        self._in_place(self._shapes)
        self._in_place(self._result)  # a layer before may have changed what its weights look like
        self._in_place(self._class)
        if self.matching.names:
            self._anywhere(lambda side, layer: side.name(layer), once=True)
        self._elsewhere()
        self._replaced()
        return list(self.found.items())

    def _pair(self, left: int, right: int) -> None:
        self.found[left], self.taken[right] = right, left

    # -- what two layers may have in common ------------------------------------------------------

    def _class_and_name(self, side: LayerTree, layer: int) -> Hashable:
        name = side.name(layer)
        return None if name is None else (name, side.layers[layer].class_name)

    def _surroundings(self, side: LayerTree, layer: int) -> Hashable:
        if side.owner[layer] is None:
            return (side.shapes(layer), side.outputs(layer))
        return side.surroundings.get(layer)

    def _shapes(self, side: LayerTree, layer: int) -> Hashable:
        return side.shapes(layer)

    def _result(self, side: LayerTree, layer: int) -> Hashable:
        return side.layers[layer].class_name, side.outputs(layer)

    def _class(self, side: LayerTree, layer: int) -> Hashable:
        return side.layers[layer].class_name

    # -- how it makes them partners --------------------------------------------------------------

    def _anywhere(self, token: Callable[[LayerTree, int], Hashable], *, once: bool) -> None:
        """Pair layers of one token wherever they are, if each side has as many of them.

        Args:
            token: what they are to have in common; `None` for layers that are to wait.
            once: pair only where there is one on each side.
        """
        open_ = self._open()
        tokens = [
            {layer: token(side, layer) for layer in row}
            for side, row in zip((self.matching.left, self.matching.right), open_, strict=True)
        ]
        counts, others = (Counter(each.values()) for each in tokens)
        places: dict[Hashable, list[int]] = {}
        for layer, each in reversed(tokens[1].items()):
            places.setdefault(each, []).append(layer)
        for layer, each in tokens[0].items():
            number = counts[each]
            if each is not None and number == others[each] and (number == 1 or not once):
                self._pair(layer, places[each].pop())

    def _in_place(self, token: Callable[[LayerTree, int], Hashable]) -> None:
        """Pair layers of one token that stand between the same partners."""
        left, right = self.rows
        tokens: tuple[list[Hashable], list[Hashable]] = ([], [])
        for layer in left:
            partner = layer in self.found
            tokens[0].append(("met", layer) if partner else token(self.matching.left, layer))
        for layer in right:
            partner = layer in self.taken
            tokens[1].append(
                ("met", self.taken[layer]) if partner else token(self.matching.right, layer)
            )
        for i, j in matches(*tokens):
            if left[i] not in self.found and right[j] not in self.taken:
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
            [self.found.get(i, -1) for i in left],
            [j if j in self.taken else -2 for j in right],
        )
        for same, (a, b), (c, d) in stretches(*tokens):
            ours = [i for i in left[a:b] if i not in self.found]
            theirs = [j for j in right[c:d] if j not in self.taken]
            if not same and len(ours) == len(theirs):
                for i, j in zip(ours, theirs, strict=True):
                    self._pair(i, j)

    def _open(self) -> tuple[Sequence[int], Sequence[int]]:
        left, right = self.rows
        return (
            [i for i in left if i not in self.found],
            [j for j in right if j not in self.taken],
        )
