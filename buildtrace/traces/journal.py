"""The journal of a worker: which weights it began to make, on disk before each was made.

A process that hangs or is killed leaves no trace. Beside the trace that it was to write it leaves
its journal: a line of JSON for each `add_weight` when that begins, and one more when it has ended.
A file may come from a stranger, as a trace may. Its last line may be cut off.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from buildtrace.errors import TraceFileError
from buildtrace.traces import json_text
from buildtrace.traces.schema import Count, PlainData, Shape, SourceLine
from buildtrace.traces.wording import sanitize_long

if TYPE_CHECKING:
    import os

FORMAT = "buildtrace journal"
VERSION = 1
"""Grows when an old reader would misread a new file; new keys alone do not change it."""

SUFFIX = ".partial"
"""Stands behind the name of the trace that the journal stands in for."""


class Making(PlainData, frozen=True, kw_only=True):
    """A weight that a worker made, or had begun to make.

    Attributes:
        name: the weight's name, such as "kernel"; "" if it was given none.
        layer: the name of the layer that made it.
        class_name: the layer's class, such as "Dense".
        shape: `None` if it is not known, as for a scalar that was asked for without one.
        dtype: such as "float32"; `None` for the layer's own.
        caller: the user's line that led there.
        source: what stands on that line.
        made: whether it was made.
        error: what ended it otherwise, in one line.
    """

    name: str = ""
    layer: str = ""
    class_name: str = msgspec.field(name="class", default="")
    shape: Shape | None = None
    dtype: str | None = None
    caller: SourceLine | None = None
    source: str = ""
    made: bool = True
    error: str = ""


class _Entry(PlainData, frozen=True, kw_only=True):
    """A line: what the file is, or a weight that was begun, or the number of one that was made."""

    format: str = ""
    version: int = 0
    begun: Making | None = None
    made: Count | None = None


def head() -> bytes:
    """The first line."""
    return json_text.encoded(_Entry(format=FORMAT, version=VERSION)) + b"\n"


def begun_line(making: Making) -> bytes:
    """The line for a weight that is about to be made; they are numbered from 0."""
    return json_text.encoded(_Entry(begun=making)) + b"\n"


def made_line(number: int) -> bytes:
    """The line for a weight that was made."""
    return json_text.encoded(_Entry(made=number)) + b"\n"


def beside(path: Path) -> Path:
    """The journal that stands in for this trace file."""
    return Path(f"{path}{SUFFIX}")


def load(path: str | os.PathLike[str]) -> tuple[Making, ...]:
    """Read a journal: what was begun, in order, and which of it was made.

    Raises:
        TraceFileError: the file is no journal, is damaged, or is of a newer version.
        OSError: the file could not be read.
    """
    file = Path(path)
    if file.exists() and not file.is_file():  # a pipe may never say anything, a device never end
        raise TraceFileError(f"{path}: not a journal: it is a folder, a pipe or a device")
    try:
        text = file.read_bytes()
    except MemoryError:
        raise TraceFileError(f"{path}: too large a file for this machine's memory") from None
    return from_text(text, str(path))


def from_text(text: bytes, name: str = "journal") -> tuple[Making, ...]:
    """What is in the text of a journal.

    Args:
        text: the file's content.
        name: what to call the file in an error.

    Raises:
        TraceFileError: the text is no journal, is damaged, or is of a newer version.
    """
    *lines, rest = text.split(b"\n")  # what is behind the last end of a line was cut off there
    if not lines:
        raise TraceFileError(f"{name}: not a journal of buildtrace: {_lacking(rest)}")
    _check_head(_entry(lines[0], 1, name), name)
    makings: list[Making] = []
    for number, line in enumerate(lines[1:], 2):
        entry = _entry(line, number, name)
        if entry.begun is not None:
            makings.append(msgspec.structs.replace(entry.begun, made=False))
        elif entry.made is not None and entry.made < len(makings):
            makings[entry.made] = msgspec.structs.replace(makings[entry.made], made=True)
        elif entry.made is not None:
            raise TraceFileError(f"{name}: line {number}: weight {entry.made} was never begun")
    return tuple(makings)


def _lacking(rest: bytes) -> str:
    return "it has not one whole line" if rest else "it is empty"


def _entry(line: bytes, number: int, name: str) -> _Entry:
    try:
        return msgspec.json.decode(line, type=_Entry)
    except (ValueError, RecursionError) as error:
        what = "brackets nested too deeply" if isinstance(error, RecursionError) else error
        raise TraceFileError(f"{name}: line {number}: {sanitize_long(str(what))}") from None


def _check_head(entry: _Entry, name: str) -> None:
    if entry.format != FORMAT:
        raise TraceFileError(f"{name}: not a journal of buildtrace (no format: {FORMAT!r})")
    if entry.version > VERSION:
        raise TraceFileError(
            f"{name}: written by a newer buildtrace (version {entry.version} of journals, this one "
            f"reads up to {VERSION}): upgrade with `pip install -U buildtrace`"
        )
