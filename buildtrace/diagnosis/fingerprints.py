"""What a finding is known by, however the lines around it move."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from buildtrace.traces.schema import Finding
    from buildtrace.traces.source_code import SourceCode

NAME = "buildtrace/v1"
"""What SARIF calls fingerprints that are made like this."""


def fingerprints(findings: Iterable[tuple[Finding, SourceCode]], folder: Path) -> list[str]:
    """The fingerprint of each finding, in order.

    It is made of the rule, the file, and the text of the line; findings that have all that in
    common are counted. One without a line is known by what it says.

    Args:
        findings: each with the source of its trace.
        folder: files are named from there on.
    """
    seen: Counter[tuple[str, ...]] = Counter()
    made = []
    for finding, source_code in findings:
        key = (finding.code, *_place(finding, source_code, folder))
        made.append(digest(*key, str(seen[key])))
        seen[key] += 1
    return made


def _place(finding: Finding, source_code: SourceCode, folder: Path) -> tuple[str, ...]:
    line = finding.caller
    if line is None:
        return ("", finding.message)
    return relative(line.file, folder), " ".join(source_code.line(line).split())


def relative(file: str, folder: Path) -> str:
    """A file's name from a folder on, the same on all systems; whole if it is elsewhere."""
    path = Path(file)
    name = (path.relative_to(folder) if path.is_relative_to(folder) else path).as_posix()
    return name.encode(errors="backslashreplace").decode()  # it may have bytes that are no UTF-8


def digest(*texts: str) -> str:
    """One short text for several."""
    return hashlib.sha256("\0".join(texts).encode(errors="surrogatepass")).hexdigest()[:32]
