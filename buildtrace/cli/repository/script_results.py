"""What the runs of several scripts have found, each thing once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from buildtrace.cli.check_result import CheckResult, findings_of
from buildtrace.diagnosis import suppress
from buildtrace.renderers.terminal import listing
from buildtrace.traces import wording
from buildtrace.traces.failures import ENDED
from buildtrace.traces.schema import ErrorInfo, SourceLine
from buildtrace.traces.trace import Trace

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from buildtrace.cli.check_options import CheckRequest
    from buildtrace.cli.repository.file_roles import Role
    from buildtrace.cli.repository.script_runs import ScriptRun
    from buildtrace.traces.schema import Finding


def result_of(run: ScriptRun, request: CheckRequest, folder: Path) -> CheckResult:
    """What a run has found.

    Args:
        run: the run of a script.
        request: says which findings are wanted.
        folder: paths are shown from there.
    """
    trace = run.trace or Trace()
    record = run.record
    return CheckResult(
        kept=suppress.keep(findings_of(trace), trace.index.source_code, request.settings),
        trace=trace,
        folder=folder,
        target=listing.path_in(folder, str(run.work.path)),
        concise=request.concise,
        complete=record is not None and not record.code and not run.problem,
        stopped=record is not None and record.stopped,
        exit=record.exit if record else None,
        ended=_ended(run, trace) if run.problem else None,
    )


def unreadable(role: Role, folder: Path) -> CheckResult:
    """What there is of a file that no Python could run."""
    line = SourceLine(file=str(role.path), line=role.wrong_at)
    return CheckResult(
        kept=suppress.Kept(()),
        trace=Trace(),
        folder=folder,
        target=listing.path_in(folder, str(role.path)),
        complete=False,
        ended=ErrorInfo(type=ENDED, message=f"the script {role.why_not}.", lines=(line,)),
    )


def _ended(run: ScriptRun, trace: Trace) -> ErrorInfo:
    """Why a script did not come to its end, as an error at the line where it was."""
    lines = trace.error.lines if trace.error else ()
    first = SourceLine(file=str(run.work.path), line=1)
    return ErrorInfo(type=ENDED, message=f"the script {run.problem}.", lines=lines or (first,))


def merged(results: Sequence[CheckResult]) -> list[CheckResult]:
    """The results, each finding in the first one that has it, which names the other scripts."""
    scripts: dict[tuple[object, ...], list[str]] = {}
    for result in results:
        for key in {key for finding in result.kept.findings if (key := _key(finding))}:
            scripts.setdefault(key, []).append(result.target)
    return [
        result._replace(kept=result.kept._replace(findings=tuple(_first_ones(result, scripts))))
        for result in results
    ]


def _key(finding: Finding) -> tuple[object, ...] | None:
    """What findings of two scripts have in common that are the same; `None` of one without a line.

    The layers may have other names in each.
    """
    line = finding.caller
    return None if line is None else (finding.code, line.file, line.line)


def _first_ones(
    result: CheckResult, scripts: dict[tuple[object, ...], list[str]]
) -> Iterator[Finding]:
    for finding in result.kept.findings:
        key = _key(finding)
        by = scripts[key] if key else [result.target]
        if by[0] != result.target:
            continue
        is_elsewhere = finding.caller and finding.caller.file != str(result.folder / by[0])
        if len(by) > 1 or is_elsewhere:
            said = f"{finding.message} It was reached from {wording.listed(by, 4)}."
            finding = msgspec.structs.replace(finding, message=said)
        yield finding
