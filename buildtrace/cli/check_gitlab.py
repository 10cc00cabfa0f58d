"""Findings as a Code Quality report, which GitLab shows in merge requests."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from buildtrace.cli.check_result import FAILURE, with_fix
from buildtrace.traces import wording
from buildtrace.traces.schema import SourceLine

if TYPE_CHECKING:
    from buildtrace.cli.check_result import CheckResult
    from buildtrace.traces.schema import Severity

_SEVERITIES: dict[Severity, str] = {"error": "major", "warning": "minor", "note": "info"}
"""What GitLab calls the severities."""


def render(result: CheckResult) -> str:
    """The report: a list with one object for each finding, and for a failure."""
    seen: Counter[str] = Counter()
    issues = [
        _issue(result, seen, f.code, f.severity, f.caller, with_fix(f))
        for f in result.kept.findings
    ]
    if failure := result.failure:
        from buildtrace.renderers.terminal import failing

        place = failure.lines[0] if failure.lines else None
        told = f"{failing.title(failure)}.\n{failing.told(failure)}"
        issues.append(_issue(result, seen, FAILURE, "error", place, told))
    return wording.visible_in_json(json.dumps(issues, indent=2, ensure_ascii=False)) + "\n"


def _issue(
    result: CheckResult,
    seen: Counter[str],
    code: str,
    severity: Severity,
    place: SourceLine | None,
    message: str,
) -> dict[str, Any]:
    """One entry; of those with the same fingerprint GitLab would show the first one alone."""
    place = place or SourceLine(file=result.target, line=1)
    path = _path(place.file, result.folder)
    same = f"{code} {path} {message}"
    seen[same] += 1
    return {
        "description": message,
        "check_name": code,
        "fingerprint": hashlib.sha256(
            f"{same} {seen[same]}".encode(errors="surrogatepass")
        ).hexdigest(),
        "severity": _SEVERITIES[severity],
        "location": {"path": path, "lines": {"begin": place.line}},
    }


def _path(file: str, folder: Path) -> str:
    """As GitLab finds it: relative to where the command ran, which is the repository's root."""
    path = Path(file)
    return (path.relative_to(folder) if path.is_relative_to(folder) else path).as_posix()
