"""What a page says of what went wrong: the exceptions that were caught, findings, the failure.

Each exception is told in one place: a finding that explains the failure stands with that, and one
that explains an exception that was caught tells of it as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from buildtrace.renderers import trials
from buildtrace.renderers.terminal import failing, findings
from buildtrace.renderers.text import code as python
from buildtrace.renderers.text import excerpts, styles
from buildtrace.traces import failures, wording

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from buildtrace.renderers.page.page_context import PageContext
    from buildtrace.renderers.terminal.failing import FailureRow
    from buildtrace.traces.failures import Failure, Swallowed
    from buildtrace.traces.schema import Call, Finding, Severity, SourceLine
    from buildtrace.traces.trace import Trace

CAUGHT = "caught"
"""What stands on an exception that was caught, where a finding has its severity."""


def panel(context: PageContext) -> dict[str, Any] | None:
    """The findings, what was caught before them; `None` if there is neither."""
    caught = [
        _caught(context, one) for one in context.swallowed if not _proved_by(context, one.call)
    ]
    explaining = _explaining(context)
    groups = [
        [_finding(context, finding) for finding in same_code if finding not in explaining]
        for same_code in findings.by_code(context.trace).values()
    ]
    groups = [group for group in groups if group]
    if not groups and not caught:
        return None
    counts = _counts(finding["severity"] for group in groups for finding in group)
    if caught:
        groups.insert(0, caught)
        counts.insert(
            0, ("warning", f"{wording.count(len(caught), 'exception')} caught in the build")
        )
    most = findings.MOST_OF_A_CODE
    return {
        "counts": counts,
        "groups": [(group[:most], group[most:]) for group in groups],
        "alone": len(groups) == 1 and len(groups[0]) == 1,
    }


def _explaining(context: PageContext) -> list[Finding]:
    """The findings that are about the failure, of each rule the first."""
    failure = context.failure
    return _proved_by(context, failure.call) if failure and failure.call else []


def _proved_by(context: PageContext, call: Call) -> list[Finding]:
    """The findings that a call proves, of each rule the first."""
    found: dict[str, Finding] = {}
    for finding in context.trace.findings:
        if call.id in finding.calls:
            found.setdefault(finding.code, finding)
    return [*found.values()]


def _counts(found: Iterable[Severity]) -> list[tuple[str, str]]:
    severities = [*found]
    return [
        (severity, wording.count(severities.count(severity), severity))
        for severity in styles.SEVERITY
        if severity in severities
    ]


def _finding(context: PageContext, finding: Finding) -> dict[str, Any]:
    return {
        "severity": finding.severity,
        "badge": finding.severity,
        "code": wording.sanitize(finding.code),
        "number": context.trace.findings.index(finding),
        "message": wording.sanitize_long(finding.message),
        "place": wording.line(finding.caller),
        "function": _function(context.trace, finding.caller),
        "excerpt": excerpt(context.trace, finding.caller),
        "why": [*_also_caught(context, finding), *wording.sanitize_lines(finding.why)],
        "fix": python.highlighted(finding.fix) if finding.fix else [],
        "heading": trials.heading(finding, "What to do"),
        "tried": trials.sentence(finding.trial),
        "changes": "\n".join(trials.changes(finding.trial)),
        "calls": _steps(context, finding.calls),
    }


def _also_caught(context: PageContext, finding: Finding) -> Iterator[str]:
    """What is to be told of the exceptions that were caught and that a finding is about first."""
    for swallowed in context.swallowed:
        if finding in _proved_by(context, swallowed.call)[:1]:
            said, location = failing.caught(context.trace, swallowed)
            yield f"{said} It was raised {location}."


def reported(context: PageContext) -> list[dict[str, Any]]:
    """The findings as a step tells them: shortly, each with the calls that prove it."""
    return [
        {
            "code": wording.sanitize(finding.code),
            "severity": finding.severity,
            "message": wording.sanitize_long(finding.message),
            "calls": [
                context.call_numbers[id_] for id_ in finding.calls if id_ in context.call_numbers
            ],
        }
        for finding in context.trace.findings
    ]


def _caught(context: PageContext, swallowed: Swallowed) -> dict[str, Any]:
    said, location = failing.caught(context.trace, swallowed)
    return {
        "severity": "warning",
        "badge": CAUGHT,
        "code": "",
        "number": None,
        "message": said,
        "place": wording.line(swallowed.lines[0]) if swallowed.lines else "",
        "function": "",
        "excerpt": excerpt(context.trace, swallowed.lines[0] if swallowed.lines else None),
        "why": [f"It was raised {location}."],
        "fix": [],
        "heading": "",
        "tried": "",
        "changes": "",
        "calls": _steps(context, [swallowed.call.id, swallowed.swallowed_in.id]),
    }


def _steps(context: PageContext, ids: Iterable[int]) -> list[dict[str, Any]]:
    """The calls to go to; one that failed is best looked at where it ends.

    Those that an exception only came through lie around the one that it came out of.
    """
    calls = [context.trace.call(id_) for id_ in dict.fromkeys(ids) if id_ in context.call_numbers]
    came_through = {call.parent for call in calls if call.error is not None}
    calls = [call for call in calls if call.error is None or call.id not in came_through]
    return [
        {
            "place": context.call_numbers[call.id],
            "ended": call.error is not None,
            "name": wording.sanitize(call.name),
            "about": _about(call),
        }
        for call in calls
    ]


def _about(call: Call) -> str:
    """The layer that a call was for, and what that was given."""
    layer = wording.sanitize(call.layer.name) if call.layer else ""
    return f"{layer} {wording.tensors(call.inputs)}".strip()


def excerpt(trace: Trace, location: SourceLine | None) -> list[dict[str, Any]]:
    """The user's code around a line: each with its number, its pieces, and whether it is meant."""
    around = excerpts.around(trace.index.source_code, location) if location else []
    pieces = python.highlighted("\n".join(line.text for line in around))
    return [
        {"number": line.number, "pieces": parts, "meant": line.meant}
        for line, parts in zip(around, pieces, strict=False)
    ]


def _function(trace: Trace, location: SourceLine | None) -> str:
    name = trace.index.source_code.function_at(location) if location else ""
    return wording.sanitize(name)


# -- the failure ------------------------------------------------------------------------------


def failed(context: PageContext) -> dict[str, Any] | None:
    """The exception that ended the run, the call that it came out of, and what explains it."""
    failure = context.failure
    if failure is None:
        return None
    lines = failing.message(failure.error)
    severity = failing.severity(failure)
    return {
        "severity": severity,
        "mark": styles.MARK[severity],
        "title": failing.title(failure),
        "type": wording.sanitize(failure.error.type),
        "message": "\n".join(lines),
        "told": failing.told_as(failure),
        "call": None if failure.call is None else context.call_numbers[failure.call.id],
        "place": wording.line(failure.lines[0]) if failure.lines else "",
        "function": _function(context.trace, failure.place),
        "excerpt": excerpt(context.trace, failure.place),
        "through": _named(context.trace, failure.lines[1 : failing.MOST_LINES]),
        "facts": _facts(context, failure),
        "findings": [_finding(context, finding) for finding in _explaining(context)],
    }


def _facts(context: PageContext, failure: Failure) -> list[dict[str, Any]]:
    """What the layer got beside what it takes, and which line of Keras said so."""
    return [_fact(context, failure, row) for row in failing.facts(failure)]


def _fact(context: PageContext, failure: Failure, row: FailureRow) -> dict[str, Any]:
    build = failure.frozen.build if failure.frozen and row.label == failing.BUILT_FOR else None
    is_raise = row.label == failing.RAISED_AT
    return {
        "label": row.label,
        "of_raise": row.label in failing.OF_THE_RAISE,
        "text": row.text,
        "lines": [] if is_raise else _named(context.trace, row.lines),
        "statement": _statement(context.trace, row.lines[0]) if is_raise else None,
        "call": context.call_numbers.get(build.id) if build else None,
    }


def _named(trace: Trace, lines: Sequence[SourceLine]) -> list[list[str]]:
    """Lines of code: where they are, and what stands there."""
    return [[wording.line(line), trace.index.source_code.line(line)] for line in lines]


def _statement(trace: Trace, line: SourceLine) -> list[str]:
    """Where a statement is, its first line, and the others, which are told on demand."""
    first, _, others = trace.index.source_code.statement(line).partition("\n")
    return [wording.line(line), first, others]


# -- what else the program asked of its models ----------------------------------------------


def interrupted(trace: Trace) -> Iterator[str]:
    """What was asked of a model and ended in an exception that the program caught."""
    for use in trace.uses:
        if use.error is None or (trace.error and failures.is_same(trace.error, use.error)):
            continue
        model = f" of {wording.layer_title(use.model)}" if use.model else ""
        where = f" at {wording.line(use.caller)}" if use.caller else ""
        told = wording.essence(use.error)[0]
        yield wording.sanitize_long(
            f"{use.name}{model}{where} was interrupted, and the program went on: {told}"
        )
