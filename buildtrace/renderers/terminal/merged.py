"""Several workers side by side: what each came to, what differs, and the weights in two columns.

What is the same is folded, but for the rows around what differs. A row that differs is marked by a
sign between the columns: "≠" the workers make different weights there, "<" and ">" only one side
makes it. A worker alone has a list of its weights.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace import renderers
from buildtrace.renderers.text import styles
from buildtrace.renderers.text.lines import Lines, Part, cut, cut_start, shorten, width_of, wrapped
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from buildtrace.comparison.workers import (
        ComparedWorker,
        MergedWorkers,
        Worker,
        WorkerChange,
        WorkerRow,
    )
    from buildtrace.renderers.text.lines import Line
    from buildtrace.traces.journal import Making

AROUND = 1
"""So many rows that are the same are shown before and after each that differs."""

MOST_ROWS = 20
"""So many rows that differ are shown of two workers, without `full`."""

NOTHING_DIFFERS = "All workers make the same weights, in the same order."


def render(merged: MergedWorkers, *, full: bool = False) -> Lines:
    """The workers, what differs, and the columns.

    Args:
        merged: what their comparison said.
        full: whether to fold nothing.
    """
    return Lines(lambda width: _lines(merged, full, width))


def to_text(merged: MergedWorkers, *, full: bool = False, width: int | None = None) -> str:
    """The same as plain text, so many characters wide."""
    return renderers.plain(render(merged, full=full).stream, width)


def _lines(merged: MergedWorkers, full: bool, width: int) -> Iterator[Line]:
    for worker in merged.workers:
        yield from _worker(worker, width)
    yield []
    if not merged.compared:
        yield from _weights(merged.workers[0], width)
        return
    yield from wrapped(_verdict(merged), width, [], [], styles.HEADING)
    by_label = {worker.label: worker for worker in merged.workers}
    reference = by_label[merged.reference]
    for compared in merged.compared:
        other = by_label[compared.worker]
        for change in compared.changes:
            yield []
            yield from _change(change, reference, other, width)
        if full or compared.changes:
            yield []
            yield from _columns(compared, reference, other, full, width)


def _weights(worker: Worker, width: int) -> Iterator[Line]:
    """All weights of one worker, each with the user's line that led to it."""
    digits = len(str(len(worker.makings)))
    for number, making in enumerate(worker.makings, 1):
        row = [Part(f"{number:>{digits}}  ", styles.QUIET)]
        row.append(Part(f"{_name(making)}  ", "" if making.made else styles.ERROR))
        if making.caller is not None:
            row.append(Part(wording.line(making.caller), styles.QUIET))
        yield cut(row, width)


def _verdict(merged: MergedWorkers) -> str:
    if merged.same:
        return NOTHING_DIFFERS
    others = [wording.sanitize(one.worker) for one in merged.compared if one.changes]
    verb = "differs" if len(others) == 1 else "differ"
    return (
        f"Different: {wording.listed(others, 5)} {verb} from {wording.sanitize(merged.reference)}."
    )


def _worker(worker: Worker, width: int) -> Iterator[Line]:
    """How many weights a worker made, and where it is if it has not come to an end."""
    made = sum(making.made for making in worker.makings)
    text = wording.count(made, "weight")
    unfinished = worker.unfinished
    if unfinished is not None:
        verb = "failed" if unfinished.error else "was still"
        text += f", {verb} in weight {len(worker.makings)}: {_name(unfinished)}{_at(unfinished)}"
    if not worker.whole:
        text += " (of its journal: it left no trace)"
    label = [Part(shorten(wording.sanitize(worker.label), width // 2), styles.NAME), Part("  ")]
    yield from wrapped(text, width, label, [Part("  ")])
    error = worker.error or (unfinished.error if unfinished else "")
    if error:
        yield from wrapped(wording.sanitize_long(error), width, [Part("  ")], [Part("  ")], "red")


def _at(making: Making) -> str:
    return f" at {wording.line(making.caller)}" if making.caller else ""


def _change(change: WorkerChange, reference: Worker, other: Worker, width: int) -> Iterator[Line]:
    text = f"{wording.sanitize(change.worker)} {wording.sanitize_long(change.message)}"
    if change.silent:
        text += ", and no error tells it"
    sign, indent = [Part("✗ ", styles.ERROR)], [Part("  ")]
    yield from wrapped(text, width, sign, indent, styles.NAME)
    if change.why:
        why = wording.sanitize_long(change.why)
        yield from wrapped(why, width, indent, indent, styles.NOTE)
    sides = zip((reference, other), (change.left, change.right), change.positions, strict=True)
    for worker, making, position in sides:
        if making is not None and position is not None:
            yield from _side(worker, making, position, width)


def _side(worker: Worker, making: Making, position: int, width: int) -> Iterator[Line]:
    """The weight of one worker, and the user's line that led to it."""
    text = f"{wording.sanitize(worker.label)}, weight {position}: {_described(making)}"
    yield from wrapped(text, width, [Part("  · ", styles.QUIET)], [Part("    ")])
    if making.caller is not None:
        place = Part(f"      {wording.line(making.caller)}  ", styles.QUIET)
        yield cut([place, Part(wording.sanitize_long(making.source))], width)


def _described(making: Making) -> str:
    """A weight in a sentence: its name and shape, its layer, and whether it was made."""
    text = _name(making)
    if making.class_name:
        text += f" of {wording.quoted(making.layer)} ({wording.sanitize(making.class_name)})"
    if not making.made:
        text += ", which failed" if making.error else ", not yet made"
    return text


def _name(making: Making) -> str:
    """The layer's name, the weight's, its shape, and its dtype where that is not the usual one."""
    path = "/".join(filter(None, (making.layer, making.name or "?")))
    text = f"{wording.sanitize(path)} {wording.shape(making.shape)}"
    usual = making.dtype in (None, wording.USUAL_DTYPE)
    return text if usual else f"{text} {wording.sanitize(making.dtype or '')}"


# -- the weights in two columns -----------------------------------------------------------------


def _columns(
    compared: ComparedWorker, reference: Worker, other: Worker, full: bool, width: int
) -> Iterator[Line]:
    numbers = len(str(len(compared.rows)))
    column = (width - 2 * numbers - 7) // 2
    titles = [
        cut_start([Part(wording.sanitize(worker.label), styles.HEADING)], column)
        for worker in (reference, other)
    ]
    blank = " " * numbers
    yield _joined((blank, titles[0]), " ", (blank, titles[1]), column)
    shown, gap = _shown(compared.rows, full), 0
    for n, row in enumerate(compared.rows):
        if n not in shown:
            gap += 1
            continue
        if gap:
            yield _gap(gap, blank)
        gap = 0
        cells = [
            (f"{number or '':>{numbers}}", _cell(worker, number))
            for worker, number in ((reference, row.left), (other, row.right))
        ]
        yield _joined(cells[0], _sign(row), cells[1], column)
    if gap:
        yield _gap(gap, blank)


def _gap(rows: int, blank: str) -> Line:
    return [Part(f"{blank} ⋯ {wording.count(rows, 'row')} more", styles.QUIET)]


def _shown(rows: Sequence[WorkerRow], full: bool) -> set[int]:
    """The places of the rows that are shown: those that differ, and those next to them."""
    if full:
        return {*range(len(rows))}
    differing = [n for n, row in enumerate(rows) if not row.same][:MOST_ROWS]
    return {near for n in differing for near in range(n - AROUND, n + AROUND + 1)}


def _sign(row: WorkerRow) -> str:
    if row.left is None:
        return ">"
    if row.right is None:
        return "<"
    return " " if row.same else "≠"


def _cell(worker: Worker, number: int | None) -> Line:
    if number is None:
        return []
    making = worker.makings[number - 1]
    return [Part(_name(making), "" if making.made else styles.ERROR)]


def _joined(left: tuple[str, Line], sign: str, right: tuple[str, Line], column: int) -> Line:
    ours, theirs = cut(left[1], column), cut(right[1], column)
    pad = Part(" " * (column - width_of(ours)))
    return [
        *(Part(f"{left[0]}  ", styles.QUIET), *ours, pad),
        Part(f" {sign} ", "bold yellow"),
        *(Part(f"{right[0]}  ", styles.QUIET), *theirs),
    ]
