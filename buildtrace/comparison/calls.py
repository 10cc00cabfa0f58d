"""The two trees of calls side by side.

Both trees are taken in the order of start, and aligned like two texts (see
`buildtrace.comparison.alignment`) by what a call is for: its landmark's role, the layer at work,
and the weight that is being made. First by what was done once on each side; then, in the gaps, by
subtrees in which all is equal, and by what is left. So a function that only one generation has
stands alone, and what it runs inside still finds its partner. A call whose partner runs before or
after what is around it has the place where that is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from buildtrace.comparison.alignment import matches
from buildtrace.comparison.difference import AlignedCalls
from buildtrace.comparison.outputs import same_tensors
from buildtrace.comparison.roles import role_of

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence

    from buildtrace.comparison.difference import AlignmentState
    from buildtrace.comparison.layer_matching import LayerKey, LayerMatching
    from buildtrace.comparison.layer_tree import LayerTree
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
    left, right = (_KeyedCalls(matching, tree, numbers) for tree in (matching.left, matching.right))
    rows: list[tuple[KeyedCall | None, KeyedCall | None]] = []
    for ours, theirs in _threads(left, right):
        rows += _rows(ours, theirs)
    return tuple(_as_data(rows, strict=not matching.generations_differ, left=left, right=right))


class _KeyedCalls:
    """The calls of one side."""

    def __init__(
        self, matching: LayerMatching, tree: LayerTree, numbers: dict[Hashable, int]
    ) -> None:
        self.trace = trace = tree.trace
        self._matching = matching
        self._tree = tree
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
        weights = self.trace.weights_made_by(call)
        return role_of(self.trace, call), owner, weights[0].name if weights else weight

    def _owner(self, layer: int) -> LayerKey:
        if self._tree.is_operation(layer):
            return self._tree.operation(layer), -1
        return self._matching.key(self._tree, self._tree.alias.get(layer, layer))

    def threads(self) -> dict[int, list[KeyedCall]]:
        """The calls of each thread, in the order of the trees."""
        threads: dict[int, list[KeyedCall]] = {}
        for _, call in self.trace.walk():
            keyed = KeyedCall(call, self.keys[call.id], self.numbers[call.id])
            threads.setdefault(call.thread, []).append(keyed)
        return threads


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
    for calls in ours.values():
        keys = {call.key for call in calls}
        best = max(
            theirs,
            key=lambda thread: len(keys & {call.key for call in theirs[thread]}),
            default=None,
        )
        yield calls, theirs.pop(best) if best is not None else []
    for calls in theirs.values():
        yield [], calls


def _rows(
    left: list[KeyedCall], right: list[KeyedCall]
) -> Iterator[tuple[KeyedCall | None, KeyedCall | None]]:
    """The calls of both sides, those that belong together in one row."""
    a = c = 0
    for i, j in [*_pairs(left, right), (len(left), len(right))]:
        yield from ((call, None) for call in left[a:i])
        yield from ((None, call) for call in right[c:j])
        if i < len(left):
            yield left[i], right[j]
        a, c = i + 1, j + 1


def _pairs(left: list[KeyedCall], right: list[KeyedCall]) -> list[tuple[int, int]]:
    """Where the calls are that belong together, found with one criterion after the other."""
    pairs = [(-1, -1), (len(left), len(right))]
    for criterion in (
        _once(left, right, lambda call: call.key),
        # Keras 2 runs `Layer.build` for a layer as well as its own `build`.
        _once(left, right, lambda call: (call.key, call.call.name)),
        lambda call: call.number,
        lambda call: call.key,
    ):
        for (a, c), (b, d) in [*pairwise(pairs)]:
            gaps = left[a + 1 : b], right[c + 1 : d]
            inner = matches(*([criterion(call) for call in gap] for gap in gaps))
            pairs += [(a + 1 + i, c + 1 + j) for i, j in inner]
        pairs.sort()
    return pairs[1:-1]


def _once(left: list[KeyedCall], right: list[KeyedCall], criterion: Criterion) -> Criterion:
    """As `criterion` for what alone on its side has its value; others have one like no other."""
    counts, others = (Counter(map(criterion, calls)) for calls in (left, right))
    once = {value for value, count in counts.items() if count == others[value] == 1}
    return lambda call: value if (value := criterion(call)) in once else id(call)


def _as_data(
    rows: list[tuple[KeyedCall | None, KeyedCall | None]],
    *,
    strict: bool,
    left: _KeyedCalls,
    right: _KeyedCalls,
) -> Iterator[AlignedCalls]:
    """The rows as data; a call that is alone knows its partner in another row, if there is one."""
    partners = _elsewhere(rows)
    for ours, theirs in rows:
        if ours is not None and theirs is not None:
            yield _aligned(ours, theirs, strict=strict, left=left, right=right)
        elif ours is not None:
            partner = partners.get(("left", ours.call.id))
            yield AlignedCalls(left=ours.call.id, state="left", elsewhere=partner)
        elif theirs is not None:
            partner = partners.get(("right", theirs.call.id))
            yield AlignedCalls(right=theirs.call.id, state="right", elsewhere=partner)


def _elsewhere(rows: list[tuple[KeyedCall | None, KeyedCall | None]]) -> dict[tuple[str, int], int]:
    """For calls that are alone in their row: the call that does the same in another one."""
    waiting: dict[Hashable, list[int]] = {}
    for ours, theirs in reversed(rows):
        if ours is None and theirs is not None:
            waiting.setdefault(theirs.key, []).append(theirs.call.id)
    partners: dict[tuple[str, int], int] = {}
    for ours, theirs in rows:
        if ours is not None and theirs is None and waiting.get(ours.key):
            other = waiting[ours.key].pop()
            partners["left", ours.call.id] = other
            partners["right", other] = ours.call.id
    return partners


def _aligned(
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
    weights = left.trace.weights_made_by(ours), right.trace.weights_made_by(theirs)
    if [*map(weight_facts, weights[0])] != [*map(weight_facts, weights[1])]:
        yield "weights"
    if (ours.error and ours.error.type) != (theirs.error and theirs.error.type):
        yield "error"


def _alike(ours: tuple[TensorSpec, ...], theirs: tuple[TensorSpec, ...], *, strict: bool) -> bool:
    if strict:
        return ours == theirs
    if not ours or not theirs:
        return True  # one generation's function does not get, or give, what the other's does
    return same_tensors(ours, theirs)
