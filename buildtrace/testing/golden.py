"""Builds that are kept in files: where they are, how they are compared, and how they get there."""

from __future__ import annotations

import contextlib
import itertools
import re
from typing import TYPE_CHECKING, NamedTuple

from buildtrace.errors import UsageError
from buildtrace.renderers.text.outline import outline
from buildtrace.testing import outline_diff
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from buildtrace.traces.trace import Trace

FOLDER = "__builds__"

UPDATE = "--buildtrace-update"

INTRODUCTION = f"How a model gets built, as a test expects it. `pytest {UPDATE}` writes it anew."


class Updates:
    """What became of the files in one session that is to write them.

    Attributes:
        texts: what each build is, by the path of its file.
        written: the files that had to be written, as they are shown.
    """

    def __init__(self) -> None:
        """Nothing was written yet."""
        self.texts: dict[Path, str] = {}
        self.written: list[str] = []


class Test(NamedTuple):
    """The test that runs.

    Attributes:
        module: its file.
        root: the folder that paths in messages start from.
        updates: notes what is written; `None` if files are only compared with.
    """

    module: Path
    root: Path
    updates: Updates | None = None


_running: list[Test] = []
"""The test that runs, last; pytest may run inside of pytest."""


@contextlib.contextmanager
def running(test: Test) -> Iterator[None]:
    """Builds belong to this test from now on."""
    _running.append(test)
    try:
        yield
    finally:
        _running.remove(test)


def check(trace: Trace, name: str) -> str | None:
    """Compare a build with the one in its file, or write the file if that was asked for.

    Returns:
        What to say if they differ; `None` if all is well.

    Raises:
        UsageError: no test is known that it could belong to, or the name cannot be a file's.
        OSError: the file could not be read or written.
    """
    __tracebackhide__ = True
    if not _running:
        raise UsageError("assert_build_matches needs the fixture `buildtrace` in the test")
    if not trace.calls:
        return f"expected the build {name!r}, but nothing was recorded in the trace"
    test = _running[-1]
    path = file_of(test.module, name)
    shown = _relative(path, test.root)
    if test.updates is not None:
        return _update(test.updates, trace, path, shown)
    try:
        kept, comment = _read(path)
    except FileNotFoundError:
        return f"there is no build {name!r} to compare with: {UPDATE} writes {shown}"
    lines = outline_diff.diff(kept, outline(trace))
    if not lines:
        return None
    number = wording.count(outline_diff.differences(lines), "difference")
    return "\n".join(
        [
            f"the build is not as in {shown}: {number} ({UPDATE} accepts it as it is)",
            *_versions(comment, trace),
            "",
            *outline_diff.shown(lines),
        ]
    )


def _read(path: Path) -> tuple[list[str], list[str]]:
    """The lines of a file, and those of the comment at its head. Empty lines mean nothing."""
    # What is no text differs from any build; a byte order mark is some editors' habit.
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    comment = [*itertools.takewhile(lambda line: line.startswith("#"), lines)]
    return lines[len(comment) :], [line.lstrip("# ") for line in comment]


def file_of(module: Path, name: str) -> Path:
    """Where the build of this name is kept for the tests in a module.

    Raises:
        UsageError: no file can have this name everywhere.
    """
    __tracebackhide__ = True
    if not re.fullmatch(r"[\w\-\[\]=,+]([\w.\-\[\]=,+ ]*[\w\-\[\]=,+])?", name) or len(name) > 150:
        raise UsageError(
            f"{wording.sanitize(name)!r} cannot be the name of a build: it is to be a file's, so "
            "only letters, digits and -_.+=,[] are good"
        )
    return module.parent / FOLDER / module.stem / f"{name}.txt"


def _update(updates: Updates, trace: Trace, path: Path, shown: str) -> str | None:
    """Write the file if it does not say what the build is; returns what to say if it cannot be."""
    now = outline(trace)
    text = "\n".join(now)
    if updates.texts.setdefault(path, text) != text:
        return f"two different builds want to be {shown}: give each a name of its own"
    with contextlib.suppress(FileNotFoundError):
        if not outline_diff.diff(_read(path)[0], now):
            return None
    path.parent.mkdir(parents=True, exist_ok=True)
    head = f"# {INTRODUCTION}\n# {wording.versions(trace)}\n\n"
    path.write_bytes(f"{head}{text}\n".encode())  # no carriage returns anywhere
    updates.written.append(shown)
    return None


def _versions(comment: list[str], trace: Trace) -> list[str]:
    """What to say if the file was written on other versions."""
    before, now = comment[1:2], wording.versions(trace)
    if before and before[0] != now:
        return [f"it was written with {wording.sanitize(before[0])}; this is {now}"]
    return []


def _relative(path: Path, root: Path) -> str:
    return str(path.relative_to(root) if path.is_relative_to(root) else path)
