"""The forms in which `buildtrace check` gives its findings: one table of them.

Each is a function of a `CheckResult` that gives the whole text; modules that only one of them needs
are imported when it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from buildtrace.cli.check_result import FAILURE, fixed, total, with_fix
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from buildtrace.cli.check_result import CheckResult
    from buildtrace.renderers.text.lines import Line
    from buildtrace.traces.failures import Failure
    from buildtrace.traces.schema import Edit, Finding, Severity, SourceLine


class FileNote(NamedTuple):
    """A file that was not run, in a check of several.

    Attributes:
        file: as it is shown.
        text: why not.
        level: how bad that is.
    """

    file: str
    text: str
    level: Severity


class Summary(NamedTuple):
    """What is told of a check of several files, besides the findings.

    Attributes:
        lines: how much was found in how much.
        notes: the files that were not run.
        empty: the text of a result with nothing in it.
    """

    lines: Sequence[str]
    notes: Sequence[FileNote]
    empty: str


def _joined_lists(texts: Sequence[str], _: Summary) -> str:
    """One list for several, all as JSON."""
    import json

    entries = [entry for text in texts for entry in json.loads(text)]
    return wording.visible_in_json(json.dumps(entries, indent=2, ensure_ascii=False)) + "\n"


def _joined_lines(texts: Sequence[str], _: Summary) -> str:
    return "".join(texts)


def _joined_sarif(texts: Sequence[str], summary: Summary) -> str:
    from buildtrace.cli import check_sarif

    return check_sarif.joined([summary.empty, *texts], summary.notes)


def _joined_markdown(texts: Sequence[str], summary: Summary) -> str:
    from buildtrace.cli import check_markdown

    return check_markdown.joined(texts, summary)


class Format(NamedTuple):
    """A form for findings.

    Attributes:
        suffix: of files that have this form; `None` if there is none.
        summary: what it is, for the help.
        render: makes the text.
        in_log: it is read from what the command prints, so that `-o PATH` beside it is for a file
            of the form that its suffix stands for.
        join: makes one text of those of all results that have something to tell. As text for people
            there is one list, which `several_report.py` makes.
    """

    suffix: str | None
    summary: str
    render: Callable[[CheckResult], str]
    in_log: bool = False
    join: Callable[[Sequence[str], Summary], str] = _joined_lists


def text_lines(result: CheckResult, width: int) -> Iterator[Line]:
    """The findings as a linter prints them, a failure that none of them is about, and the sum."""
    from buildtrace.renderers.terminal import failing, listing
    from buildtrace.renderers.text import styles
    from buildtrace.renderers.text.lines import Part

    if result.concise:
        for finding in result.kept.findings:
            yield listing.headline(finding, result.folder, result.target)
    else:
        yield from listing.lines(result.kept.findings, result.folder, result.target)
    if failure := result.failure:
        yield from failing.lines(result.trace, width, failure)
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

    folder = result.folder
    entries: list[dict[str, object]] = [
        {
            "code": finding.code,
            "title": finding.title,
            "severity": finding.severity,
            **_location(finding.caller, folder),
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
    if failure := result.failure:
        entries.append(_failure(failure, folder))
    return wording.visible_in_json(json.dumps(entries, indent=2, ensure_ascii=False)) + "\n"


def _failure(failure: Failure, folder: Path) -> dict[str, object]:
    """An entry as a finding has one, and all that is known of the failure."""
    from buildtrace.renderers.terminal import failing

    call, layer = failure.call, failure.layer
    return {
        "code": FAILURE,
        "title": failing.title(failure),
        "severity": "error",
        **_location(failure.place, folder),
        "message": failing.told(failure),
        "why": "",
        "fix": "",
        "calls": [] if call is None else [call.id],
        "layer": None if layer is None else layer.id,
        FAILURE: {
            "type": failure.error.type,
            "message": wording.uncolored(failure.error.message),
            "call": None if call is None else call.name,
            "layer": None if layer is None else {"name": layer.name, "class": layer.class_name},
            "given": [{"shape": spec.shape, "dtype": spec.dtype} for spec in failure.given],
            "facts": [
                {"label": row.label, "text": row.text, "lines": _locations(row.lines, folder)}
                for row in failing.facts(failure)
            ],
            "lines": _locations(failure.lines, folder),
        },
    }


def _locations(lines: Iterable[SourceLine], folder: Path) -> list[dict[str, object]]:
    return [_location(line, folder) for line in lines]


def _location(line: SourceLine | None, folder: Path) -> dict[str, object]:
    from buildtrace.renderers.terminal import listing

    if line is None:
        return {"file": None, "line": None}
    return {"file": listing.path_in(folder, line.file), "line": line.line}


def _edit(edit: Edit, folder: Path) -> dict[str, object]:
    import msgspec

    from buildtrace.renderers.terminal import listing

    return {**msgspec.structs.asdict(edit), "file": listing.path_in(folder, edit.file)}


def _trial(finding: Finding, folder: Path) -> dict[str, object] | None:
    trial = finding.trial
    if trial is None:
        return None
    said = {"outcome": trial.outcome, "message": trial.message, "patch": trial.patch}
    return {**said, **_location(trial.caller, folder)}


_GITHUB = {"error": "error", "warning": "warning", "note": "notice"}
"""What GitHub calls the severities."""


def _github(result: CheckResult) -> str:
    """Workflow commands, one a line: GitHub shows them at the lines of a pull request."""
    lines = [
        _annotation(f.severity, f"{f.code} {f.title}", f.caller, with_fix(f))
        for f in result.kept.findings
    ]
    if failure := result.failure:
        from buildtrace.renderers.terminal import failing

        place = failure.place
        lines.append(_annotation("error", failing.title(failure), place, failing.told(failure)))
    return "".join(lines)


def _annotation(severity: Severity, title: str, place: SourceLine | None, message: str) -> str:
    properties = {"title": title}
    if place is not None:
        # The whole path: from a folder below the repository's own, GitHub would not find another.
        properties |= {"file": place.file, "line": str(place.line)}
    listed = ",".join(f"{name}={_escaped(text, ',:')}" for name, text in properties.items())
    return f"::{_GITHUB[severity]} {listed}::{_escaped(message)}\n"


def _escaped(text: str, more: str = "") -> str:
    """Text in which nothing can end the command, or a property of it."""
    return "".join(f"%{ord(c):02X}" if c in f"%\r\n{more}" else wording.visible(c) for c in text)


def _sarif(result: CheckResult) -> str:
    from buildtrace.cli import check_sarif

    return check_sarif.render(result)


def _gitlab(result: CheckResult) -> str:
    from buildtrace.cli import check_gitlab

    return check_gitlab.render(result)


def _markdown(result: CheckResult) -> str:
    from buildtrace.cli import check_markdown

    return check_markdown.render(result)


FORMATS = {
    "text": Format(".txt", "for people: file:line: CODE severity: message, the remedy", _text),
    "json": Format(".json", "a list with one object for each finding, and for a failure", _json),
    "sarif": Format(
        ".sarif", "SARIF 2.1.0, for code scanning and editors", _sarif, join=_joined_sarif
    ),
    "github": Format(
        None, "annotations on a pull request, from a GitHub workflow", _github, True, _joined_lines
    ),
    "markdown": Format(
        ".md", "a table, for a workflow's summary or a comment", _markdown, join=_joined_markdown
    ),
    "gitlab": Format(None, "a Code Quality report, for merge requests of GitLab", _gitlab),
}
