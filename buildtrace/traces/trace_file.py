"""The trace file: versioned JSON, out of and into `Trace`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from buildtrace.errors import TraceFileError
from buildtrace.traces.carrying import carried
from buildtrace.traces.trace import Trace

if TYPE_CHECKING:
    import os

FORMAT = "buildtrace"
VERSION = 1
"""Grows when an old reader would misread a new file; new keys alone do not change it."""


class _Head(msgspec.Struct):
    """What every trace file begins with; read first, so that a foreign file is named as such."""

    format: str = ""
    version: int = 0


def to_json(trace: Trace) -> bytes:
    """The trace as the UTF-8 text of a trace file, with the source code that its views show."""
    head: dict[str, Any] = {"format": FORMAT, "version": VERSION}
    fields = {name: getattr(trace, name) for name in trace.__struct_fields__}
    return msgspec.json.encode(head | fields | {"sources": carried(trace)})


def from_json(text: bytes, name: str = "trace") -> Trace:
    """The trace in the text of a trace file.

    Args:
        text: the file's content.
        name: what to call the file in an error.

    Raises:
        TraceFileError: the text is no trace, is damaged, or is of a newer version.
    """
    try:
        head = msgspec.json.decode(text, type=_Head)
    except msgspec.DecodeError as error:
        raise TraceFileError(f"{name}: not a readable trace file: {error}") from error
    if head.format != FORMAT:
        raise TraceFileError(f"{name}: not a buildtrace file (it has no format: {FORMAT!r})")
    if head.version > VERSION:
        raise TraceFileError(
            f"{name}: written by a newer buildtrace (version {head.version} of the format, "
            f"this one reads up to {VERSION}): upgrade with `pip install -U buildtrace`"
        )
    try:
        return msgspec.json.decode(text, type=Trace)
    except msgspec.ValidationError as error:
        raise TraceFileError(f"{name}: damaged trace file: {error}") from error


def load(path: str | os.PathLike[str]) -> Trace:
    """Read a trace file.

    Raises:
        TraceFileError: the file is no trace, is damaged, or is of a newer version.
        OSError: the file could not be read.
    """
    return from_json(Path(path).read_bytes(), str(path))
