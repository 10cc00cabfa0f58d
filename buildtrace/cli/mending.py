"""What `check --try`, `--diff` and `--fix` make of findings whose remedies are edits."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING

import msgspec

from buildtrace.cli.check_options import DIFF
from buildtrace.cli.streams import is_terminal, own_output, say
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from buildtrace.cli.attempts import Attempts
    from buildtrace.cli.check_options import CheckRequest
    from buildtrace.cli.check_result import CheckResult
    from buildtrace.cli.fixing import Fixes
    from buildtrace.cli.trying import Workshop
    from buildtrace.traces.schema import Finding


def workshop(request: CheckRequest, folder: Path) -> Workshop | contextlib.nullcontext[None]:
    """Where remedies are tried; made before the program runs, which may change its folder."""
    if not request.trial:
        return contextlib.nullcontext()
    from buildtrace.cli.trying import Workshop

    return Workshop(request.program, folder)


def tried(result: CheckResult, shop: Workshop, attempts: Attempts) -> CheckResult:
    """The same findings, with what came of trying those that have edits."""
    from buildtrace.diagnosis.judging import ProgramRun

    shop.ran(result.trace)
    before = ProgramRun(result.trace, result.complete)
    findings = list(result.kept.findings)
    different = {finding.edits for finding in findings if finding.edits}
    if different and is_terminal(sys.stderr):  # it takes as long as that many runs
        say(f"trying {wording.count(len(different), 'remedy', 'remedies')} …")
    with attempts.attempt("not all remedies are tried"):
        for number, finding in enumerate(findings):
            if finding.edits:
                trial = shop.tried(finding, finding.edits, before)
                findings[number] = msgspec.structs.replace(finding, trial=trial)
    return result._replace(kept=result.kept._replace(findings=tuple(findings)))


def mended(result: CheckResult, shop: Workshop, request: CheckRequest) -> CheckResult:
    """What is left when the edits that have helped are written, or shown as a patch."""
    from buildtrace.cli import fixing
    from buildtrace.diagnosis.judging import ProgramRun

    findings = result.kept.findings
    fixes = fixing.chosen(findings, untried=request.untried)
    if all(finding.trial and finding.trial.helped for finding in fixes.findings):
        before = ProgramRun(result.trace, result.complete)
        fixes = fixing.going_together(fixes, before, shop.tried)
    for finding in fixes.left_out:
        where = f" at {wording.line(finding.caller)}" if finding.caller else ""
        say(f"{finding.code}{where} is left out: its change does not go with the others")
    files = fixing.changed(fixes, result.trace)
    number = len(fixes.findings) if files else 0
    if request.trial == DIFF:
        from buildtrace.cli.trying import patch_of

        with own_output(sys.stdout) as stdout:
            stdout.write(patch_of(files, result.folder))
        say(f"would fix {_of(number, findings)}")
        return result._replace(fixed=number)
    if not fixing.write(files):
        return result
    return _without(result, fixes) if number else result


def _without(result: CheckResult, fixes: Fixes) -> CheckResult:
    left = tuple(f for f in result.kept.findings if f not in fixes.findings)
    still = [f.trial for f in fixes.findings if f.trial and f.trial.outcome == "fails further on"]
    return result._replace(
        kept=result.kept._replace(findings=left),
        fixed=len(fixes.findings),
        still_fails=still[0].message if still else "",
    )


def _of(number: int, findings: Sequence[Finding]) -> str:
    """How many findings of all: "1 of 2 findings"."""
    return f"{number:,} of {wording.count(len(findings), 'finding')}"
