"""What several workers of one program do alike: the weights that each makes, one after the other.

Under `tf.distribute`'s MultiWorkerMirroredStrategy a weight is made by all workers together: the
first one sends its values to the others, which wait for that. They are told apart by nothing but
their order. So all workers have to make the same weights in the same order; what is not so fails,
hangs, or goes unnoticed and gives one layer the values of another.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import msgspec

from buildtrace.comparison.alignment import matches
from buildtrace.traces import json_text
from buildtrace.traces.journal import Making
from buildtrace.traces.normalize import VARIABLE, automatic
from buildtrace.traces.schema import PlainData
from buildtrace.traces.wording import count, essence

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence

    from buildtrace.comparison.alignment import Match
    from buildtrace.traces.schema import Call
    from buildtrace.traces.trace import Trace

MAKES_WEIGHT = "Layer.add_weight"
"""The landmark of all generations that makes a weight."""

LONGEST_ERROR = 300

_IN_FUNCTION = re.compile(r"\{\{.*?\}\}\s*")

WorkerChangeKind = Literal["order", "other", "more", "fewer", "behind"]
"""How a worker differs: it makes the same weights in another order; others; some besides; not all;
or it did not come as far before it ended."""


class Worker(PlainData, frozen=True, kw_only=True):
    """What one worker made.

    Attributes:
        label: what to call it: the name of its file.
        makings: the weights, in the order in which they were begun.
        whole: whether its trace was written, and not only its journal is left.
        error: what ended it, in one line; "" if nothing did, or if that is not known.
    """

    label: str
    makings: tuple[Making, ...] = ()
    whole: bool = True
    error: str = ""

    @property
    def unfinished(self) -> Making | None:
        """The weight that it had begun last, if it did not come to make it."""
        last = self.makings[-1] if self.makings else None
        return None if last is None or last.made else last

    @property
    def stopped(self) -> bool:
        """Whether it ended before it had made all that it wanted, as far as is known."""
        return bool(self.unfinished or self.error or not self.whole)


class WorkerChange(PlainData, frozen=True, kw_only=True):
    """One thing that a worker does otherwise than the one that it is compared with.

    Attributes:
        kind: in which way.
        worker: the label of the worker.
        message: what it does, in one line.
        why: what comes of that.
        silent: whether no error tells it.
        positions: the numbers, from 1, of the two weights that show it, of the other worker and
            of this one; `None` on the side that has none.
        left: the weight of the other worker there.
        right: the weight of this one there.
    """

    kind: WorkerChangeKind
    worker: str
    message: str
    why: str = ""
    silent: bool = False
    positions: tuple[int | None, int | None] = (None, None)
    left: Making | None = None
    right: Making | None = None


class WorkerRow(PlainData, frozen=True, kw_only=True):
    """The numbers of two weights, from 1, that stand side by side; `None` if there is only one."""

    left: int | None
    right: int | None
    same: bool


class ComparedWorker(PlainData, frozen=True, kw_only=True):
    """A worker beside the one that it is compared with.

    Attributes:
        worker: the label of the worker.
        changes: what differs, the most important first.
        rows: the weights of both side by side: by place, as the workers make them together, or
            with gaps where one makes more.
    """

    worker: str
    changes: tuple[WorkerChange, ...] = ()
    rows: tuple[WorkerRow, ...] = ()


class MergedWorkers(PlainData, frozen=True, kw_only=True):
    """Several workers side by side.

    Attributes:
        workers: all of them, in the order that they were given in.
        same: whether all make the same weights in the same order.
        reference: the label of the one that the others are compared with: the first, unless more
            of them do the same as another one.
        compared: each of the others beside that.
    """

    workers: tuple[Worker, ...]
    same: bool
    reference: str
    compared: tuple[ComparedWorker, ...] = ()

    def to_json(self) -> bytes:
        """All of it as JSON, for programs."""
        return msgspec.json.format(json_text.encoded(self), indent=1)


# -- from a trace -----------------------------------------------------------------------------


def worker_of(trace: Trace, label: str) -> Worker:
    """What a worker's trace says of the weights that it made."""
    error = "" if trace.error is None else f"{trace.error.type}: {trace.error.message}"
    return Worker(label=label, makings=tuple(_makings(trace)), error=_first_line(error))


def _makings(trace: Trace) -> Iterator[Making]:
    """The weights that `add_weight` made, or was to make, in the order of their calls."""
    weights = {weight.call: weight for weight in trace.weights if weight.call is not None}
    end = max((call.start_ns + call.duration_ns for call in trace.calls), default=0)
    for call in trace.calls:
        if call.landmark != MAKES_WEIGHT:
            continue
        weight = weights.get(call.id)
        given: dict[str, Any] = {}
        if weight is not None:
            given = {"name": weight.name, "shape": weight.shape, "dtype": weight.dtype}
        elif call.error is None and call.start_ns + call.duration_ns < end:
            continue  # a weight that there was already
        elif call.asked is not None:
            given = msgspec.structs.asdict(call.asked)
        yield _making(trace, call, given, made=weight is not None)


def _making(trace: Trace, call: Call, given: dict[str, Any], *, made: bool) -> Making:
    return Making(
        layer=call.layer.name if call.layer else "",
        class_name=call.layer.class_name if call.layer else "",
        caller=call.caller,
        source=trace.index.source_code.line(call.caller) if call.caller else "",
        made=made,
        error=_first_line(" ".join(essence(call.error))) if call.error and not made else "",
        **given,
    )


def _first_line(text: str) -> str:
    """As much of an error as one reads; TensorFlow says first in which of its functions it was."""
    line = _IN_FUNCTION.sub("", text).strip().partition("\n")[0]
    return line if len(line) <= LONGEST_ERROR else f"{line[:LONGEST_ERROR]}…"


# -- side by side -----------------------------------------------------------------------------


MOST_REFERENCES = 3
"""So many workers are tried as the one that the others are compared with."""


def compare_workers(workers: Sequence[Worker]) -> MergedWorkers:
    """How the workers differ from the one that most of them do the same as."""
    tries = (_beside(workers, n) for n in range(min(len(workers), MOST_REFERENCES)))
    return max(tries, key=lambda merged: sum(not one.changes for one in merged.compared))


def _beside(workers: Sequence[Worker], place: int) -> MergedWorkers:
    """How the others differ from the worker at this place."""
    reference = workers[place]
    others = [worker for n, worker in enumerate(workers) if n != place]
    compared = tuple([_Pair(reference, other).compared() for other in others])
    return MergedWorkers(
        workers=tuple(workers),
        same=not any(one.changes for one in compared),
        reference=reference.label,
        compared=compared,
    )


def _taken(places: list[int], keys: list[Hashable], left: Counter[Hashable]) -> list[int]:
    """The places whose key is among those that are left, each of them taken once."""
    taken = []
    for place in places:
        if left[keys[place]]:
            left[keys[place]] -= 1
            taken.append(place)
    return taken


class _Alone(NamedTuple):
    """Places, from 0, of weights on both sides that have no partner on the other one."""

    left: list[int]
    right: list[int]


class _Pair:
    """Two workers, and which weights of them are the same."""

    def __init__(self, first: Worker, other: Worker) -> None:
        self.first, self.other = first, other
        self.left, self.right = first.makings, other.makings
        self.keys = _keys(self.left, self.right)
        self.pairs = _pairs(*self.keys, self.left, self.right)

    def compared(self) -> ComparedWorker:
        changes = tuple(self._changes())
        by_place = not any(change.kind in ("more", "fewer") for change in changes)
        return ComparedWorker(
            worker=self.other.label,
            changes=changes,
            rows=tuple(self._rows_by_place() if by_place else self._rows()),
        )

    def _changes(self) -> Iterator[WorkerChange]:
        alone = _Alone(
            sorted({*range(len(self.left))} - {i for i, _ in self.pairs}),
            sorted({*range(len(self.right))} - {j for _, j in self.pairs}),
        )
        moved = self._moved(alone)
        if moved.left:
            yield self._reordered()
        left = [i for i in alone.left if i not in {*moved.left}]
        right = [j for j in alone.right if j not in {*moved.right}]
        if left and right and not moved.left:
            yield self._others(left[0], right[0])
            return
        if right and not (self.first.stopped and right[0] >= len(self.left)):
            yield self._more(right)
        elif right:
            yield self._behind(self.first, len(self.left), self.other)
        if left and not (self.other.stopped and left[0] >= len(self.right)):
            yield self._fewer(left)
        elif left:
            yield self._behind(self.other, len(self.right), self.first)

    def _moved(self, alone: _Alone) -> _Alone:
        """Those of the weights without a partner that the other side makes at another place."""
        ours = Counter(self.keys[0][i] for i in alone.left)
        theirs = Counter(self.keys[1][j] for j in alone.right)
        both = ours & theirs
        return _Alone(
            _taken(alone.left, self.keys[0], Counter(both)),
            _taken(alone.right, self.keys[1], both),
        )

    def _reordered(self) -> WorkerChange:
        """The same weights in another order: what comes of that depends on their shapes."""
        shapes = [[(one.shape, one.dtype) for one in side] for side in (self.left, self.right)]
        common = min(map(len, shapes))
        silent = shapes[0][:common] == shapes[1][:common]
        at = next(n for n in range(common) if (n, n) not in self.pairs)
        if silent:
            why = (
                "The shapes at each place are the same: weights begin with the values that another "
                "worker has made for another weight."
            )
        else:
            why = "The shapes differ at some places: the workers fail or hang there."
        return WorkerChange(
            kind="order",
            worker=self.other.label,
            message="makes weights in another order",
            why=why,
            silent=silent,
            positions=(at + 1, at + 1),
            left=self.left[at],
            right=self.right[at],
        )

    def _others(self, left: int, right: int) -> WorkerChange:
        one, two = self.left[left], self.right[right]
        shapes = (one.shape, one.dtype) != (two.shape, two.dtype)
        return WorkerChange(
            kind="other",
            worker=self.other.label,
            message=f"makes another weight as weight {right + 1}",
            why="Their shapes differ: the workers fail or hang there."
            if shapes
            else "They have the same shape: the one begins with the values of the other.",
            silent=not shapes,
            positions=(left + 1, right + 1),
            left=one,
            right=two,
        )

    def _more(self, right: list[int]) -> WorkerChange:
        return WorkerChange(
            kind="more",
            worker=self.other.label,
            message=f"makes {count(len(right), 'weight')} that {self.first.label} does not make",
            why=_WAITS,
            positions=(None, right[0] + 1),
            right=self.right[right[0]],
        )

    def _fewer(self, left: list[int]) -> WorkerChange:
        return WorkerChange(
            kind="fewer",
            worker=self.other.label,
            message=f"does not make {count(len(left), 'weight')} that {self.first.label} makes",
            why=_WAITS,
            positions=(left[0] + 1, None),
            left=self.left[left[0]],
        )

    def _behind(self, late: Worker, number: int, further: Worker) -> WorkerChange:
        """One of the two ended, or hangs, where the other one went on."""
        is_first = late is self.first
        weight = further.makings[number]
        message = (
            f"goes on to weight {number + 1}, which {late.label} has not begun"
            if is_first
            else f"has not begun weight {number + 1}, which {further.label} goes on to"
        )
        return WorkerChange(
            kind="behind",
            worker=self.other.label,
            message=message,
            why="All workers have to make a weight together, and wait for that. Either "
            f"{late.label} makes none there, or it has stopped, or hangs, before it.",
            positions=(None, number + 1) if is_first else (number + 1, None),
            left=None if is_first else weight,
            right=weight if is_first else None,
        )

    def _rows_by_place(self) -> Iterator[WorkerRow]:
        """The weights of one place in a row, as the workers make them together."""
        for n in range(max(len(self.left), len(self.right))):
            is_left, is_right = n < len(self.left), n < len(self.right)
            same = is_left and is_right and (n, n) in self.pairs
            yield WorkerRow(
                left=n + 1 if is_left else None, right=n + 1 if is_right else None, same=same
            )

    def _rows(self) -> Iterator[WorkerRow]:
        """The same weights in a row, and those that only one has in a row of their own."""
        i = j = 0
        for left, right in [*sorted(self.pairs), (len(self.left), len(self.right))]:
            for n in range(i, left):
                yield WorkerRow(left=n + 1, right=None, same=False)
            for n in range(j, right):
                yield WorkerRow(left=None, right=n + 1, same=False)
            if left < len(self.left):
                yield WorkerRow(left=left + 1, right=right + 1, same=True)
            i, j = left + 1, right + 1


_WAITS = (
    "All workers have to make a weight together: it waits there for the others, which hang, or "
    "meet with another weight of theirs."
)


# -- which weights are the same ---------------------------------------------------------------


def _pairs(
    ours: Sequence[Hashable],
    theirs: Sequence[Hashable],
    left: Sequence[Making],
    right: Sequence[Making],
) -> set[Match]:
    """The places of weights that are the same, growing on both sides."""
    pairs = set(matches(ours, theirs))
    if len(pairs) == len(ours) == len(theirs):
        return pairs & _pairs_by_name(left, right)
    return pairs


def _pairs_by_name(left: Sequence[Making], right: Sequence[Making]) -> set[Match]:
    """The same, of weights that nothing but the numbers in the layers' names tell apart.

    If the layers have all the same names on both sides, each name is of one and the same layer.
    """
    names = [[one.layer for one in side] for side in (left, right)]
    if {*names[0]} != {*names[1]}:
        return {(n, n) for n in range(len(left))}
    return {(n, n) for n in range(len(left)) if names[0][n] == names[1][n]}


def _keys(left: Sequence[Making], right: Sequence[Making]) -> tuple[list[Hashable], list[Hashable]]:
    """What tells the weights of two workers apart; the same weight has the same on both sides."""
    aliases = _aliases(left, right)
    ours: list[Hashable] = [(*_plain_key(one), _line(one)) for one in left]
    theirs: list[Hashable] = [
        (*_plain_key(one), aliases.get(_line(one), _line(one))) for one in right
    ]
    return ours, theirs


def _plain_key(making: Making) -> tuple[Hashable, ...]:
    """A weight without its line. Keras' own number of a layer depends on what was made before."""
    layer = automatic(making.layer, making.class_name) or making.layer
    name = "" if VARIABLE.match(making.name) else making.name
    return layer, making.class_name, name, making.shape, making.dtype


_LineKey = tuple[str, int]


def _line(making: Making) -> _LineKey:
    """The user's line; workers may have the program in different folders."""
    if making.caller is None:
        return "", 0
    return PurePath(making.caller.file.replace("\\", "/")).name, making.caller.line


def _aliases(left: Sequence[Making], right: Sequence[Making]) -> dict[_LineKey, _LineKey]:
    """Lines that stand for another one: each worker builds the same in a branch of its own."""
    ours, theirs = {_line(one) for one in left}, {_line(one) for one in right}
    found: dict[_LineKey, _LineKey] = {}
    for i, j in matches([*map(_plain_key, left)], [*map(_plain_key, right)]):
        mine, other = _line(left[i]), _line(right[j])
        if mine != other and mine not in theirs and other not in ours:
            found.setdefault(other, mine)
    return found
