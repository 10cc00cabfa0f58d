"""Findings as a Code Quality report, which GitLab shows in merge requests."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from buildtrace.cli.check_result import FAILURE, with_fix
from buildtrace.diagnosis.fingerprints import digest, fingerprints, relative
from buildtrace.traces import wording
from buildtrace.traces.schema import SourceLine

if TYPE_CHECKING:
    from buildtrace.cli.check_result import CheckResult
    from buildtrace.traces.schema import Severity

_SEVERITIES: dict[Severity, str] = {"error": "major", "warning": "minor", "note": "info"}
"""What GitLab calls the severities."""


def render(result: CheckResult) -> str:
    """The report: a list with one object for each finding, and for a failure."""
    source_code = result.trace.index.source_code
    findings = [(finding, source_code) for finding in result.kept.findings]
    issues = [
        _issue(result, f.code, f.severity, f.caller, with_fix(f), known_by)
        for (f, _), known_by in zip(findings, fingerprints(findings, result.folder), strict=True)
    ]
    if failure := result.failure:
        from buildtrace.renderers.terminal import failing

        place = failure.place
        told = f"{failing.title(failure)}.\n{failing.told(failure)}"
        issues.append(_issue(result, FAILURE, "error", place, told, digest(FAILURE, told)))
    return wording.visible_in_json(json.dumps(issues, indent=2, ensure_ascii=False)) + "\n"


def _issue(
    result: CheckResult,
    code: str,
    severity: Severity,
    place: SourceLine | None,
    message: str,
    known_by: str,
) -> dict[str, Any]:
    """One entry; its path is as GitLab finds it, from the root of the repository on."""
    place = place or SourceLine(file=result.target, line=1)
    path = relative(place.file, result.folder)
    return {
        "description": message,
        "check_name": code,
        # Of entries that have the same one, GitLab would show the first alone: a finding without a
        # line may be one of several scripts.
        "fingerprint": digest(known_by, path),
        "severity": _SEVERITIES[severity],
        "location": {"path": path, "lines": {"begin": place.line}},
    }
