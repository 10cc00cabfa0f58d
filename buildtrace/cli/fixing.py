"""`check --diff` and `check --fix`: the edits of several findings in one, shown or written."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, NamedTuple

from buildtrace.cli.attempts import reason
from buildtrace.cli.streams import say
from buildtrace.cli.trying import NotTriedError, changed_files
from buildtrace.diagnosis.edited import overlap

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from buildtrace.cli.trying import ChangedFile
    from buildtrace.diagnosis.judging import ProgramRun
    from buildtrace.traces.schema import Edit, Finding, Trial
    from buildtrace.traces.trace import Trace

    Try = Callable[[Finding, Sequence[Edit], ProgramRun], Trial]


class Fixes(NamedTuple):
    """What is to be changed.

    Attributes:
        findings: those that the changes are the remedies of.
        edits: all of them, each once.
        left_out: findings whose edits do not go with those.
    """

    findings: tuple[Finding, ...] = ()
    edits: tuple[Edit, ...] = ()
    left_out: tuple[Finding, ...] = ()


def chosen(findings: Iterable[Finding], *, untried: bool = False) -> Fixes:
    """The findings whose edits have helped, as far as they are not about the same code.

    Args:
        findings: all that were found, the first to be mended first.
        untried: take also those that could not be tried.
    """
    taken: list[Finding] = []
    left_out: list[Finding] = []
    edits: dict[Edit, None] = {}
    for finding in findings:
        trial = finding.trial
        if trial is None or not finding.edits:
            continue
        if not (trial.helped or (untried and trial.outcome == "not tried")):
            continue
        more = edits | dict.fromkeys(finding.edits)
        if overlap(more):
            left_out.append(finding)
        else:
            taken.append(finding)
            edits = more
    return Fixes(tuple(taken), tuple(edits), tuple(left_out))


def going_together(fixes: Fixes, before: ProgramRun, tried: Try) -> Fixes:
    """The same if all of it helps together as well; else the first of them alone."""
    first, *others = fixes.findings or [None]
    if first is None or fixes.edits == first.edits:
        return fixes
    trials = [tried(finding, fixes.edits, before) for finding in fixes.findings]
    if all(trial.helped for trial in trials):
        return fixes
    return Fixes((first,), first.edits, (*others, *fixes.left_out))


def changed(fixes: Fixes, trace: Trace) -> list[ChangedFile]:
    """The files with these changes; none, and a line that says why, if they cannot be made."""
    try:
        return [*changed_files(fixes.edits, trace)]
    except NotTriedError as error:
        say(f"nothing is changed: {error}")
        return []


def write(files: Iterable[ChangedFile]) -> bool:
    """Write the files; whether all of them could be, of which lines say what could not."""
    results = [_written(file) for file in files]  # all that can be
    return all(results)


def _written(file: ChangedFile) -> bool:
    from buildtrace import renderers

    try:
        if not os.access(file.path, os.W_OK):  # its folder may let us put another in its place
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        mode = file.path.stat().st_mode
        renderers.write(file.path, file.after.content())
        file.path.chmod(mode)
    except OSError as error:
        say(f"{file.path} is not changed: {reason(error)}")
        return False
    return True
