"""Findings as a linter prints them: `file:line: CODE severity: message`, then the remedy."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from buildtrace.renderers import trials
from buildtrace.renderers.text import code, source_files, styles
from buildtrace.renderers.text.lines import Part
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from buildtrace.renderers.text.lines import Line
    from buildtrace.traces.schema import Finding


def path_in(folder: Path, file: str) -> str:
    """The path as somebody in this folder would write it; whole if it is elsewhere."""
    path = Path(file)
    return str(path.relative_to(folder)) if path.is_relative_to(folder) else file


def lines(findings: Iterable[Finding], folder: Path, instead: str = "") -> Iterator[Line]:
    """Each finding with its remedy; of those that follow each other with the same one, once.

    Args:
        findings: what to list.
        folder: paths of files in it are told from there.
        instead: what stands in a place's place, of a finding that has none.
    """
    for _, group in groupby(findings, key=lambda f: (f.code, f.fix, f.trial)):
        alike = list(group)
        yield from (headline(finding, folder, instead) for finding in alike)
        yield from _remedy(alike[0])
        yield []


def _remedy(finding: Finding) -> Iterator[Line]:
    """The remedy of a finding, and what came of trying it."""
    if finding.fix.strip():
        yield [Part(f"  {trials.heading(finding, 'fix').lower()}:", styles.QUIET)]
        yield from code.lines(finding.fix.strip("\n"), indent=4)
    if said := trials.sentence(finding.trial):
        changes = trials.changes(finding.trial)
        yield [Part(f"  {said}{':' if changes else ''}", styles.QUIET)]
        yield from ([Part(f"    {line}", styles.PATCH[line[0]])] for line in changes)


def headline(finding: Finding, folder: Path, instead: str = "") -> Line:
    """The one line that says it all; the arguments are those of `lines`."""
    location, link = instead, ""
    if finding.caller is not None:
        location = f"{path_in(folder, finding.caller.file)}:{finding.caller.line}"
        link = source_files.link(finding.caller.file, finding.caller.line)
    rule = wording.sanitize(finding.code)
    return [
        Part(wording.sanitize_long(f"{location}: " if location else ""), styles.NAME, link),
        Part(f"{rule} {finding.severity}: ", styles.SEVERITY[finding.severity]),
        Part(wording.sanitize_long(finding.message)),
    ]


def text(lines: Iterable[Line]) -> str:
    """Lines without their colors, and with nothing that a terminal obeys."""
    texts = ("".join(wording.visible(part.text) for part in line) for line in lines)
    return "\n".join(texts).rstrip("\n")
