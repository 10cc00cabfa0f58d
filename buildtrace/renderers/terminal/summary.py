"""What stands above and below the views: versions and totals, the error, what was folded."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from buildtrace.renderers import variable_columns
from buildtrace.renderers.terminal import findings
from buildtrace.renderers.text import styles
from buildtrace.renderers.text.lines import Line, Part, wrapped
from buildtrace.traces import failures, wording
from buildtrace.traces.folding import focus
from buildtrace.traces.totals import totals_of_trace
from buildtrace.traces.unseen import no_build

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.renderers import Options
    from buildtrace.traces.schema import SavedFile
    from buildtrace.traces.trace import Trace


def subject(trace: Trace, options: Options) -> Trace:
    """What the options want to see of `trace`: all of it, or one model."""
    return trace if options.model is None else focus(trace, options.model)


def header(trace: Trace, width: int) -> Iterator[Line]:
    """Versions, totals, and how many calls there were for each step."""
    versions = wording.versions(trace)
    if versions:
        yield from wrapped(versions, width, [], [], styles.HEADING)
    for keras in trace.environment.keras:
        if keras.missing:
            text = f"{keras.package} {keras.version} lacks {wording.listed(keras.missing, 6)}"
            yield from wrapped(wording.sanitize(text), width, [], [], styles.SWALLOWED)
    if not trace.calls:
        yield from wrapped(no_build(trace), width, [], [])
        return
    time = sum(call.duration_ns for call in trace.roots)
    total = totals_of_trace(trace)
    words = (
        wording.count(len(trace.index.graphs_of_models), "model"),
        wording.count(len(trace.calls), "call"),
        wording.count(total.weights, "weight"),
        wording.count(total.parameters, "parameter"),
        wording.duration(time),
    )
    yield from wrapped(" · ".join(words), width, [], [])
    for distribution in trace.distributions:
        yield from wrapped(wording.distribution(distribution), width, [], [])
    steps: Counter[str] = Counter(call.step for call in trace.calls)
    line = [Part("calls by step: ", styles.QUIET)]
    for step, style in styles.STEP.items():
        if step in steps:
            line += [Part(f"{step} {steps[step]:,}", style), Part(" · ", styles.QUIET)]
    yield line[:-1]
    yield from _wrong(trace)


def _wrong(trace: Trace) -> Iterator[Line]:
    """That something went wrong, of which more is said below the views."""
    line = findings.counts(trace)
    if caught := len(failures.swallowed(trace)):
        line += [Part(", ")] if line else []
        line.append(
            Part(f"{wording.count(caught, 'exception')} caught in the build", styles.SWALLOWED)
        )
    if line:
        yield [*line, Part(": see the end", styles.QUIET)]


def of_file(trace: Trace, file: SavedFile, width: int) -> Iterator[Line]:
    """Which file it is, who saved it, and what was stored beside the model."""
    by = " by ".join(filter(None, ("saved", wording.versions(trace))))
    on = f"{by} on {file.date}" if file.date else by
    what = [file.name, wording.size_in_memory(file.size), *([on] if on != "saved" else [])]
    yield from wrapped(wording.sanitize(" · ".join(what)), width, [], [], styles.HEADING)
    if not file.has_config:
        yield [Part("Weights alone: the model's architecture is not in the file.")]
    compiled = [f"{key} {value}" for key, value in file.compiled.items()]
    if compiled:
        text = wording.sanitize_long(f"compiled with {' · '.join(compiled)}")
        yield from wrapped(text, width, [], [Part("  ")])
    for state in file.states:
        arrays = wording.count(state.arrays, "array")
        text = f"also stored: {state.owner}, {arrays}, {wording.size_in_memory(state.size)}"
        yield from wrapped(wording.sanitize(text), width, [], [], styles.QUIET)


def file_notes(file: SavedFile) -> list[str]:
    """What a reader of a saved file should know, a sentence each without its full stop."""
    unread = [f"its weights are not shown: {file.unread}"] if file.unread else []
    return [*unread, *file.notes]


def notes_of_file(trace: Trace, width: int) -> Iterator[Line]:
    """What a reader of a saved file should know, each piece on lines of its own."""
    for note in file_notes(trace.saved) if trace.saved else ():
        mark = [Part(f"{styles.MARK['warning']} ", styles.SWALLOWED)]
        text = wording.sanitize_long(f"{note[:1].upper()}{note[1:]}.")
        yield from wrapped(text, width, mark, [Part("  ")])


def totals_line(trace: Trace) -> Line:
    """Parameters, trainable or not; of a file how much they take: it does not say the former."""
    total = totals_of_trace(trace)
    if trace.saved:
        size = f", {wording.size_in_memory(trace.saved.weight_size)}" if trace.weights else ""
        return [
            Part(wording.count(total.parameters, "parameter"), styles.NAME),
            Part(f" in {wording.count(total.weights, 'weight')}{size}"),
        ]
    return [
        Part(wording.count(total.parameters, "parameter"), styles.NAME),
        Part(f" in {wording.count(total.weights, 'weight')}: {total.trainable:,} trainable"),
        Part(f", {total.not_trainable:,} not trainable"),
    ]


def held_lines(trace: Trace) -> Iterator[Line]:
    """What optimizers hold: it is no part of the parameters."""
    yield from ([Part(text)] for text in variable_columns.besides(trace))


def folded(trace: Trace, shown: Trace, width: int) -> Iterator[Line]:
    """What was hidden, and how to see it."""
    gone = len(trace.calls) - len(shown.calls)
    if not gone:
        return
    reasons: Counter[str] = Counter()
    for call in shown.calls:
        if call.folded:
            reasons[call.folded.reason] += call.folded.calls
    words = {"repeat": "repeats", "recursion": "recursion", "depth": "depth"}
    why = ", ".join(f"{words[reason]} {number:,}" for reason, number in reasons.most_common())
    text = f"Folded: {gone:,} of {len(trace.calls):,} calls ({why}); --full shows all."
    yield from wrapped(text, width, [], [], styles.NOTE)


def folded_rows(hidden: int, rows: int, width: int) -> Iterator[Line]:
    """How many rows of a table were left out, and how to see them."""
    if hidden:
        text = f"Folded: {hidden:,} of {rows:,} rows; --full shows all."
        yield from wrapped(text, width, [], [], styles.NOTE)
