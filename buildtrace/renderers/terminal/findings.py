"""The findings: what is wrong, on which line, why, and what to do about it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from buildtrace.renderers import trials
from buildtrace.renderers.text import code as python
from buildtrace.renderers.text import source_files, styles
from buildtrace.renderers.text.lines import Line, Part, cut, wrapped
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.traces.schema import Finding
    from buildtrace.traces.trace import Trace

MOST_OF_A_CODE = 3
"""Of one rule's findings so many are told in full."""

WIDEST = 100
"""Sentences in longer lines are hard to read."""

INDENT = [Part("  ")]


def lines(trace: Trace, width: int, full: bool = False) -> Iterator[Line]:
    """All findings, each rule's together, the worst first; nothing if there is none."""
    if not trace.findings:
        return
    yield []
    yield [Part("Findings: ", styles.HEADING), *counts(trace)]
    for findings in by_code(trace).values():
        previous: Finding | None = None
        for finding in findings if full else findings[:MOST_OF_A_CODE]:
            yield []
            yield from _finding(trace, finding, previous, width)
            previous = finding
        if more := [] if full else findings[MOST_OF_A_CODE:]:
            yield []
            yield from wrapped(_more(more), min(width, WIDEST), INDENT, INDENT, styles.NOTE)


def by_code(trace: Trace) -> dict[str, list[Finding]]:
    """The findings of each rule, in the order of the trace, where the worst are first."""
    findings: dict[str, list[Finding]] = {}
    for finding in trace.findings:
        findings.setdefault(finding.code, []).append(finding)
    return findings


def counts(trace: Trace) -> Line:
    """How many there are of each severity: "2 errors, 1 note"."""
    numbers = Counter(str(finding.severity) for finding in trace.findings)
    line: Line = []
    for severity, style in styles.SEVERITY.items():
        if number := numbers[severity]:
            line += [Part(", ")] if line else []
            line.append(Part(wording.count(number, severity), style))
    return line


def _finding(trace: Trace, finding: Finding, before: Finding | None, width: int) -> Iterator[Line]:
    """One finding; what the one before has said of the same rule is not said again."""
    prose = min(width, WIDEST)
    style = styles.SEVERITY[finding.severity]
    mark = [Part(f"{styles.MARK[finding.severity]} ", style)]
    head = f"{finding.code} {finding.severity}: {finding.title}".removesuffix(": ")
    yield from wrapped(wording.sanitize_long(head), prose, mark, INDENT, style)
    for text in wording.sanitize_lines(finding.message):
        yield from wrapped(text, prose, INDENT, INDENT)
    if finding.caller:
        caller = finding.caller
        code = trace.index.source_code.line(caller)
        address = source_files.link(caller.file, caller.line)
        yield cut(
            [*INDENT, Part(wording.line(caller), styles.NAME, address), Part(f"  {code}")], width
        )
    if before is None or before.why != finding.why:
        for text in wording.sanitize_lines(finding.why):
            yield from wrapped(text, prose, INDENT, INDENT, styles.QUIET)
    told = before is not None and (before.fix, before.trial) == (finding.fix, finding.trial)
    if finding.fix and not told:
        yield [*INDENT, Part(f"{trials.heading(finding, 'What to do')}:", styles.HEADING)]
        margin = [*INDENT, Part("│ ", styles.QUIET)]
        yield from python.fitted(finding.fix, width, margin)
    if said := "" if told else trials.sentence(finding.trial):
        changes = trials.changes(finding.trial)
        text = f"{said}{':' if changes else ''}"
        yield from wrapped(text, prose, INDENT, INDENT, styles.NOTE)
        for line in changes:
            yield cut([*INDENT, Part(line, styles.PATCH[line[0]])], width)


def _more(findings: list[Finding]) -> str:
    """That there are more of a rule, and where."""
    lines = dict.fromkeys(wording.line(finding.caller) for finding in findings)
    where = wording.listed(filter(None, lines), 6)
    more = f"… and {len(findings):,} more of {wording.sanitize(findings[0].code)}"
    return f"{more}: {where}; --full shows all" if where else f"{more}; --full shows all"
