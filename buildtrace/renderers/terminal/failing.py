"""The failure and the exceptions that were caught, with all that a trace knows to explain them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from buildtrace.renderers.facts import weight_title
from buildtrace.renderers.text import excerpts, source_files, styles
from buildtrace.renderers.text.lines import Line, Part, cut, flowing, wrapped
from buildtrace.traces import failures, wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.traces.failures import Failure, Frozen, Swallowed, Way
    from buildtrace.traces.schema import Call, ErrorInfo, LayerRef, Severity, SourceLine
    from buildtrace.traces.trace import Trace

LONGEST_MESSAGE = 40
"""So many lines of an error's message are shown."""

MOST_CAUGHT = 3
"""So many exceptions that were caught are told."""

MOST_LINES = 3
"""Of the user's lines that led to one, so many are named."""

MOST_STEPS = 5
"""Of the layers that an input came through, so many are named."""

MOST_WEIGHTS = 3
"""So many weights of the build that settled a shape are named."""

INDENT = [Part("  ")]
BUILT_FOR, RAISED_AT = "built for", "raised at"
CAME_FROM = "came from"
BECAUSE, FAILED_IN, THAT_IS = "because", "failed in", "that is"
OF_THE_RAISE = frozenset({RAISED_AT, BECAUSE, FAILED_IN, THAT_IS})
"""Labels of what is about the line that raised, not about the layer."""

LABEL = len(BUILT_FOR) + 2
LOOKS = {"got": styles.ERROR, BUILT_FOR: "", CAME_FROM: ""}
"""Of the texts behind such labels."""


class FailureRow(NamedTuple):
    """A fact about a failure: a label, a text, and the lines of code that it is about."""

    label: str
    text: str = ""
    lines: tuple[SourceLine, ...] = ()


def lines(trace: Trace, width: int, failure: Failure | None = None) -> Iterator[Line]:
    """All of it, what was caught first; nothing if nothing failed.

    Args:
        trace: the trace.
        width: of a line.
        failure: if it is not the one that the trace is about.
    """
    yield from _swallowed(trace, width)
    if failure := failure or failures.failure(trace):
        yield []
        yield from _failure(trace, failure, width)


# -- the failure ------------------------------------------------------------------------------


def title(failure: Failure) -> str:
    """Where it failed, in one clause."""
    if failure.use:
        model = f" of {named(failure.use.model)}" if failure.use.model else ""
        built = "" if failure.use.built else ", which is not built"
        return f"The run ended in {wording.sanitize(failure.use.name)}{model}{built}"
    if failure.call is None:
        if failure.error.type == SystemExit.__name__:
            return "The program ended itself, with an exit code that says that it failed"
        if failure.error.type == failures.ENDED:
            return "The program did not come to its end"
        return "The run ended in an error, outside of any call shown here"
    what = "build" if failure.building else "call"
    what = {"compile": "training", "load": "loading"}.get(failure.call.step, what)
    if failure.swallowed:
        return f"A {what} failed in {where(failure)}, and the program went on"
    return f"The {what} failed in {where(failure)}"


def severity(failure: Failure) -> Severity:
    """How bad it is: one that the program caught is not its end."""
    return "warning" if failure.swallowed else "error"


def where(failure: Failure) -> str:
    """The call that failed, the layer at work, and what that was given."""
    assert failure.call is not None
    # A constructor may fail before the layer has its name.
    layer = f" of {named(failure.layer)}" if failure.layer and failure.layer.name else ""
    given = f" on {wording.tensors(failure.given)}" if failure.given else ""
    return f"{wording.sanitize(failure.call.name)}{layer}{given}"


def named(ref: LayerRef) -> str:
    """A layer's name and class."""
    return wording.layer_title(ref)


def _failure(trace: Trace, failure: Failure, width: int) -> Iterator[Line]:
    style = styles.SEVERITY[severity(failure)]
    mark = [Part(f"{styles.MARK[severity(failure)]} ", style)]
    yield from wrapped(title(failure), width, mark, INDENT, style)
    for text in message(failure.error):
        yield from wrapped(text, width, INDENT, INDENT)
    if reported := told_as(failure):
        yield from wrapped(reported, width, INDENT, INDENT, styles.QUIET)
    if failure.call:
        yield _where(trace, failure.call, failure.lines, width)
    rows = facts(failure)
    if rows:
        yield []
    for row in rows:
        yield from _row(trace, row, width)
    yield from _code(trace, failure.lines, width)


def told_as(failure: Failure) -> str:
    """What the program got in the error's place, and from whom; "" if it got the error itself."""
    if failure.reported is None:
        return ""
    who = "Keras" if failure.by_keras else "The program"
    return wording.sanitize_long(f"{who} told it as {wording.essence(failure.reported)[0]}")


def message(error: ErrorInfo) -> list[str]:
    """The lines of an error's type and text; of many the first ones."""
    lines = wording.essence(error)
    more = len(lines) - LONGEST_MESSAGE
    kept = [wording.sanitize_long(text) for text in lines[:LONGEST_MESSAGE]]
    return [*kept, f"… {more} more lines"] if more > 0 else kept


def facts(failure: Failure) -> list[FailureRow]:
    """What the layer got beside what it takes, if that is the cause, and where that was noticed."""
    rows = []
    loss = failure.call.loss if failure.call else None
    if loss and loss.predicted and loss.target:
        rows.append(FailureRow("output", wording.tensor(loss.predicted)))
        rows.append(FailureRow("targets", wording.tensor(loss.target)))
    if failure.expects or failure.frozen:
        rows.append(FailureRow("got", wording.tensors(failure.given)))
    if failure.expects:
        wants = "; ".join(wording.expected(wanted) for wanted in failure.expects)
        rows.append(FailureRow("expects", wants))
    rows += [_came_from(way) for way in failure.ways if len(way.steps) > 1]
    if failure.frozen:
        rows.append(
            FailureRow(BUILT_FOR, built_for(failure.frozen), failure.frozen.lines[:MOST_LINES])
        )
    if failure.error.raised_at:
        rows.append(FailureRow(RAISED_AT, lines=(failure.error.raised_at,)))
    if compared := failure.error.compared:
        label = BECAUSE if compared.is_condition else FAILED_IN
        rows.append(FailureRow(label, wording.sanitize(compared.expression)))
        rows.append(FailureRow(THAT_IS, wording.sanitize(compared.values)))
    return rows


def _came_from(way: Way) -> FailureRow:
    """The nodes that an input came through; the last ones of many."""
    shown = way.steps[-MOST_STEPS:]
    told = [f"{wording.sanitize(node.name)} {wording.tensor(given)}" for node, given in shown]
    if len(way.steps) > MOST_STEPS:
        told.insert(0, f"… {len(way.steps) - MOST_STEPS} more")
    end = f", as expected up to {wording.sanitize(way.met.name)}" if way.met else ""
    return FailureRow(CAME_FROM, " → ".join(told) + end, (way.line,) if way.line else ())


def built_for(frozen: Frozen) -> str:
    """The shapes that a layer was built for, and what was made for them."""
    weights = [weight_title(weight) for weight in frozen.weights[:MOST_WEIGHTS]]
    if more := len(frozen.weights) - len(weights):
        weights.append(f"… {more} more")
    shapes = wording.tensors(frozen.build.inputs) or "an unknown shape"
    return f"{shapes} by {wording.sanitize(frozen.build.name)}: {', '.join(weights)}"


def _row(trace: Trace, row: FailureRow, width: int) -> Iterator[Line]:
    start = [*INDENT, Part(f"{row.label:<{LABEL}}", styles.QUIET)]
    blank = [*INDENT, Part(" " * LABEL)]
    if row.text:
        style = LOOKS.get(row.label, styles.NAME)
        yield from flowing([Part(row.text, style)], width, start, blank)
        start = blank
    for line in row.lines:
        yield _line(trace, line, start, width)
        start = blank


def told(failure: Failure) -> str:
    """The error and the facts in plain text, for where no code and no colors can be shown."""
    rows = (f"{row.label}: {_told(row)}" for row in facts(failure))
    return "\n".join([*message(failure.error), *filter(None, [told_as(failure)]), *rows])


def _told(row: FailureRow) -> str:
    places = ", ".join(map(wording.line, row.lines))
    if row.text and places:
        return f"{row.text} ({places})"
    return row.text or places


# -- lines of code ----------------------------------------------------------------------------


def _where(trace: Trace, call: Call, lines: tuple[SourceLine, ...], width: int) -> Line:
    """Keras' function that failed, and the user's line that led there."""
    address = source_files.link(call.file, call.line)
    line = [*INDENT, Part(wording.location(call.file, call.line), styles.QUIET, address)]
    if lines:
        line += [Part(", from ", styles.QUIET), _place(lines[0])]
        if function := trace.index.source_code.function_at(lines[0]):
            line += [Part(f", in {wording.sanitize(function)}", styles.QUIET)]
    return cut(line, width)


def _code(trace: Trace, lines: tuple[SourceLine, ...], width: int) -> Iterator[Line]:
    """The code around the innermost line, and the lines that led to it."""
    excerpt = excerpts.around(trace.index.source_code, lines[0]) if lines else []
    if excerpt:
        yield []
    size = len(str(excerpt[-1].number)) if excerpt else 0
    for number, text, meant in excerpt:
        style = styles.ERROR if meant else styles.QUIET
        guide = Part(f"{'>' if meant else ' '} {number:>{size}} │ ", style)
        yield cut([*INDENT, guide, Part(text, styles.NAME if meant else styles.QUIET)], width)
    for line in lines[1:MOST_LINES] if excerpt else ():
        yield _line(trace, line, [*INDENT, Part("from ", styles.QUIET)], width)


def _line(trace: Trace, location: SourceLine, before: Line, width: int) -> Line:
    """A line: where it is, and what stands there."""
    code = trace.index.source_code.line(location)
    return cut([*before, _place(location), Part(f"  {code}" if code else "")], width)


def _place(location: SourceLine) -> Part:
    return Part(
        wording.line(location), styles.NAME, source_files.link(location.file, location.line)
    )


# -- what was caught ----------------------------------------------------------------------------


def caught(trace: Trace, swallowed: Swallowed) -> tuple[str, str]:
    """What happened, in two pieces: who caught what, and where it was raised."""
    who = "Keras caught this exception" if swallowed.by_keras else "This exception was caught"
    error = wording.essence(swallowed.error)
    location = wording.line(swallowed.lines[0]) if swallowed.lines else ""
    code = trace.index.source_code
    function = code.function_at(swallowed.lines[0]) if swallowed.lines else ""
    around = swallowed.swallowed_in
    layer = f" of {named(around.layer)}" if around.layer else ""
    rest = [
        f"at {location}" if location else "",
        f"in {wording.sanitize(function)}" if function else "",
    ]
    rest.append(f"while {wording.sanitize(around.name)}{layer} ran")
    if swallowed.times > 1:
        rest.append(f"{swallowed.times:,} times")
    return f"{who} and went on: {wording.sanitize_long(error[0])}", ", ".join(filter(None, rest))


def _swallowed(trace: Trace, width: int) -> Iterator[Line]:
    exceptions = failures.swallowed(trace)
    for swallowed in exceptions[:MOST_CAUGHT]:
        said, location = caught(trace, swallowed)
        mark = [Part(f"{styles.MARK['warning']} ", styles.SWALLOWED)]
        yield []
        yield from wrapped(said, width, mark, INDENT, styles.SWALLOWED)
        yield from wrapped(location, width, INDENT, INDENT)
        yield from _code(trace, swallowed.lines, width)
    if len(exceptions) > MOST_CAUGHT:
        more = wording.count(len(exceptions) - MOST_CAUGHT, "more exception")
        yield []
        yield [*INDENT, Part(f"… {more} of the user's code that was caught", styles.NOTE)]
