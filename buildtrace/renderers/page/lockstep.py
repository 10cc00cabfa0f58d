"""Two builds as one page: what differs, and both trees of calls, to be stepped through together.

The table of rows is in the page itself, and is all there without scripts. The script folds what is
equal, has one row be the current one, and says of that what its data has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from buildtrace.comparison.roles import unpaired
from buildtrace.renderers.facts import text_of
from buildtrace.renderers.page import bundle, page_findings, template
from buildtrace.renderers.terminal import side_by_side
from buildtrace.renderers.terminal.aligned import Aligned
from buildtrace.renderers.text import styles
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.comparison import Change, Difference
    from buildtrace.comparison.difference import Build
    from buildtrace.renderers.terminal.aligned import AlignedRow
    from buildtrace.traces.schema import Call, SourceLine
    from buildtrace.traces.trace import Trace

ENTRY = "lockstep.mjs"
"""The page's script."""

MEANS = {
    "same": "the same",
    "counterpart": "another function does the same",
    "differs": "not the same",
    "left": "only {left} has this",
    "right": "only {right} has this",
}
"""How two calls compare, in words."""

ELSEWHERE = "done in another place on the other side"

DEEPEST = 14
"""Calls that are deeper stand no further to the right, but have their depth before them."""


def render(left: Trace, right: Trace, difference: Difference, *, full: bool = False) -> str:
    """The page.

    Args:
        left: the trace before.
        right: the trace after.
        difference: what their comparison said.
        full: whether to fold nothing at first.
    """
    aligned = Aligned(left, right, difference)
    labels = {
        "left": wording.sanitize(difference.left.label),
        "right": wording.sanitize(difference.right.label),
    }
    means = {state: text.format(**labels) for state, text in MEANS.items()}
    values = {
        "title": " and ".join(labels.values()),
        "verdict": side_by_side.verdict(difference),
        "builds": [_build(difference.left), _build(difference.right)],
        "changes": [_change(aligned, change) for change in difference.changes],
        "blocks": list(_blocks(aligned, full)),
        "rows": len(aligned.rows),
        "means": means,
        "data": template.pack(_CardData(aligned, means).all()),
    }
    rules = bundle.read("lockstep.css") + _indents() + _states()
    return template.filled("lockstep.html.j2", values, ENTRY, rules)


def _indents() -> str:
    """Each depth as a variable for the styles: the page's policy allows no style on an element."""
    return "".join(f'[data-depth="{n}"]{{--depth:{n}}}\n' for n in range(1, DEEPEST + 1))


def _states() -> str:
    """The color of each state as a variable, in the shade of the step that has it too."""
    steps = {color: step for step, color in styles.STEP.items()}
    return "".join(
        f'[data-state="{state}"]{{--state:var(--{steps[word]})}}\n'
        for state, style in side_by_side.COLORS.items()
        for word in style.split()
        if word in steps
    )


def _build(build: Build) -> dict[str, str]:
    totals = [
        wording.count(build.calls, "call"),
        wording.count(build.weights, "weight"),
        wording.count(build.parameters, "parameter"),
    ]
    return {
        "label": wording.sanitize(build.label),
        "versions": wording.sanitize_long(build.versions),
        "totals": " · ".join(totals),
    }


def _change(aligned: Aligned, change: Change) -> dict[str, Any]:
    """A change with the first row that shows it, if one does."""
    row = None
    for places, side in zip(aligned.row_numbers, (change.left, change.right), strict=True):
        if row is None and side and side.call is not None:
            row = places.get(side.call)
    return {
        "severity": change.severity,
        "kind": change.kind,
        "mark": side_by_side.SEVERITY[change.severity][0].strip(),
        "message": wording.sanitize_long(change.message),
        "why": wording.sanitize_long(change.why),
        "follows": change.follows,
        "row": row,
    }


# -- the table --------------------------------------------------------------------------------


def _blocks(aligned: Aligned, full: bool) -> Iterator[dict[str, Any]]:
    """The rows, in blocks of those that are shown, and of those that are folded at first."""
    shown = aligned.shown(full)
    block: list[int] = []
    for number in range(len(aligned.rows)):
        if block and (number in shown) != (block[-1] in shown):
            yield _block(aligned, block, block[-1] in shown)
            block = []
        block.append(number)
    if block:
        yield _block(aligned, block, block[-1] in shown)


def _block(aligned: Aligned, numbers: list[int], shown: bool) -> dict[str, Any]:
    rows = [aligned.rows[number] for number in numbers]
    return {
        "folded": "" if shown else aligned.gap(rows),
        "depth": min(rows[0].depth, DEEPEST),
        "rows": [_row(aligned, n, row) for n, row in zip(numbers, rows, strict=True)],
    }


def _row(aligned: Aligned, number: int, row: AlignedRow) -> dict[str, Any]:
    facts = [
        (fact, aligned.facts(row, fact)) for fact in aligned.reported(row) if fact != "function"
    ]
    cells = []
    for side, call in enumerate(row.calls):
        if call is None:
            cells.append(_elsewhere(aligned, number))
        else:
            own = [f"{fact} {texts[side]}" for fact, texts in facts]
            cells.append(_cell(aligned, side, call, own))
    state = row.aligned.state
    sign = side_by_side.SIGNS[state]
    return {"number": number, "state": state, "sign": sign, "cells": cells}


def _cell(aligned: Aligned, side: int, call: Call, facts: list[str]) -> dict[str, Any]:
    depth = aligned.depths[side][call.id]
    return {
        "kind": "call",
        "step": call.step,
        "depth": min(depth, DEEPEST),
        "deeper": depth if depth > DEEPEST else "",
        "name": wording.sanitize(call.name),
        "failed": call.error is not None and not call.error.swallowed,
        "details": list(aligned.details(side, call)),
        "facts": facts,
    }


def _elsewhere(aligned: Aligned, number: int) -> dict[str, Any]:
    elsewhere = aligned.elsewhere(number)
    if elsewhere is None:
        return {"kind": "none"}
    depth = min(elsewhere.depth, DEEPEST)
    return {"kind": "link", "row": elsewhere.row, "text": elsewhere.text, "depth": depth}


# -- what the current row says ----------------------------------------------------------------


class _CardData:
    """What is said of each row when it is the current one; what many say is carried once."""

    def __init__(self, aligned: Aligned, means: dict[str, str]) -> None:
        self.aligned = aligned
        self.means = means
        self.sentences: dict[tuple[str, ...], int] = {}
        self.lines: list[dict[str, Any]] = []
        self.numbers: dict[tuple[int, SourceLine], int] = {}

    def all(self) -> dict[str, Any]:
        """All that the script needs."""
        rows = [self._row(number, row) for number, row in enumerate(self.aligned.rows)]
        return {"rows": rows, "sentences": list(self.sentences), "lines": self.lines}

    def _row(self, number: int, row: AlignedRow) -> dict[str, Any]:
        aligned = self.aligned
        elsewhere = aligned.elsewhere(number)
        alone = None in row.calls and elsewhere is None
        return {
            "means": ELSEWHERE if elsewhere else self.means[row.aligned.state],
            "sides": [self._side(side, call, alone) for side, call in enumerate(row.calls)],
            "differs": [[fact, *aligned.facts(row, fact)] for fact in row.aligned.differs],
            "elsewhere": elsewhere.row if elsewhere else None,
        }

    def _side(self, side: int, call: Call | None, alone: bool) -> dict[str, Any] | None:
        if call is None:
            return None
        trace = self.aligned.traces[side]
        layer = call.layer
        facts = [*self.aligned.call_facts[side].of(call, None)]
        texts = {
            "name": wording.sanitize(call.name),
            "step": call.step,
            "layer": [wording.sanitize(layer.name), wording.sanitize(layer.class_name)]
            if layer
            else None,
            "flow": text_of(facts, "flow"),
            "makes": [fact.said("weight", "shape") for fact in facts if fact.kind == "weight"],
            "error": wording.sanitize_long(wording.essence(call.error)[0]) if call.error else "",
            "says": self._sentences(trace, call, alone),
            "line": self._line(side, call.caller),
        }
        return {key: value for key, value in texts.items() if value not in (None, "", [])}

    def _sentences(self, trace: Trace, call: Call, alone: bool) -> int:
        """What the function does; and why the other generation has none for it, if it has none."""
        info = trace.landmark(call)
        said = (info.summary if info else "", unpaired(trace, call) if alone else "")
        key = tuple(wording.sanitize_long(text) for text in said)
        return self.sentences.setdefault(key, len(self.sentences))

    def _line(self, side: int, caller: SourceLine | None) -> int | None:
        if caller is None:
            return None
        key = side, caller  # the file may have been another one then
        if key not in self.numbers:
            code = page_findings.excerpt(self.aligned.traces[side], caller)
            line = {"place": wording.line(caller), "code": code}
            if line not in self.lines:
                self.lines.append(line)
            self.numbers[key] = self.lines.index(line)
        return self.numbers[key]
