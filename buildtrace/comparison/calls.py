"""The two trees of calls side by side.

Both trees are taken in the order of start, and aligned like two texts (see
`buildtrace.comparison.alignment`) by what a call is for: its landmark's role, the layer at work,
and the weight that is being made. First by what was done once on each side; then, in the gaps, by
subtrees in which all is equal, and by what is left. So a function that only one generation has
stands alone, and what it runs inside still finds its partner. A call whose partner runs before or
after what is around it is told where that is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from buildtrace.comparison.alignment import matches
from buildtrace.comparison.result import AlignedCalls
from buildtrace.comparison.roles import role_of

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence

    from buildtrace.comparison.layer_matching import LayerKey, LayerMatching
    from buildtrace.comparison.layer_tree import LayerTree
    from buildtrace.comparison.result import AlignmentState
    from buildtrace.traces.schema import Call, TensorSpec, Weight


Criterion = Callable[["KeyedCall"], "Hashable"]
"""What calls must have in common to be partners."""


class KeyedCall(NamedTuple):
    """A call, and what tells it from others.

    Attributes:
        call: the call.
        key: equal for calls that do the same for the same layer.
        number: equal for calls in which all is equal, all inside them included.
    """

    call: Call
    key: Hashable
    number: int


def steps(matching: LayerMatching) -> tuple[AlignedCalls, ...]:
    """The rows of both trees, in an order for stepping."""
    numbers: dict[Hashable, int] = {}
    left, right = (_KeyedCalls(matching, each, numbers) for each in (matching.left, matching.right))
    rows: list[tuple[KeyedCall | None, KeyedCall | None]] = []
    for ours, theirs in _threads(left, right):
        rows += _rows(ours, theirs)
    return tuple(_with_places(rows, strict=not matching.generations_differ, left=left, right=right))


class _KeyedCalls:
    """The calls of one side."""

    def __init__(
        self, matching: LayerMatching, side: LayerTree, numbers: dict[Hashable, int]
    ) -> None:
        self.trace = trace = side.trace
        self.is_left = side is matching.left
        self._matching = matching
        self._side = side
        self.keys: dict[int | None, tuple[Hashable, LayerKey | None, str]] = {None: ("", None, "")}
        for call in trace.calls:
            self.keys[call.id] = self._key(call)
        self.numbers: dict[int, int] = {}
        inside: dict[int | None, list[int]] = {}
        for call in reversed(trace.calls):
            inner = inside.pop(call.id, [])
            token = (self.keys[call.id], facts(call, trace.weights_made_by(call)), *inner)
            number = self.numbers[call.id] = numbers.setdefault(token, len(numbers))
            inside.setdefault(call.parent, []).append(number)

    def _key(self, call: Call) -> tuple[Hashable, LayerKey | None, str]:
        """What the call does, for which layer, and for which weight."""
        _, owner, weight = self.keys[call.parent]
        if call.layer is not None:
            owner = self._owner(call.layer.id)
        made = self.trace.weights_made_by(call)
        return role_of(self.trace, call), owner, made[0].name if made else weight

    def _owner(self, layer: int) -> LayerKey | None:
        if self._side.is_operation(layer):
            return self._side.operation(layer), -1
        layer = self._side.alias.get(layer, layer)
        return self._matching.key(layer) if self.is_left else self._matching.key(right=layer)

    def threads(self) -> dict[int, list[KeyedCall]]:
        """The calls of each thread, in the order of the trees."""
        found: dict[int, list[KeyedCall]] = {}
        for _, call in self.trace.walk():
            item = KeyedCall(call, self.keys[call.id], self.numbers[call.id])
            found.setdefault(call.thread, []).append(item)
        return found


def facts(call: Call, weights: Sequence[Weight]) -> Hashable:
    """What a call did, apart from its layer's name, places in files and times."""
    error = call.error and (call.error.type, call.error.swallowed)
    changes = tuple(sorted(call.changes.items()))
    return (call.name, call.inputs, call.outputs, changes, error, *map(weight_facts, weights))


def weight_facts(weight: Weight) -> tuple[Hashable, ...]:
    """What a weight is, apart from where it is."""
    extras = (weight.initializer, weight.regularizer, weight.constraint)
    return (weight.name, weight.shape, weight.dtype, weight.trainable, *extras)


def _threads(
    left: _KeyedCalls, right: _KeyedCalls
) -> Iterator[tuple[list[KeyedCall], list[KeyedCall]]]:
    """The calls of threads that belong together: those that have most in common, by turns."""
    ours, theirs = left.threads(), right.threads()
    for items in ours.values():
        keys = {item.key for item in items}
        best = max(
            theirs,
            key=lambda thread: len(keys & {item.key for item in theirs[thread]}),
            default=None,
        )
        yield items, theirs.pop(best) if best is not None else []
    for items in theirs.values():
        yield [], items


def _rows(
    left: list[KeyedCall], right: list[KeyedCall]
) -> Iterator[tuple[KeyedCall | None, KeyedCall | None]]:
    """The calls of both sides, those that belong together in one row."""
    a = c = 0
    for i, j in [*_pairs(left, right), (len(left), len(right))]:
        yield from ((item, None) for item in left[a:i])
        yield from ((None, item) for item in right[c:j])
        if i < len(left):
            yield left[i], right[j]
        a, c = i + 1, j + 1


def _pairs(left: list[KeyedCall], right: list[KeyedCall]) -> list[tuple[int, int]]:
    """The places of the calls that belong together, found with one token after the other."""
    found = [(-1, -1), (len(left), len(right))]
    for token in (
        _once(left, right, lambda item: item.key),
        # Keras 2 runs `Layer.build` for a layer as well as its own `build`.
        _once(left, right, lambda item: (item.key, item.call.name)),
        lambda item: item.number,
        lambda item: item.key,
    ):
        for (a, c), (b, d) in [*pairwise(found)]:
            gaps = left[a + 1 : b], right[c + 1 : d]
            inner = matches(*([token(item) for item in gap] for gap in gaps))
            found += [(a + 1 + i, c + 1 + j) for i, j in inner]
        found.sort()
    return found[1:-1]


def _once(left: list[KeyedCall], right: list[KeyedCall], token: Criterion) -> Criterion:
    """The token of what has it alone on its side, on both sides; of others, one like no other."""
    counts, others = (Counter(map(token, items)) for items in (left, right))
    once = {key for key, count in counts.items() if count == others[key] == 1}
    return lambda item: found if (found := token(item)) in once else id(item)


def _with_places(
    rows: list[tuple[KeyedCall | None, KeyedCall | None]],
    *,
    strict: bool,
    left: _KeyedCalls,
    right: _KeyedCalls,
) -> Iterator[AlignedCalls]:
    """The rows as data; what is alone knows where its partner is, if there is one."""
    partners = _elsewhere(rows)
    for ours, theirs in rows:
        if ours is not None and theirs is not None:
            yield _step(ours, theirs, strict=strict, left=left, right=right)
        elif ours is not None:
            place = partners.get(("left", ours.call.id))
            yield AlignedCalls(left=ours.call.id, state="left", elsewhere=place)
        elif theirs is not None:
            place = partners.get(("right", theirs.call.id))
            yield AlignedCalls(right=theirs.call.id, state="right", elsewhere=place)


def _elsewhere(rows: list[tuple[KeyedCall | None, KeyedCall | None]]) -> dict[LayerKey, int]:
    """For calls that are alone in their row: the call that does the same in another one."""
    waiting: dict[Hashable, list[int]] = {}
    for ours, theirs in reversed(rows):
        if ours is None and theirs is not None:
            waiting.setdefault(theirs.key, []).append(theirs.call.id)
    found: dict[LayerKey, int] = {}
    for ours, theirs in rows:
        if ours is not None and theirs is None and waiting.get(ours.key):
            other = waiting[ours.key].pop()
            found["left", ours.call.id] = other
            found["right", other] = ours.call.id
    return found


def _step(
    ours: KeyedCall, theirs: KeyedCall, *, strict: bool, left: _KeyedCalls, right: _KeyedCalls
) -> AlignedCalls:
    differs = tuple(_differing(ours.call, theirs.call, strict=strict, left=left, right=right))
    state: AlignmentState = "same"
    if differs == ("function",) and ours.call.landmark != theirs.call.landmark:
        state = "counterpart"
    elif differs:
        state = "differs"
    return AlignedCalls(left=ours.call.id, right=theirs.call.id, state=state, differs=differs)


def _differing(
    ours: Call, theirs: Call, *, strict: bool, left: _KeyedCalls, right: _KeyedCalls
) -> Iterator[str]:
    """What differs between two calls; between generations, only what both speak of."""
    if ours.name != theirs.name:
        yield "function"
    if not _alike(ours.inputs, theirs.inputs, strict=strict):
        yield "inputs"
    if not _alike(ours.outputs, theirs.outputs, strict=strict):
        yield "outputs"
    if strict and ours.changes != theirs.changes:
        yield "changes"
    made = left.trace.weights_made_by(ours), right.trace.weights_made_by(theirs)
    if [*map(weight_facts, made[0])] != [*map(weight_facts, made[1])]:
        yield "weights"
    if (ours.error and ours.error.type) != (theirs.error and theirs.error.type):
        yield "error"


def _alike(ours: tuple[TensorSpec, ...], theirs: tuple[TensorSpec, ...], *, strict: bool) -> bool:
    if strict:
        return ours == theirs
    if not ours or not theirs:
        return True  # one generation's function does not get, or give, what the other's does
    return len(ours) == len(theirs) and all(
        a.shape == b.shape and (a.dtype == b.dtype or not a.dtype or not b.dtype)
        for a, b in zip(ours, theirs, strict=True)
    )
