"""Findings as SARIF 2.1.0, the OASIS format that code scanning reads.

By hand: of the format we need a page, and none of the packages for it is one that a linter would
want its users to install.
"""

from __future__ import annotations

import json
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from buildtrace import __version__
from buildtrace.cli.check_result import FAILURE, with_fix
from buildtrace.diagnosis import all_rules, fingerprints
from buildtrace.renderers import trials
from buildtrace.traces import wording
from buildtrace.traces.schema import SourceLine

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from buildtrace.cli.check_formats import FileNote
    from buildtrace.cli.check_result import CheckResult
    from buildtrace.diagnosis import Rule
    from buildtrace.traces.schema import Finding
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
        "tool": {"driver": _driver(findings, failed=result.failure is not None)},
        "invocations": [{"executionSuccessful": result.complete}],
        "originalUriBaseIds": {ROOT: {"uri": f"{result.folder.as_uri().rstrip('/')}/"}},
        "columnKind": "unicodeCodePoints",
        "results": [
            _result(finding, result, known_by)
            for finding, known_by in zip(findings, _fingerprints(result), strict=True)
        ]
        + _failures(result),
    }
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return wording.visible_in_json(json.dumps(log, indent=2, ensure_ascii=False)) + "\n"


def joined(logs: Sequence[str], notes: Sequence[FileNote]) -> str:
    """One log of one run for several, with the files that were not run as notifications of it."""
    runs = [json.loads(log)["runs"][0] for log in logs]
    log, driver = json.loads(logs[0]), runs[0]["tool"]["driver"]
    rules = {rule["id"]: rule for run in runs for rule in run["tool"]["driver"]["rules"]}
    run = runs[0] | {
        "tool": {"driver": driver | {"rules": [*rules.values()]}},
        "invocations": [
            {
                "executionSuccessful": all(
                    invocation["executionSuccessful"]
                    for run in runs
                    for invocation in run["invocations"]
                ),
                "toolExecutionNotifications": [
                    {"level": note.level, "message": {"text": f"{note.file}: {note.text}"}}
                    for note in notes
                ],
            }
        ],
        "results": [result for run in runs for result in run["results"]],
    }
    log["runs"] = [run]
    return wording.visible_in_json(json.dumps(log, indent=2, ensure_ascii=False)) + "\n"


def _driver(findings: Iterable[Finding], *, failed: bool) -> dict[str, Any]:
    used = {finding.code for finding in findings}
    rules = [_rule(rule) for rule in all_rules() if rule.code in used]
    return {
        "name": "buildtrace",
        "semanticVersion": __version__,
        "rules": [*rules, _FAILURE_RULE] if failed else rules,
    }


_FAILURE_RULE = {
    "id": FAILURE,
    "shortDescription": {"text": "the program failed"},
    "fullDescription": {"text": "The program failed, and no finding is about that."},
    "defaultConfiguration": {"level": "error"},
}


def _failures(result: CheckResult) -> list[dict[str, Any]]:
    """The failure that no finding is about, as a result like theirs.

    It could be a notification of the invocation, but those that show results, GitHub's code
    scanning among them, show no notifications.
    """
    if (failure := result.failure) is None:
        return []
    from buildtrace.renderers.terminal import failing

    places = [_location(line, result.folder) for line in failure.lines]
    return [
        {
            "ruleId": FAILURE,
            "level": "error",
            "message": {"text": f"{failing.title(failure)}.\n{failing.told(failure)}"},
            "locations": places[:1] or _program(result),
            "relatedLocations": places[1:],
        }
    ]


def _rule(rule: Rule) -> dict[str, Any]:
    from buildtrace.cli.explain import markdown

    return {
        "id": rule.code,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.why},
        "help": {"text": f"{rule.why}\n\n{rule.good}", "markdown": markdown(rule)},
        "defaultConfiguration": {"level": rule.severity},
    } | _help_uri(rule)


def _help_uri(rule: Rule) -> dict[str, str]:
    """Where the rule's page is, if the project says where its folder `docs` can be read.

    SARIF wants an absolute address: one that is relative to this project would be taken for one in
    the project that was checked. All of the page is in `help` as well.
    """
    try:
        declared = metadata("buildtrace").get_all("Project-URL") or []
    except PackageNotFoundError:
        return {}
    urls = dict(url.split(", ", 1) for url in declared)
    docs = urls.get("Documentation")
    return {"helpUri": f"{docs.rstrip('/')}/rules/{rule.code}.md"} if docs else {}


def _fingerprints(result: CheckResult) -> list[str]:
    source_code = result.trace.index.source_code
    findings = ((finding, source_code) for finding in result.kept.findings)
    return fingerprints.fingerprints(findings, result.folder)


def _result(finding: Finding, result: CheckResult, known_by: str) -> dict[str, Any]:
    line, folder = finding.caller, result.folder
    return {
        "ruleId": finding.code,
        "level": finding.severity,
        "message": {"text": with_fix(finding)},
        "partialFingerprints": {fingerprints.NAME: known_by},
        "locations": _program(result) if line is None else [_location(line, folder)],
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


def _program(result: CheckResult) -> list[dict[str, Any]]:
    """The place of what has none: the file that was checked; none of a module.

    Code scanning refuses a log in which a result has no place, with all that is in it.
    """
    file = result.folder / result.target
    return [_location(SourceLine(file=str(file), line=1), result.folder)] if file.is_file() else []


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
        return {"uri": _quoted(path.relative_to(folder).as_posix()), "uriBaseId": ROOT}
    if path.is_absolute():
        return {"uri": path.as_uri()}
    return {"uri": _quoted(file)}  # such as a cell of a notebook, or a path of another platform


def _quoted(name: str) -> str:
    """A part of an address; names of files may have bytes that are no UTF-8."""
    return quote(name, errors="surrogateescape")
