"""What a check has found, and what is said of it in more than one form."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from buildtrace.errors import BuildtraceError
from buildtrace.traces import failures

if TYPE_CHECKING:
    from pathlib import Path

    from buildtrace.diagnosis.suppress import Kept
    from buildtrace.traces.failures import Failure
    from buildtrace.traces.schema import ErrorInfo, Finding
    from buildtrace.traces.trace import Trace

FOUND = 1
"""The exit code if there is a finding that is more than a note."""

FAILURE = "failure"
"""What stands in the place of a rule's code where a failure is told that no rule explains."""


class CheckResult(NamedTuple):
    """What a check has to tell.

    Attributes:
        kept: the findings.
        trace: where they were found.
        folder: paths are shown relative to it.
        target: what was checked, as given; stands for the place of a finding that has none.
        concise: leave the remedies out.
        complete: whether the program came to its end, or to its training; of files that were only
            read, whether all of them could be.
        fixed: how many findings were mended in the source, or would be; they are not among those
            that are left then.
        still_fails: the exception with which the program fails then; "" if it does not.
        exit: what it ended itself with, if that is no success: `SystemExit` and its code.
        stopped: whether it was ended before it changed a weight: what comes then is not known.
        files: how many files were read, where nothing was run; 0 otherwise.
        ended: why it was ended before it came to an end itself, if it was.
        known: the findings that are in the baseline: they are not reported.
        failure_known: whether the failure is in the baseline.
    """

    kept: Kept
    trace: Trace
    folder: Path
    target: str
    concise: bool = False
    complete: bool = True
    stopped: bool = False
    fixed: int = 0
    still_fails: str = ""
    exit: ErrorInfo | None = None
    files: int = 0
    ended: ErrorInfo | None = None
    known: tuple[Finding, ...] = ()
    failure_known: bool = False

    @property
    def failure(self) -> Failure | None:
        """Why the program failed, if it did and no finding is about that."""
        if self.complete or self.fixed or self.failure_known:  # `still_fails` tells what is left
            return None
        if self.ended is not None:
            return failures.outside(self.trace, self.ended)
        if self.trace.error is None:
            return None if self.exit is None else failures.outside(self.trace, self.exit)
        failure = failures.failure(self.trace)
        told = (*self.kept.problems, *self.known)
        if failure and any(failures.is_about(self.trace, finding, failure) for finding in told):
            return None
        return failure

    @property
    def unexplained(self) -> bool:
        """Whether the program failed, and nothing that was found could be why."""
        return not self.kept.problems and self.failure is not None

    @property
    def is_fine(self) -> bool:
        """Whether it came to its end, or all that hindered it is mended or in the baseline."""
        is_known = self.failure_known or (bool(self.known) and self.failure is None)
        return self.complete or bool(self.fixed) or is_known


def total(result: CheckResult) -> str:
    """How much was found in how much: the last line of a linter."""
    from buildtrace.traces import wording

    kept, trace = result.kept, result.trace
    problems = len(kept.problems)
    parts = [f"Found {wording.count(problems, 'problem')}" if problems else "No problems found"]
    more = [wording.count(kept.notes, "note")] if kept.notes else []
    more += [f"{kept.ignored:,} ignored"] if kept.ignored else []
    known = len(result.known) + result.failure_known
    more += [f"{known:,} in the baseline"] if known else []
    parts += [f"({', '.join(more)})"] if more else []
    if result.files:
        return " ".join([*parts, f"in {wording.count(result.files, 'file')}"])
    models, calls = (
        wording.count(len(trace.index.graphs_of_models), "model"),
        wording.count(len(trace.calls), "call"),
    )
    if result.unexplained:
        return f"No rule says why the program failed: {models}, {calls}"
    until = "" if result.complete else ", before the program failed"
    until = ", up to the first change of a weight" if result.stopped else until
    return " ".join([*parts, f"in {models}, {calls}{until}"])


def fixed(result: CheckResult) -> list[str]:
    """What was mended, in lines of their own; none if nothing was."""
    from buildtrace.traces import wording

    if not result.fixed:
        return []
    of = wording.count(result.fixed + len(result.kept.findings), "finding")
    lines = [f"Fixed {result.fixed:,} of {of}"]
    if result.still_fails:
        lines.append(f"The script fails further on: {wording.sanitize_long(result.still_fails)}")
    return lines


def with_fix(finding: Finding) -> str:
    """What happened and the remedy, where there is room for a text and no more."""
    from buildtrace.renderers import trials

    fix = finding.fix.strip("\n")
    heading = trials.heading(finding, "fix").lower()
    return f"{finding.message}\n\n{heading}:\n{fix}" if fix else finding.message


def findings_of(trace: Trace) -> tuple[Finding, ...]:
    """What the rules of today say: a saved trace may be older than they are.

    Raises:
        BuildtraceError: they failed, so that nothing found would mean nothing.
    """
    from buildtrace import diagnosis

    try:
        return diagnosis.diagnose(trace)
    except Exception as error:
        raise BuildtraceError(f"the diagnosis itself failed: {error!r}") from error
