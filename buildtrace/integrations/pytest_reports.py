"""What a report of pytest says of a build: a section, and an HTML file beside it."""

from __future__ import annotations

import hashlib
import re
import tempfile
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from buildtrace import renderers
from buildtrace.capture.snapshot import error_info
from buildtrace.errors import BuildtraceError
from buildtrace.testing.messages import folded, part_with
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from buildtrace.traces.schema import Call
    from buildtrace.traces.trace import Trace

TITLE = "Keras build"
FINDINGS = "Keras build: findings"

SUFFIX = ".html"

LONGEST_NAME = 120
"""A file's name may have 255 bytes; who runs in deep folders has less."""


def section(trace: Trace, error: BaseException) -> str:
    """The tree down to the call that failed; "" if the error did not come out of a build."""
    root = _left_by(trace, error)
    if root is None:
        return ""
    part = part_with(trace, {root.id})
    tree = renderers.excerpt(part, folded(part, set())).strip("\n")
    before = sum(1 for call in trace.roots if call.start_ns < root.start_ns)
    lines = [wording.versions(trace), "", tree]
    if before:
        verb = "is" if before == 1 else "are"
        lines += ["", f"{wording.count(before, 'earlier call')} {verb} not shown"]
    return "\n".join(lines) + "\n"


def _left_by(trace: Trace, error: BaseException) -> Call | None:
    """The last outermost call that this error, or one that it was made of, came out of."""
    errors = {(info.type, info.message) for info in map(error_info, _chain(error))}
    for root in reversed(trace.roots):
        if root.error is not None and (root.error.type, root.error.message) in errors:
            return root
    return None


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: list[BaseException] = []
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop()
        if one is not None and one not in seen:
            seen.append(one)
            yield one
            waiting += [one.__cause__, None if one.__suppress_context__ else one.__context__]
            waiting += getattr(one, "exceptions", ())  # of a group


# -- files --------------------------------------------------------------------------------------


def check_folder(folder: Path) -> None:
    """Make the folder if it is not there, and see that files can be written into it.

    Raises:
        UsageError: pytest's, which ends the run with one line.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()  # asking for permission is not reliable
    except OSError as error:
        reason = error.strerror or str(error)
        raise pytest.UsageError(
            f"--buildtrace-html: cannot write into {folder}: {reason}"
        ) from None


def file_name(nodeid: str, when: str | None) -> str:
    """A name for the report of a test: readable, good on every system, and no other test's."""
    name = nodeid if when in (None, "call") else f"{nodeid} {when}"
    readable = re.sub(r"[^A-Za-z0-9_.]+", "-", name.replace("/", "-").replace(".py::", "::"))
    digest = hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()[:8]
    return f"{readable[:LONGEST_NAME].strip('-.')}-{digest}{SUFFIX}"


def save(trace: Trace, error: BaseException, path: Path) -> str:
    """Write the trace of a failed test; returns the line that says so, or why it could not be."""
    try:
        replace(trace, error=error_info(error)).save(path)
    except (BuildtraceError, OSError) as problem:
        return f"cannot write {path}: {problem}\n"
    return f"report: {path}\n"
