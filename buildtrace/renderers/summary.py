"""What stands above and below the views: versions and totals, the error, what was folded."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from buildtrace.renderers import format as fmt
from buildtrace.renderers import styles
from buildtrace.renderers.lines import Line, Part, wrapped
from buildtrace.transforms import focus

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.renderers.options import Options
    from buildtrace.trace import Call, Trace

LONGEST_MESSAGE = 40
"""So many lines of an error's message are shown."""


def subject(trace: Trace, options: Options) -> Trace:
    """What the options want to see of `trace`: all of it, or one model."""
    return trace if options.model is None else focus(trace, options.model)


def header(trace: Trace, width: int) -> Iterator[Line]:
    """Versions, totals, and how many calls there were for each step."""
    versions = fmt.versions(trace)
    if versions:
        yield from wrapped(versions, width, [], [], styles.HEADING)
    for keras in trace.environment.keras:
        if keras.missing:
            text = f"{keras.package} {keras.version} lacks {fmt.listed(keras.missing, 6)}"
            yield from wrapped(fmt.clean(text), width, [], [], styles.SWALLOWED)
    if not trace.calls:
        yield [Part("No build was recorded.")]
        return
    time = sum(call.duration_ns for call in trace.roots)
    totals = (
        fmt.count(len(trace.graphs), "model"),
        fmt.count(len(trace.calls), "call"),
        fmt.count(len(trace.weights), "weight"),
        fmt.count(trace.parameters, "parameter"),
        fmt.duration(time),
    )
    yield from wrapped(" · ".join(totals), width, [], [])
    steps: Counter[str] = Counter(call.step for call in trace.calls)
    line = [Part("calls by step: ", styles.QUIET)]
    for step, style in styles.STEP.items():
        if step in steps:
            line += [Part(f"{step} {steps[step]:,}", style), Part(" · ", styles.QUIET)]
    yield line[:-1]


def totals(trace: Trace) -> Line:
    """Parameters, trainable or not."""
    trainable = fmt.parameters(weight for weight in trace.weights if weight.trainable)
    parts = [Part(fmt.count(trace.parameters, "parameter"), styles.NAME)]
    rest = trace.parameters - trainable
    parts.append(Part(f" in {fmt.count(len(trace.weights), 'weight')}: {trainable:,} trainable"))
    parts.append(Part(f", {rest:,} not trainable"))
    return parts


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


def failure(trace: Trace, width: int) -> Iterator[Line]:
    """The call that failed, with what it was given and the whole message."""
    failed, error = trace.failed, trace.error
    if failed is not None and failed.error is not None:
        error = failed.error
        text = f"The build failed in {fmt.clean(failed.name)}{_at_work(failed)}"
    elif error is not None:
        text = "The run ended in an error, outside of any call shown here"
    else:
        return
    indent = [Part("  ")]
    yield []
    yield from wrapped(text, width, [Part("✗ ", styles.ERROR)], indent, styles.ERROR)
    message = f"{error.type}: {error.message}".splitlines() or [error.type]
    for text in message[:LONGEST_MESSAGE]:
        yield from wrapped(fmt.clean_long(text), width, indent, indent)
    if len(message) > LONGEST_MESSAGE:
        yield [*indent, Part(f"… {len(message) - LONGEST_MESSAGE} more lines", styles.QUIET)]
    if failed is not None:
        line = [*indent, Part(fmt.place(failed.file, failed.line), styles.QUIET, _link(failed))]
        if failed.caller:
            address = fmt.link(failed.caller.file, failed.caller.line)
            line += [Part(", from ", styles.QUIET)]
            line += [Part(fmt.user_line(failed.caller), styles.NAME, address)]
        yield line


def _at_work(call: Call) -> str:
    layer = f" of {fmt.clean(call.layer.name)} {fmt.layer(call.layer)}" if call.layer else ""
    given = f" on {fmt.tensors(call.inputs)}" if call.inputs else ""
    return layer + given


def _link(call: Call) -> str:
    return fmt.link(call.file, call.line)
