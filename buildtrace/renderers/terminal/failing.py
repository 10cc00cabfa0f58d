"""The failure and the exceptions that were caught, with all that a trace knows to explain them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.renderers.text import excerpts, source_files, styles
from buildtrace.renderers.text.lines import Line, Part, cut, flowing, wrapped
from buildtrace.traces import failures, wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.traces.failures import Failure, Frozen, Swallowed
    from buildtrace.traces.schema import Call, ErrorInfo, LayerRef, Severity, SourceLine
    from buildtrace.traces.trace import Trace

LONGEST_MESSAGE = 40
"""So many lines of an error's message are shown."""

MOST_CAUGHT = 3
"""So many exceptions that were caught are told."""

MOST_LINES = 3
"""Of the user's lines that led to one, so many are named."""

MOST_WEIGHTS = 3
"""So many weights of the build that settled a shape are named."""

INDENT = [Part("  ")]
LABEL = len("built for") + 2


def lines(trace: Trace, width: int) -> Iterator[Line]:
    """All of it, what was caught first; nothing if nothing failed."""
    yield from _swallowed(trace, width)
    if found := failures.failure(trace):
        yield []
        yield from _failure(found, width)


# -- the failure ------------------------------------------------------------------------------


def title(found: Failure) -> str:
    """Where it failed, in one clause."""
    if found.use:
        model = f" of {named(found.use.model)}" if found.use.model else ""
        built = "" if found.use.built else ", which is not built"
        return f"The run ended in {wording.sanitize(found.use.name)}{model}{built}"
    if found.call is None:
        return "The run ended in an error, outside of any call shown here"
    what = "build" if found.building else "call"
    if found.went_on:
        return f"A {what} failed in {where(found)}, and the program went on"
    return f"The {what} failed in {where(found)}"


def severity(found: Failure) -> Severity:
    """How bad it is: one that the program caught is not its end."""
    return "warning" if found.went_on else "error"


def where(found: Failure) -> str:
    """The call that failed, the layer at work, and what that was given."""
    assert found.call is not None
    layer = f" of {named(found.layer)}" if found.layer else ""
    given = f" on {wording.tensors(found.given)}" if found.given else ""
    return f"{wording.sanitize(found.call.name)}{layer}{given}"


def named(ref: LayerRef) -> str:
    """A layer's name and class."""
    return wording.layer_title(ref)


def _failure(found: Failure, width: int) -> Iterator[Line]:
    style = styles.SEVERITY[severity(found)]
    mark = [Part(f"{styles.MARK[severity(found)]} ", style)]
    yield from wrapped(title(found), width, mark, INDENT, style)
    for text in message(found.error):
        yield from wrapped(text, width, INDENT, INDENT)
    if found.raised:
        text = f"Keras told it as {wording.essence(found.raised)[0]}"
        yield from wrapped(wording.sanitize_long(text), width, INDENT, INDENT, styles.QUIET)
    if found.call:
        yield _place(found.call, found.lines, width)
    if found.expects or found.frozen:
        yield []
        yield from _comparison(found, width)
    yield from _code(found.lines, width)


def message(error: ErrorInfo) -> list[str]:
    """The lines of an error's type and text; of many the first ones."""
    lines = wording.essence(error)
    more = len(lines) - LONGEST_MESSAGE
    kept = [wording.sanitize_long(text) for text in lines[:LONGEST_MESSAGE]]
    return [*kept, f"… {more} more lines"] if more > 0 else kept


def facts(found: Failure) -> Iterator[tuple[str, str]]:
    """What the layer got beside what it takes: labels and texts."""
    yield "got", wording.tensors(found.given)
    if found.expects:
        yield "expects", "; ".join(wording.expected(wanted) for wanted in found.expects)
    if found.frozen:
        yield "built for", built_for(found.frozen)


def built_for(frozen: Frozen) -> str:
    """The shapes that a layer was built for, and what was made for them."""
    made = [
        f"{wording.sanitize(w.name)} {wording.shape(w.shape)}"
        for w in frozen.weights[:MOST_WEIGHTS]
    ]
    more = len(frozen.weights) - len(made)
    weights = ", ".join([*made, *([f"… {more} more"] if more > 0 else [])])
    shapes = wording.tensors(frozen.build.inputs) or "an unknown shape"
    return f"{shapes} by {wording.sanitize(frozen.build.name)}: {weights}"


def _comparison(found: Failure, width: int) -> Iterator[Line]:
    blank = [*INDENT, Part(" " * LABEL)]
    for label, text in facts(found):
        first = [*INDENT, Part(f"{label:<{LABEL}}", styles.QUIET)]
        style = styles.ERROR if label == "got" else styles.NAME
        yield from flowing([Part(text, "" if label == "built for" else style)], width, first, blank)
    for line in found.frozen.lines[:MOST_LINES] if found.frozen else ():
        yield _line(line, blank, width)


# -- the user's lines -------------------------------------------------------------------------


def _place(call: Call, lines: tuple[SourceLine, ...], width: int) -> Line:
    """Keras' function that raised, and the user's line that led there."""
    address = source_files.link(call.file, call.line)
    line = [*INDENT, Part(wording.location(call.file, call.line), styles.QUIET, address)]
    if lines:
        line += [Part(", from ", styles.QUIET), _user_line(lines[0])]
        if function := excerpts.function_at(lines[0]):
            line += [Part(f", in {wording.sanitize(function)}", styles.QUIET)]
    return cut(line, width)


def _code(lines: tuple[SourceLine, ...], width: int) -> Iterator[Line]:
    """The code around the innermost line, and the lines that led to it."""
    found = excerpts.around(lines[0]) if lines else []
    if found:
        yield []
    size = len(str(found[-1].number)) if found else 0
    for number, text, meant in found:
        style = styles.ERROR if meant else styles.QUIET
        guide = Part(f"{'>' if meant else ' '} {number:>{size}} │ ", style)
        text = wording.sanitize_long(text)
        yield cut([*INDENT, guide, Part(text, styles.NAME if meant else styles.QUIET)], width)
    for line in lines[1:MOST_LINES] if found else ():
        yield _line(line, [*INDENT, Part("from ", styles.QUIET)], width)


def _line(place: SourceLine, before: Line, width: int) -> Line:
    """A line of the user's: where it is, and what stands there."""
    code = wording.sanitize_long(excerpts.line_of(place))
    return cut([*before, _user_line(place), Part(f"  {code}" if code else "")], width)


def _user_line(place: SourceLine) -> Part:
    return Part(wording.line(place), styles.NAME, source_files.link(place.file, place.line))


# -- what was caught ----------------------------------------------------------------------------


def caught(found: Swallowed) -> tuple[str, str]:
    """What happened, in two pieces: who caught what, and where it was raised."""
    who = "Keras caught this exception" if found.by_keras else "This exception was caught"
    error = wording.essence(found.error)
    place = wording.line(found.lines[0]) if found.lines else ""
    function = excerpts.function_at(found.lines[0]) if found.lines else ""
    around = found.caught_in
    layer = f" of {named(around.layer)}" if around.layer else ""
    rest = [f"at {place}" if place else "", f"in {wording.sanitize(function)}" if function else ""]
    rest.append(f"while {wording.sanitize(around.name)}{layer} ran")
    if found.times > 1:
        rest.append(f"{found.times:,} times")
    return f"{who} and went on: {wording.sanitize_long(error[0])}", ", ".join(filter(None, rest))


def _swallowed(trace: Trace, width: int) -> Iterator[Line]:
    found = failures.swallowed(trace)
    for each in found[:MOST_CAUGHT]:
        said, place = caught(each)
        mark = [Part(f"{styles.MARK['warning']} ", styles.SWALLOWED)]
        yield []
        yield from wrapped(said, width, mark, INDENT, styles.SWALLOWED)
        yield from wrapped(place, width, INDENT, INDENT)
        yield from _code(each.lines, width)
    if len(found) > MOST_CAUGHT:
        more = wording.count(len(found) - MOST_CAUGHT, "more exception")
        yield []
        yield [*INDENT, Part(f"… {more} of the user's code that was caught", styles.NOTE)]
