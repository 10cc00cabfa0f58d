"""Findings of what the table knows: of an exception, of what would fail next, of a script."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.diagnosis.edits import argument_left_out, argument_renamed
from buildtrace.diagnosis.migration import changed as codes
from buildtrace.diagnosis.migration.occurrence import sentence
from buildtrace.diagnosis.migration.raised_changes import explained, others, uses_in
from buildtrace.traces import wording
from buildtrace.traces.schema import SourceLine

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from buildtrace.diagnosis.edits import Edits
    from buildtrace.diagnosis.migration.occurrence import Occurrence
    from buildtrace.diagnosis.rule import Rule
    from buildtrace.traces.schema import Finding, Severity
    from buildtrace.traces.trace import Trace


def of_failure(trace: Trace, rule: Rule) -> Iterator[Finding]:
    """What a rule says of an exception that one of its rows explains, and of what comes after it.

    What comes after it was read, and has not failed yet: it is a warning.
    """
    for one in explained(trace):
        row = one.occurrence.changed
        if row.code == rule.code and not row.told_by:
            layer = one.raised.calls[-1].layer if one.raised.calls else None
            line = SourceLine(file=one.line.file, line=one.line.line)
            yield rule.finding(
                sentence(one.occurrence, wording.line(line)),
                fix=one.occurrence.instead,
                calls=one.raised.ids,
                caller=line,
                layer=None if layer is None else layer.id,
                edits=_edits(trace, line, one.occurrence),
            )
    yield from of_others(trace, rule)


def of_others(trace: Trace, rule: Rule) -> Iterator[Finding]:
    """What a rule says of what would fail next in a program that failed of any row."""
    for line, use in others(trace):
        if use.changed.code == rule.code:
            yield _finding(trace, rule, line, use, "warning")


def of_files(trace: Trace, files: Iterable[str], rules: Iterable[Rule]) -> Iterator[Finding]:
    """What rules say of files that nobody runs.

    Args:
        trace: gives the source of files.
        files: their whole paths.
        rules: all of them.
    """
    by_code = {rule.code: rule for rule in rules}
    for file in files:
        for use in uses_in(trace, file):
            line = SourceLine(file=file, line=use.line)
            yield _finding(trace, by_code[use.changed.code], line, use, use.severity)


def _finding(
    trace: Trace, rule: Rule, line: SourceLine, use: Occurrence, severity: Severity
) -> Finding:
    return rule.finding(
        sentence(use, wording.line(line)),
        fix=use.instead,
        caller=line,
        severity=severity,
        edits=_edits(trace, line, use),
    )


def _edits(trace: Trace, line: SourceLine, use: Occurrence) -> Edits:
    """The remedy as changes of the source, where only a name changes, or an argument goes."""
    row = use.changed
    if row.code != codes.ARGUMENT or not use.sure or row.severity == "note":
        return ()
    if row.renamed:
        return argument_renamed(trace, line, row.name, row.renamed)
    return argument_left_out(trace, line, row.name) if row.left_out else ()
