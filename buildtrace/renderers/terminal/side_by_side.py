"""Two builds side by side: first what differs, in sentences, then both trees of calls in columns.

What is equal is folded, but for the calls that something else is inside of; so is what differs just
as the call around it does. A line that differs is marked by a sign between the columns: "≠"
something differs, "≈" another function did the same, "<" and ">" only one side has it. An arrow in
the other column says where that side does the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace import renderers
from buildtrace.renderers.terminal.aligned import Aligned, AlignedRow
from buildtrace.renderers.terminal.tree import WIDE
from buildtrace.renderers.text import styles
from buildtrace.renderers.text.lines import (
    Line,
    Lines,
    Part,
    cut,
    cut_start,
    size,
    width_of,
    wrapped,
)
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from buildtrace.comparison import Change, Difference
    from buildtrace.traces.schema import Call
    from buildtrace.traces.trace import Trace

SIGNS = {"same": " ", "counterpart": "≈", "differs": "≠", "left": "<", "right": ">"}
"""What stands between the columns."""

COLORS = {
    "same": styles.QUIET,
    "counterpart": "cyan",
    "differs": "bold yellow",
    "left": "magenta",
    "right": "green",
}
"""Red is for what fails."""

SEVERITY = {"error": ("✗ ", "bold yellow"), "warning": ("≠ ", "bold yellow"), "note": ("· ", "")}

TITLES = {
    "failure": "whether it fails",
    "weights": "weights",
    "graph": "the graph",
    "outputs": "outputs",
    "order": "the order of building",
    "findings": "findings",
    "landmarks": "the functions that ran",
    "times": "times",
}
"""The kinds of changes in a sentence."""


def render(left: Trace, right: Trace, difference: Difference, *, full: bool = False) -> Lines:
    """The summary and the columns.

    Args:
        left: the trace before.
        right: the trace after.
        difference: what their comparison said.
        full: whether to fold nothing.
    """
    return Lines(lambda width: _lines(left, right, difference, full, width))


def to_text(
    left: Trace,
    right: Trace,
    difference: Difference,
    *,
    full: bool = False,
    width: int | None = None,
) -> str:
    """The same as plain text, so many characters wide."""
    return renderers.plain(render(left, right, difference, full=full).stream, width)


def _lines(
    left: Trace, right: Trace, difference: Difference, full: bool, width: int
) -> Iterator[Line]:
    yield from summary(difference, width)
    if full or any(aligned.state != "same" for aligned in difference.steps):
        yield []
        yield from _Columns(left, right, difference, full, width).lines()


# -- what differs, in sentences ---------------------------------------------------------------


def summary(difference: Difference, width: int) -> Iterator[Line]:
    """The two builds, whether they are the same, and a line for each change."""
    for sign, build in (("< ", difference.left), ("> ", difference.right)):
        text = wording.sanitize(build.label)
        if build.versions:
            text += f": {wording.sanitize_long(build.versions)}"
        totals = [
            wording.count(build.calls, "call"),
            wording.count(build.weights, "weight"),
            wording.count(build.parameters, "parameter"),
        ]
        yield from wrapped(f"{text} · {' · '.join(totals)}", width, [Part(sign)], [Part("  ")])
    yield []
    yield from wrapped(verdict(difference), width, [], [], styles.HEADING)
    for change in difference.changes:
        yield from _change(change, width)


def verdict(difference: Difference) -> str:
    """In one line: whether it is the same build."""
    # A kind that does not decide may differ in builds that are the same.
    kinds = list(dict.fromkeys(TITLES[change.kind] for change in difference.changes))
    if not difference.same:
        return f"Different: {wording.listed(kinds)}."
    compared = [TITLES[kind] for kind in difference.kinds if kind not in ("failure", "times")]
    if not kinds:
        return f"The same build, in {wording.listed(compared)}."
    return f"The same build; only {wording.listed(kinds)} differ."


def _change(change: Change, width: int) -> Iterator[Line]:
    sign, style = SEVERITY[change.severity]
    style = styles.ERROR if change.kind == "failure" else style
    before = "  └ " if change.follows else ""
    text = wording.sanitize_long(change.message)
    if change.follows and change.why:
        text += f": {wording.sanitize_long(change.why)}"
    first = [Part(before, styles.QUIET), Part(sign, style)]
    rest = [Part(" " * width_of(first))]
    yield from wrapped(text, width, first, rest, "" if change.follows else styles.NAME)
    if change.why and not change.follows:
        yield from wrapped(wording.sanitize_long(change.why), width, rest, rest, styles.NOTE)


# -- both trees -------------------------------------------------------------------------------


class _Columns:
    """The two columns."""

    def __init__(
        self, left: Trace, right: Trace, difference: Difference, full: bool, width: int
    ) -> None:
        self.aligned = Aligned(left, right, difference)
        self.labels = [wording.sanitize(each.label) for each in (difference.left, difference.right)]
        self.full = full
        self.width = width
        self.column = (width - 3) // 2
        self.indent = 2 if width >= WIDE else 1

    def lines(self) -> Iterator[Line]:
        """What the columns are, all rows that are shown, and lines for those that are not."""
        titles = [cut_start([Part(label, styles.HEADING)], self.column) for label in self.labels]
        yield self._joined(titles[0], " ", titles[1], "")
        rows = self.aligned.rows
        shown = self.aligned.shown(self.full)
        hidden: list[AlignedRow] = []
        for number, row in enumerate(rows):
            if number not in shown:
                hidden.append(row)
                continue
            yield from self._gap(hidden)
            hidden = []
            yield self._line(number, row)
            yield from self._differences(row)
        yield from self._gap(hidden)
        gone = len(rows) - len(shown)
        if gone:
            yield []
            text = f"Folded: {gone:,} of {len(rows):,} rows; --full shows all."
            yield from wrapped(text, self.width, [], [], styles.NOTE)

    def _gap(self, hidden: Sequence[AlignedRow]) -> Iterator[Line]:
        if not hidden:
            return
        indent = " " * min(hidden[0].depth * self.indent, self.column // 2)
        text = f"{indent}⋯ {self.aligned.gap(hidden)}"
        yield cut([Part(text, styles.QUIET)], self.width)

    def _line(self, number: int, row: AlignedRow) -> Line:
        cells = [
            self._cell(side, call) if call else self._elsewhere(number)
            for side, call in enumerate(row.calls)
        ]
        state = row.aligned.state
        return self._joined(cells[0], SIGNS[state], cells[1], COLORS[state])

    def _joined(self, left: Line, sign: str, right: Line, style: str) -> Line:
        left, right = cut(left, self.column), cut(right, self.column)
        pad = Part(" " * (self.column - width_of(left)))
        return [*left, pad, Part(f" {sign} ", style), *right]

    def _cell(self, side: int, call: Call) -> Line:
        failing = call.error is not None and not call.error.swallowed
        style = styles.ERROR if failing else styles.STEP[call.step]
        depth = self.aligned.depths[side][call.id]
        line = [self._indented(depth), Part(wording.sanitize(call.name), style)]
        room = self.column - width_of(line)
        for text in self.aligned.details(side, call):
            room -= 1 + size(text)
            if room >= 0:  # half a shape tells less than none
                line.append(Part(f" {text}"))
        return line

    def _indented(self, depth: int) -> Part:
        """Spaces for the depth; a number where that would take half the column."""
        width = depth * self.indent
        if width <= self.column // 3:
            return Part(" " * width)
        number = f"[{depth}] "
        return Part(" " * (self.column // 3 - len(number)) + number, styles.QUIET)

    def _elsewhere(self, number: int) -> Line:
        """What the other side's column says in a row that it has no call in."""
        elsewhere = self.aligned.elsewhere(number)
        if elsewhere is None:
            return []
        return [self._indented(elsewhere.depth), Part(elsewhere.text, styles.NOTE)]

    def _differences(self, row: AlignedRow) -> Iterator[Line]:
        """What differs in two calls that belong together, one thing a line."""
        for fact in self.aligned.reported(row):
            if fact == "function" or row.left is None or row.right is None:
                continue  # the line itself says it
            cells = []
            for text, depths, call in zip(
                self.aligned.facts(row, fact),
                self.aligned.depths,
                (row.left, row.right),
                strict=True,
            ):
                indent = self._indented(depths[call.id] + 1)
                cells.append([indent, Part(f"{fact} {text}", styles.SWALLOWED)])
            yield self._joined(cells[0], SIGNS["differs"], cells[1], COLORS["differs"])
