"""The forms in which `buildtrace check` gives its findings: one table of them.

Each is a function of a `CheckResult` that gives the whole text; modules that only one of them needs
are imported when it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from buildtrace.cli.check_result import fixed, total, with_fix
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from buildtrace.cli.check_result import CheckResult
    from buildtrace.renderers.text.lines import Line
    from buildtrace.traces.schema import Edit, Finding, Trial


class Format(NamedTuple):
    """A form for findings.

    Attributes:
        suffix: of files that have this form; `None` if there is none.
        summary: what it is, for the help.
        render: makes the text.
    """

    suffix: str | None
    summary: str
    render: Callable[[CheckResult], str]


def text_lines(result: CheckResult, width: int) -> Iterator[Line]:
    """The findings as a linter prints them, a failure that none of them explains, and the sum."""
    from buildtrace.renderers.terminal import failing, listing
    from buildtrace.renderers.text import styles
    from buildtrace.renderers.text.lines import Part

    if result.concise:
        for finding in result.kept.findings:
            yield listing.headline(finding, result.folder, result.target)
    else:
        yield from listing.lines(result.kept.findings, result.folder, result.target)
    if result.unexplained:
        yield from failing.lines(result.trace, width)
        yield []
    yield from ([Part(line, styles.NAME)] for line in fixed(result))
    if result.kept.findings or not result.fixed:
        yield [Part(total(result), styles.NAME if result.kept.problems else "")]
    if result.kept.findings and not result.concise:
        codes = dict.fromkeys(finding.code for finding in result.kept.findings)
        yield [Part(f"`buildtrace explain {' '.join(codes)}` says why.", styles.QUIET)]


def _text(result: CheckResult) -> str:
    from buildtrace.renderers import PLAIN_WIDTH
    from buildtrace.renderers.terminal import listing

    return listing.text(text_lines(result, PLAIN_WIDTH)) + "\n"


# -- for programs -------------------------------------------------------------------------------


def _json(result: CheckResult) -> str:
    import json

    findings = [
        {
            "code": finding.code,
            "title": finding.title,
            "severity": finding.severity,
            **_location(finding, result.folder),
            "message": finding.message,
            "why": finding.why,
            "fix": finding.fix,
            "edits": [_edit(edit, result.folder) for edit in finding.edits],
            "trial": _trial(finding, result.folder),
            "calls": finding.calls,
            "layer": finding.layer,
        }
        for finding in result.kept.findings
    ]
    return wording.visible_in_json(json.dumps(findings, indent=2, ensure_ascii=False)) + "\n"


def _location(at: Finding | Trial, folder: Path) -> dict[str, object]:
    from buildtrace.renderers.terminal import listing

    if at.caller is None:
        return {"file": None, "line": None}
    return {"file": listing.path_in(folder, at.caller.file), "line": at.caller.line}


def _edit(edit: Edit, folder: Path) -> dict[str, object]:
    import msgspec

    from buildtrace.renderers.terminal import listing

    return {**msgspec.structs.asdict(edit), "file": listing.path_in(folder, edit.file)}


def _trial(finding: Finding, folder: Path) -> dict[str, object] | None:
    trial = finding.trial
    if trial is None:
        return None
    said = {"outcome": trial.outcome, "message": trial.message, "patch": trial.patch}
    return {**said, **_location(trial, folder)}


_GITHUB = {"error": "error", "warning": "warning", "note": "notice"}
"""What GitHub calls the severities."""


def _github(result: CheckResult) -> str:
    """Workflow commands, one a line: GitHub shows them at the lines of a pull request."""
    return "".join(_annotation(finding) for finding in result.kept.findings)


def _annotation(finding: Finding) -> str:
    properties = {"title": f"{finding.code} {finding.title}"}
    if finding.caller is not None:
        # The whole path: from a folder below the repository's own, GitHub would not find another.
        properties |= {"file": finding.caller.file, "line": str(finding.caller.line)}
    listed = ",".join(f"{name}={_escaped(text, ',:')}" for name, text in properties.items())
    message = _escaped(with_fix(finding))
    return f"::{_GITHUB[finding.severity]} {listed}::{message}\n"


def _escaped(text: str, more: str = "") -> str:
    """Text in which nothing can end the command, or a property of it."""
    return "".join(f"%{ord(c):02X}" if c in f"%\r\n{more}" else wording.visible(c) for c in text)


def _sarif(result: CheckResult) -> str:
    from buildtrace.cli import check_sarif

    return check_sarif.render(result)


FORMATS = {
    "text": Format(".txt", "for people: file:line: CODE severity: message, and the remedy", _text),
    "json": Format(".json", "a list with one object for each finding", _json),
    "sarif": Format(".sarif", "SARIF 2.1.0, for code scanning and editors", _sarif),
    "github": Format(None, "annotations on a pull request, from a GitHub workflow", _github),
}
