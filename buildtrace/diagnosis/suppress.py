"""Leaves out the findings that nobody wants to hear of: by code, by file, or by a comment.

A comment stands in the statement that the finding is about, on any of its lines:
`# buildtrace: ignore[BT105]`, `# buildtrace: ignore[BT1, BT203]`, or for all codes
`# buildtrace: ignore`.
"""

from __future__ import annotations

import io
import linecache
import re
import tokenize
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from buildtrace.diagnosis.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from buildtrace.traces.schema import Finding

FAILING = ("error", "warning")
"""Severities that make a check fail; a note does not."""

_COMMENT = re.compile(r"#\s*buildtrace:\s*ignore(?:\[([^\]]*)\]|(?![\w\[-]))")
_BETWEEN = (
    tokenize.NL,
    tokenize.COMMENT,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENCODING,
)
"""Tokens that may stand between two statements."""


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


def keep(findings: Iterable[Finding], settings: Settings | None = None) -> Kept:
    """The findings to report.

    Args:
        findings: what a diagnosis found.
        settings: which codes are wanted; all if not given.
    """
    settings = settings or Settings()
    comments: dict[str, dict[int, list[str]]] = {}
    kept, ignored = [], 0
    for finding in findings:
        if not is_selected(finding, settings):
            continue
        if _is_ignored(finding, comments):
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
        _matches(finding.caller.file, pattern, settings.folder)
        and _longest(finding.code, codes) >= 0
        for pattern, codes in settings.per_file
    )


def _longest(code: str, beginnings: Iterable[str]) -> int:
    """Length of the longest one that the code begins with; -1 if there is none."""
    return max(
        (len(beginning) for beginning in beginnings if code.startswith(beginning)), default=-1
    )


def _matches(file: str, pattern: str, folder: Path) -> bool:
    path = Path(file)
    if path.is_relative_to(folder):
        file = path.relative_to(folder).as_posix()
    return fnmatch(file, pattern) or fnmatch(path.name, pattern)


def _is_ignored(finding: Finding, comments: dict[str, dict[int, list[str]]]) -> bool:
    line = finding.caller
    if line is None:
        return False
    if line.file not in comments:
        linecache.checkcache(line.file)  # a test before this one may have had another
        comments[line.file] = ignored_lines("".join(linecache.getlines(line.file)))
    return _longest(finding.code, comments[line.file].get(line.line, ())) >= 0


def ignored_lines(source: str) -> dict[int, list[str]]:
    """Line → the codes that a comment in its statement ignores; "" stands for all.

    What is no Python counts as far as it can be read.
    """
    by_line: dict[int, list[str]] = {}
    if "buildtrace" not in source:
        return by_line
    first: int | None = None
    codes: list[str] = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type == tokenize.COMMENT:
                codes += _codes_in(token.string)
            if token.type not in _BETWEEN and first is None:
                first = token.start[0]
            if token.type == tokenize.NEWLINE:
                for line in range(first or token.start[0], token.end[0] + 1):
                    by_line.setdefault(line, []).extend(codes)
            if token.type == tokenize.NEWLINE or (token.type == tokenize.NL and first is None):
                first, codes = None, []
    except (tokenize.TokenError, SyntaxError):
        pass
    return {line: codes for line, codes in by_line.items() if codes}


def _codes_in(comment: str) -> list[str]:
    match = _COMMENT.search(comment)
    if match is None:
        return []
    if match[1] is None:
        return [""]
    return [code.strip().upper() for code in match[1].split(",") if code.strip()]
