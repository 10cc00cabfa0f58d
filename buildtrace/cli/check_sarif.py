"""Findings as SARIF 2.1.0, the OASIS format that code scanning reads.

By hand: of the format we need a page, and none of the packages for it is one that a linter would
want its users to install.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from buildtrace import __version__
from buildtrace.cli.check_result import with_fix
from buildtrace.diagnosis import all_rules
from buildtrace.renderers import trials
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from buildtrace.cli.check_result import CheckResult
    from buildtrace.diagnosis import Rule
    from buildtrace.traces.schema import Finding, SourceLine
    from buildtrace.traces.trace import Trace

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
ROOT = "%SRCROOT%"
"""What paths are relative to, by the name that code scanning knows."""


def render(result: CheckResult) -> str:
    """The log of one run of `buildtrace check`."""
    findings = result.kept.findings
    run = {
        "tool": {"driver": _driver(findings)},
        "invocations": [{"executionSuccessful": result.complete}],
        "originalUriBaseIds": {ROOT: {"uri": f"{result.folder.as_uri().rstrip('/')}/"}},
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding, result) for finding in findings],
    }
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return wording.visible_in_json(json.dumps(log, indent=2, ensure_ascii=False)) + "\n"


def _driver(findings: Iterable[Finding]) -> dict[str, Any]:
    used = {finding.code for finding in findings}
    return {
        "name": "buildtrace",
        "semanticVersion": __version__,
        "rules": [_rule(rule) for rule in all_rules() if rule.code in used],
    }


def _rule(rule: Rule) -> dict[str, Any]:
    from buildtrace.cli.explain import markdown

    return {
        "id": rule.code,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.why},
        "help": {"text": f"{rule.why}\n\n{rule.good}", "markdown": markdown(rule)},
        "defaultConfiguration": {"level": rule.severity},
    }


def _result(finding: Finding, result: CheckResult) -> dict[str, Any]:
    line, folder = finding.caller, result.folder
    return {
        "ruleId": finding.code,
        "level": finding.severity,
        "message": {"text": with_fix(finding)},
        "locations": [] if line is None else [_location(line, folder)],
        "relatedLocations": [
            {**_location(other, folder), "message": {"text": name}}
            for other, name in _evidence(finding, result.trace)
            if other != line
        ],
        **_fixes(finding, folder),
    }


def _fixes(finding: Finding, folder: Path) -> dict[str, Any]:
    """The remedy as changes of files, if it is one, and is not known to be of no help."""
    if not finding.edits or (finding.trial and finding.trial.outcome == "does not help"):
        return {}
    files: dict[str, list[dict[str, Any]]] = {}
    for edit in finding.edits:
        region = {
            "startLine": edit.line,
            "startColumn": edit.column + 1,
            "endLine": edit.end_line,
            "endColumn": edit.end_column + 1,
        }
        change = {"deletedRegion": region, "insertedContent": {"text": edit.text}}
        files.setdefault(edit.file, []).append(change)
    changes = [
        {"artifactLocation": _artifact(file, folder), "replacements": replacements}
        for file, replacements in files.items()
    ]
    said = trials.sentence(finding.trial) or "not tried yet"
    return {"fixes": [{"description": {"text": said}, "artifactChanges": changes}]}


def _evidence(finding: Finding, trace: Trace) -> Iterator[tuple[SourceLine, str]]:
    """The user's lines that made the calls which prove it, each with what it called."""
    names: dict[SourceLine, str] = {}
    for call in map(trace.call, finding.calls):
        if call.caller is not None:
            names.setdefault(call.caller, call.name)
    yield from names.items()


def _location(line: SourceLine, folder: Path) -> dict[str, Any]:
    artifact = _artifact(line.file, folder)
    return {"physicalLocation": {"artifactLocation": artifact, "region": {"startLine": line.line}}}


def _artifact(file: str, folder: Path) -> dict[str, str]:
    path = Path(file)
    if path.is_relative_to(folder):
        return {"uri": quote(path.relative_to(folder).as_posix()), "uriBaseId": ROOT}
    if path.is_absolute():
        return {"uri": path.as_uri()}
    return {"uri": quote(file)}  # such as a cell of a notebook, or a path of another platform
