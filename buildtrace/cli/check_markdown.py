"""Findings as Markdown: for the summary of a workflow, or a comment on a pull request."""

from __future__ import annotations

import re
from itertools import groupby
from typing import TYPE_CHECKING

from buildtrace.cli.check_result import fixed, total
from buildtrace.renderers import trials
from buildtrace.renderers.terminal import failing, listing
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from buildtrace.cli.check_formats import Summary
    from buildtrace.cli.check_result import CheckResult
    from buildtrace.traces.schema import Severity, SourceLine

_SIGNS: dict[Severity, str] = {"error": "❌ error", "warning": "⚠️ warning", "note": "📝 note"}
_TABLE = "| | where | what |\n|---|---|---|"


def render(result: CheckResult) -> str:
    """A heading that says how much was found, a table of it, and the remedies to unfold."""
    findings, failure = result.kept.findings, result.failure
    pieces = [f"### buildtrace: {_plain(_uncapitalized(total(result)))}"]
    rows = [_row(result, f.severity, f.caller, f.code, f.message) for f in findings]
    if failure:
        place = failure.place
        title = f"{failing.title(failure)}."
        rows.append(_row(result, "error", place, title, failing.told(failure)))
    if rows:
        pieces.append("\n".join([_TABLE, *rows]))
    pieces += map(_plain, fixed(result))
    if not result.concise:
        pieces += _remedies(result)
    return "\n\n".join(pieces) + "\n"


def joined(texts: Sequence[str], summary: Summary) -> str:
    """The texts of several results, a heading with the sum, and what was not run to unfold."""
    first, *more = map(_plain, summary.lines)
    pieces = [*texts, f"### buildtrace: {_uncapitalized(first)}", *more]
    if summary.notes:
        listed = "\n".join(f"- {_plain(f'{note.file}: {note.text}')}" for note in summary.notes)
        pieces.append(f"<details><summary>not run</summary>\n\n{listed}\n\n</details>")
    return "\n\n".join(piece.rstrip("\n") for piece in pieces) + "\n"


def _row(
    result: CheckResult, severity: Severity, place: SourceLine | None, title: str, text: str
) -> str:
    where = _plain(_where(result, place))
    return f"| {_SIGNS[severity]} | {where} | **{_plain(title)}** {_plain(text)} |"


def _where(result: CheckResult, place: SourceLine | None) -> str:
    if place is None:
        return result.target
    return f"{listing.path_in(result.folder, place.file)}:{place.line}"


def _remedies(result: CheckResult) -> Iterator[str]:
    """Each remedy once, however many findings in a row have it, and what came of trying it."""
    for _, alike in groupby(result.kept.findings, key=lambda f: (f.code, f.fix, f.trial)):
        finding = next(alike)
        text = "\n".join([finding.fix.strip("\n"), *trials.changes(finding.trial)]).strip("\n")
        if text:
            said = trials.sentence(finding.trial) or trials.heading(finding, "fix").lower()
            title = _plain(f"{finding.code} at {_where(result, finding.caller)}, {said}")
            yield f"<details><summary>{title}</summary>\n\n{_fenced(text)}\n\n</details>"


def _fenced(code: str) -> str:
    """A block of code that nothing in it can end."""
    longest = max(map(len, re.findall("`+", code)), default=0)
    fence = "`" * max(3, longest + 1)
    shown = "\n".join(map(wording.visible, code.splitlines()))
    return f"{fence}python\n{shown}\n{fence}"


def _plain(text: str) -> str:
    """Text that means nothing in Markdown or HTML, calls nobody and stays in its cell."""
    lines = "\n".join(map(wording.visible, text.strip().splitlines()))
    safe = re.sub(r"[^\w\s.,:;'()/=+-]|_", lambda found: f"&#{ord(found[0])};", lines)
    return safe.replace("\n", "<br>")


def _uncapitalized(text: str) -> str:
    return text[:1].lower() + text[1:]
