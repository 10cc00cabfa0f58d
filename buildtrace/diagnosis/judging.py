"""Whether the edits of a finding have helped: two runs of a program, without them and with them."""

from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from buildtrace.diagnosis.edited import line_behind
from buildtrace.diagnosis.suppress import FAILING
from buildtrace.traces import wording
from buildtrace.traces.schema import SourceLine, Trial

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from buildtrace.traces.schema import Edit, ErrorInfo, Finding, TrialOutcome
    from buildtrace.traces.trace import Trace

EditedLine = tuple[str, int]
"""A file and a line, as they are with the edits."""


class ProgramRun(NamedTuple):
    """A run of a program.

    Attributes:
        trace: what was recorded, with the findings.
        complete: whether it came to its end, or to its training.
    """

    trace: Trace
    complete: bool


def judged(finding: Finding, edits: Sequence[Edit], before: ProgramRun, after: ProgramRun) -> Trial:
    """What came of the edits; if there is a doubt, they have not helped.

    Args:
        finding: whose edits they are.
        edits: all that were made.
        before: the run without them, which has the finding.
        after: the run with them; its files are called as those of the other.
    """
    by_file = _by_file(edits)
    moved = _MovedLines(by_file)
    failure = after.trace.error
    if not _is_gone(finding, before, after, moved):
        return _failing("does not help", failure, moved)
    if failure is None:
        fails = before.complete and not after.complete
        new = _new_problem(before, after, moved) if before.complete and not fails else None
        if fails or new is not None:
            return Trial(outcome="does not help", message="" if new is None else new.message)
        return Trial(outcome="goes through" if after.complete else "fails further on")
    is_further = (
        not before.complete
        and _is_another(finding, before, after, moved)
        and _first(failure.lines) not in moved.changed_lines()
        and len(after.trace.calls) >= len(before.trace.calls)
    )
    return _failing("fails further on" if is_further else "does not help", failure, moved)


class _MovedLines:
    """Where the lines of the files are that edits were made in."""

    def __init__(self, edits: dict[str, list[Edit]]) -> None:
        self._edits = edits

    def __call__(self, line: SourceLine | None) -> EditedLine | None:
        """Where a line is with the edits."""
        if line is None:
            return None
        place = _place(line)
        return place[0], line_behind(self._edits.get(place[0], ()), line.line)

    def back(self, line: SourceLine) -> SourceLine:
        """The line that has moved there, or the nearest one before it."""
        edits = self._edits.get(_place(line)[0], [])
        most = line.line + sum(edit.end_line - edit.line for edit in edits)
        numbers = (n for n in range(most, 0, -1) if line_behind(edits, n) <= line.line)
        return msgspec.structs.replace(line, line=next(numbers, 1))

    def changed_lines(self) -> set[EditedLine]:
        """The lines that edits have written."""
        return {
            (file, line_behind([e for e in edits if e is not edit], edit.line) + n)
            for file, edits in self._edits.items()
            for edit in edits
            for n, text in enumerate(edit.text.split("\n"))
            if text.strip()
        }


def _by_file(edits: Sequence[Edit]) -> dict[str, list[Edit]]:
    files: dict[str, list[Edit]] = {}
    for edit in edits:
        files.setdefault(os.path.realpath(edit.file), []).append(edit)
    return files


def _place(line: SourceLine) -> EditedLine:
    return os.path.realpath(line.file), line.line


def _first(lines: Sequence[SourceLine]) -> EditedLine | None:
    return _place(lines[0]) if lines else None


def _here(line: SourceLine | None) -> EditedLine | None:
    return None if line is None else _place(line)


def _is_gone(finding: Finding, before: ProgramRun, after: ProgramRun, moved: _MovedLines) -> bool:
    """Whether there are less findings of its code on its line than before."""
    key = finding.code, moved(finding.caller)
    return _keys(after.trace, _here)[key] < _keys(before.trace, moved)[key]


_FindingKey = tuple[str, "EditedLine | None"]


def _keys(
    trace: Trace, place: Callable[[SourceLine | None], EditedLine | None], least: Sequence[str] = ()
) -> Counter[_FindingKey]:
    return Counter(
        (finding.code, place(finding.caller))
        for finding in trace.findings
        if not least or finding.severity in least
    )


def _new_problem(before: ProgramRun, after: ProgramRun, moved: _MovedLines) -> Finding | None:
    """A finding, more than a note, that there was none of before."""
    more = _keys(after.trace, _here, FAILING) - _keys(before.trace, moved, FAILING)
    found = (f for f in after.trace.findings if more[f.code, _here(f.caller)])
    return next(found, None)


def _is_another(
    finding: Finding, before: ProgramRun, after: ProgramRun, moved: _MovedLines
) -> bool:
    """Whether the program failed of something that is not what the finding is about."""
    was, now = before.trace.error, after.trace.error
    if was is None or now is None:
        return True
    old_place = moved(was.lines[0]) if was.lines else None
    if (was.type, old_place) != (now.type, _first(now.lines)):
        return True
    proofs = [before.trace.call(call).error for call in finding.calls]
    says_why = finding.severity == "error" or finding.caller in was.lines or any(proofs)
    return not says_why


def _failing(outcome: TrialOutcome, error: ErrorInfo | None, moved: _MovedLines) -> Trial:
    """What came of a run that an exception ended, if one did."""
    if error is None:
        return Trial(outcome=outcome)
    caller = moved.back(error.place) if error.place else None
    message = " ".join(filter(None, wording.essence(error)))
    return Trial(outcome=outcome, message=message, caller=caller)
