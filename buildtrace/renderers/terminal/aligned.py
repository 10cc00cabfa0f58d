"""The rows of two trees of calls side by side: which to show, how deep, and what differs in them.

The terminal and the page show the same rows, and fold the same ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from buildtrace.renderers.facts import CallFacts, ordered, weight_line
from buildtrace.traces import folding, wording

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from buildtrace.comparison import AlignedCalls, Difference
    from buildtrace.renderers.facts import FactKind, TermKind
    from buildtrace.traces.schema import Call
    from buildtrace.traces.trace import Trace

FEW = 2
"""So many equal calls in a row are shown: a line that says so would be no shorter."""

MANY = 150
"""With more rows than this, repeats and recursion are folded as in the tree."""


SHOWN: dict[FactKind, tuple[TermKind, ...]] = {
    "layer": ("layer",),
    "weight": ("weight", "shape"),
    "variable": ("variable", "for", "shape"),
    "loss": ("loss",),
    "loaded": ("source", "fed"),
    "error": ("exception",),
    "flow": ("inputs", "outputs"),
}
"""What is said of a call beside its name, in this order."""


class AlignedRow(NamedTuple):
    """A row, with its calls and how deep the less deep one is."""

    aligned: AlignedCalls
    left: Call | None
    right: Call | None
    depth: int

    @property
    def calls(self) -> tuple[Call | None, Call | None]:
        """What stands on the left and on the right."""
        return self.left, self.right


class Elsewhere(NamedTuple):
    """A call on the other side, in another row: which row, "↓ name", and how deep it is."""

    row: int
    text: str
    depth: int


class Aligned:
    """Both trees.

    Attributes:
        traces: the left and the right one.
        call_facts: for both sides, what its calls have to say.
        rows: in the order for stepping.
        depths: for both sides, how deep each call is, by its id.
        row_numbers: for both sides, the number of the row that each call is in, by its id.
    """

    def __init__(self, left: Trace, right: Trace, difference: Difference) -> None:
        self.traces = left, right
        self.call_facts = [CallFacts(trace, by_shapes=True) for trace in self.traces]
        self.depths = _depths(left), _depths(right)
        self.rows = [self._row(aligned) for aligned in difference.steps]
        self.row_numbers = (
            {row.left.id: number for number, row in enumerate(self.rows) if row.left},
            {row.right.id: number for number, row in enumerate(self.rows) if row.right},
        )

    def _row(self, aligned: AlignedCalls) -> AlignedRow:
        left = None if aligned.left is None else self.traces[0].call(aligned.left)
        right = None if aligned.right is None else self.traces[1].call(aligned.right)
        depths = [d[c.id] for d, c in zip(self.depths, (left, right), strict=True) if c]
        return AlignedRow(aligned, left, right, min(depths))

    def shown(self, full: bool = False) -> set[int]:
        """The numbers of the rows to show: what differs, and what that is inside of."""
        if full:
            return set(range(len(self.rows)))
        shown = {
            n
            for n, row in enumerate(self.rows)
            if row.aligned.state != "same"
            and (row.aligned.state != "differs" or self.reported(row))
        }
        if len(shown) > MANY:
            shown &= self._unfolded()
        for number in [*shown]:
            shown |= self._around(self.rows[number])
        return self._with_short_gaps(shown)

    def _unfolded(self) -> set[int]:
        """The rows with a call that the tree alone would show as well."""
        kept = [{call.id for call in folding.fold(trace).calls} for trace in self.traces]
        return {
            number
            for number, row in enumerate(self.rows)
            if (row.left and row.left.id in kept[0]) or (row.right and row.right.id in kept[1])
        }

    def _around(self, row: AlignedRow) -> set[int]:
        """The rows of the calls that these calls are inside of."""
        return {
            numbers[outer.id]
            for trace, numbers, call in zip(self.traces, self.row_numbers, row.calls, strict=True)
            if call is not None
            for outer in trace.ancestors(call)
        }

    def _with_short_gaps(self, shown: set[int]) -> set[int]:
        """With the equal rows for which a line in their place would save nothing."""
        run: list[int] = []
        for number in range(len(self.rows) + 1):
            if number < len(self.rows) and number not in shown:
                run.append(number)
                continue
            if len(run) < FEW:
                shown |= set(run)
            run = []
        return shown

    def gap(self, hidden: Iterable[AlignedRow]) -> str:
        """What rows that are not shown are: "12 equal calls"."""
        hidden = list(hidden)
        equal = sum(row.aligned.state == "same" for row in hidden)
        words = [wording.count(equal, "equal call")] if equal else []
        alike = sum(row.aligned.state == "differs" and not self.reported(row) for row in hidden)
        if alike:
            words.append(f"{alike:,} that differ{'' if alike > 1 else 's'} alike")
        if len(hidden) > equal + alike:
            words.append(f"{len(hidden) - equal - alike:,} like those above")
        return ", ".join(words)

    def reported(self, row: AlignedRow) -> list[str]:
        """What differs in two calls, without what differs alike in the calls around them."""
        if row.left is None or row.right is None or row.aligned.state != "differs":
            return []
        outer = row.left.parent, row.right.parent
        number = None if None in outer else self.row_numbers[0].get(outer[0] or 0)
        around = None if number is None else self.rows[number]
        if around is None or around.right is None or around.right.id != outer[1]:
            return [*row.aligned.differs]
        return [
            fact
            for fact in row.aligned.differs
            if fact not in around.aligned.differs
            or self.facts(row, fact) != self.facts(around, fact)
        ]

    def details(self, side: int, call: Call) -> Iterator[str]:
        """What there is room for beside the name: the layer, the weight, the error, the shapes."""
        parent = None if call.parent is None else self.traces[side].call(call.parent)
        for fact in ordered(self.call_facts[side].of(call, parent), SHOWN):
            if not fact.repeated:
                yield fact.said(*SHOWN[fact.kind])

    def facts(self, row: AlignedRow, fact: str) -> list[str]:
        """How it is on both sides."""
        calls = zip(self.traces, row.calls, strict=True)
        return [_fact(trace, call, fact) for trace, call in calls if call is not None]

    def elsewhere(self, number: int) -> Elsewhere | None:
        """Of a call that is alone in a row: where the other side does the same, if it does."""
        aligned = self.rows[number].aligned
        if aligned.elsewhere is None:
            return None
        side = 0 if aligned.left is None else 1
        row = self.row_numbers[side][aligned.elsewhere]
        name = wording.sanitize(self.traces[side].call(aligned.elsewhere).name)
        arrow = "↓" if row > number else "↑"
        return Elsewhere(row, f"{arrow} {name}", self.depths[side][aligned.elsewhere])


def _depths(trace: Trace) -> dict[int, int]:
    depths: dict[int | None, int] = {None: -1}
    for call in trace.calls:
        depths[call.id] = depths[call.parent] + 1
    return {id_: depth for id_, depth in depths.items() if id_ is not None}


def _fact(trace: Trace, call: Call, fact: str) -> str:
    """How it is on one side."""
    if fact == "function":
        return wording.sanitize(call.name)
    if fact == "inputs":
        return wording.tensors(call.inputs)
    if fact == "outputs":
        return wording.tensors(call.outputs)
    if fact == "error":
        return wording.sanitize(wording.error(call.error)) if call.error else "none"
    if fact == "changes":
        changes = [f"{k}: {a} → {b}" for k, (a, b) in sorted(call.changes.items())]
        return wording.sanitize(", ".join(changes)) or "none"
    return ", ".join(map(weight_line, trace.weights_made_by(call))) or "none"
