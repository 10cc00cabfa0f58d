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
from buildtrace.cli.check_formats import with_fix
from buildtrace.diagnosis import all_rules

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from buildtrace.cli.check_formats import Report
    from buildtrace.diagnosis import Rule
    from buildtrace.traces.schema import Finding, SourceLine
    from buildtrace.traces.trace import Trace

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
ROOT = "%SRCROOT%"
"""What paths are relative to, by the name that code scanning knows."""


def render(report: Report) -> str:
    """The log of one run of `buildtrace check`."""
    findings = report.kept.findings
    run = {
        "tool": {"driver": _driver(findings)},
        "invocations": [{"executionSuccessful": report.complete}],
        "originalUriBaseIds": {ROOT: {"uri": f"{report.folder.as_uri().rstrip('/')}/"}},
        "columnKind": "unicodeCodePoints",
        "results": [_result(finding, report) for finding in findings],
    }
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2, ensure_ascii=False) + "\n"


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


def _result(finding: Finding, report: Report) -> dict[str, Any]:
    place, folder = finding.caller, report.folder
    return {
        "ruleId": finding.code,
        "level": finding.severity,
        "message": {"text": with_fix(finding)},
        "locations": [] if place is None else [_location(place, folder)],
        "relatedLocations": [
            {**_location(line, folder), "message": {"text": name}}
            for line, name in _evidence(finding, report.trace)
            if line != place
        ],
    }


def _evidence(finding: Finding, trace: Trace) -> Iterator[tuple[SourceLine, str]]:
    """The user's lines that made the calls which prove it, each with what it called."""
    found: dict[SourceLine, str] = {}
    for call in map(trace.call, finding.calls):
        if call.caller is not None:
            found.setdefault(call.caller, call.name)
    yield from found.items()


def _location(place: SourceLine, folder: Path) -> dict[str, Any]:
    path = Path(place.file)
    if path.is_relative_to(folder):
        uri = {"uri": quote(path.relative_to(folder).as_posix()), "uriBaseId": ROOT}
    elif path.is_absolute():
        uri = {"uri": path.as_uri()}
    else:  # such as a cell of a notebook, or a path of another platform
        uri = {"uri": quote(place.file)}
    return {"physicalLocation": {"artifactLocation": uri, "region": {"startLine": place.line}}}
