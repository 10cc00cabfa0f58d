"""The forms in which `buildtrace check` gives its findings: one table of them.

Each is a function of a `Report` that gives the whole text; modules that only one of them needs
are imported when it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from buildtrace.diagnosis.suppress import Kept
    from buildtrace.renderers.text.lines import Line
    from buildtrace.traces.schema import Finding
    from buildtrace.traces.trace import Trace


class Report(NamedTuple):
    """What a check has to tell.

    Attributes:
        kept: the findings.
        trace: where they were found.
        folder: paths are told from there.
        target: what was checked, as given; stands for the place of a finding that has none.
        concise: leave the remedies out.
        complete: whether the program came to its end, or to its training.
    """

    kept: Kept
    trace: Trace
    folder: Path
    target: str
    concise: bool = False
    complete: bool = True


class Format(NamedTuple):
    """A form for findings.

    Attributes:
        suffix: of files that have this form; `None` if there is none.
        summary: what it is, for the help.
        render: makes the text.
    """

    suffix: str | None
    summary: str
    render: Callable[[Report], str]


def text_lines(report: Report) -> Iterator[Line]:
    """The findings as a linter prints them, and the sum."""
    from buildtrace.renderers.terminal import listing
    from buildtrace.renderers.text import styles
    from buildtrace.renderers.text.lines import Part

    if report.concise:
        for finding in report.kept.findings:
            yield listing.headline(finding, report.folder, report.target)
    else:
        yield from listing.lines(report.kept.findings, report.folder, report.target)
    yield [Part(total(report), styles.NAME if report.kept.problems else "")]
    if report.kept.findings and not report.concise:
        codes = dict.fromkeys(finding.code for finding in report.kept.findings)
        yield [Part(f"`buildtrace explain {' '.join(codes)}` says why.", styles.QUIET)]


def total(report: Report) -> str:
    """How much was found in how much: the last line of a linter."""
    from buildtrace.traces import wording

    kept, trace = report.kept, report.trace
    problems = len(kept.problems)
    parts = [f"Found {wording.count(problems, 'problem')}" if problems else "No problems found"]
    more = [wording.count(kept.notes, "note")] if kept.notes else []
    more += [f"{kept.ignored:,} ignored"] if kept.ignored else []
    parts += [f"({', '.join(more)})"] if more else []
    models, calls = (
        wording.count(len(trace.graphs), "model"),
        wording.count(len(trace.calls), "call"),
    )
    parts.append(f"in {models}, {calls}{'' if report.complete else ', before the program failed'}")
    return " ".join(parts)


def _text(report: Report) -> str:
    from buildtrace.renderers.terminal import listing

    return listing.text(text_lines(report)) + "\n"


# -- for programs -------------------------------------------------------------------------------


def _json(report: Report) -> str:
    import json

    made = [
        {
            "code": finding.code,
            "title": finding.title,
            "severity": finding.severity,
            **_place(finding, report.folder),
            "message": finding.message,
            "why": finding.why,
            "fix": finding.fix,
            "calls": finding.calls,
            "layer": finding.layer,
        }
        for finding in report.kept.findings
    ]
    return json.dumps(made, indent=2, ensure_ascii=False) + "\n"


def _place(finding: Finding, folder: Path) -> dict[str, object]:
    from buildtrace.renderers.terminal import listing

    if finding.caller is None:
        return {"file": None, "line": None}
    return {"file": listing.path_in(folder, finding.caller.file), "line": finding.caller.line}


_GITHUB = {"error": "error", "warning": "warning", "note": "notice"}
"""What GitHub calls the severities."""


def _github(report: Report) -> str:
    """Workflow commands, one a line: GitHub shows them at the lines of a pull request."""
    return "".join(_annotation(finding) for finding in report.kept.findings)


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
    return "".join(f"%{ord(c):02X}" if c in f"%\r\n{more}" else c for c in text)


def with_fix(finding: Finding) -> str:
    """What happened and the remedy, where there is room for a text and no more."""
    fix = finding.fix.strip("\n")
    return f"{finding.message}\n\nfix:\n{fix}" if fix else finding.message


def _sarif(report: Report) -> str:
    from buildtrace.cli import check_sarif

    return check_sarif.render(report)


FORMATS = {
    "text": Format(".txt", "for people: file:line: CODE severity: message, and the remedy", _text),
    "json": Format(".json", "a list with one object for each finding", _json),
    "sarif": Format(".sarif", "SARIF 2.1.0, for code scanning and editors", _sarif),
    "github": Format(None, "annotations of a pull request, by a workflow of GitHub", _github),
}
