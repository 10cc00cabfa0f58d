"""Leaves out the findings that nobody wants to hear of: by code, by file, or by a comment.

What a comment looks like is said in `buildtrace.traces.comments`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from buildtrace.diagnosis.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from buildtrace.traces.schema import Finding
    from buildtrace.traces.source_code import SourceCode

FAILING = ("error", "warning")
"""Severities that make a check fail; a note does not."""


class Kept(NamedTuple):
    """What is left of findings.

    Attributes:
        findings: those to report.
        ignored: how many a comment has left out.
    """

    findings: tuple[Finding, ...]
    ignored: int = 0

    @property
    def problems(self) -> tuple[Finding, ...]:
        """The findings that are more than notes."""
        return tuple(finding for finding in self.findings if finding.severity in FAILING)

    @property
    def notes(self) -> int:
        """How many are only notes."""
        return len(self.findings) - len(self.problems)


def keep(
    findings: Iterable[Finding], source_code: SourceCode, settings: Settings | None = None
) -> Kept:
    """The findings to report.

    Args:
        findings: what a diagnosis found in a trace.
        source_code: that trace's, for the comments in it.
        settings: which codes are wanted; all if not given.
    """
    settings = settings or Settings()
    kept, ignored = [], 0
    for finding in findings:
        if not is_selected(finding, settings):
            continue
        if _is_ignored(finding, source_code):
            ignored += 1
        else:
            kept.append(finding)
    return Kept(tuple(kept), ignored)


def is_selected(finding: Finding, settings: Settings) -> bool:
    """Whether the settings want findings of this code in this file."""
    wanted = _longest(finding.code, settings.select or ("",))
    if wanted <= _longest(finding.code, settings.ignore):
        return False
    return finding.caller is None or not any(
        settings.matches(Path(finding.caller.file), pattern) and _longest(finding.code, codes) >= 0
        for pattern, codes in settings.per_file
    )


def _longest(code: str, beginnings: Iterable[str]) -> int:
    """Length of the longest one that the code begins with; -1 if there is none."""
    return max(
        (len(beginning) for beginning in beginnings if code.startswith(beginning)), default=-1
    )


def _is_ignored(finding: Finding, source_code: SourceCode) -> bool:
    line = finding.caller
    return line is not None and _longest(finding.code, source_code.ignored(line)) >= 0
