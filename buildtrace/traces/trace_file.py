"""The trace file: versioned JSON, out of and into `Trace`; it may be compressed with gzip.

A file may come from a stranger. What is loaded here has the types of the schema, and is sound (see
`buildtrace.traces.soundness`). Nothing else reads such a file, or has to ask whether it is good.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from buildtrace.errors import TraceFileError
from buildtrace.traces import compression, json_text
from buildtrace.traces.carrying import carried
from buildtrace.traces.soundness import fault_of
from buildtrace.traces.trace import Trace

if TYPE_CHECKING:
    import os

FORMAT = "buildtrace"
VERSION = 1
"""Grows when an old reader would misread a new file; new keys alone do not change it."""


class _Head(msgspec.Struct):
    """What every trace file begins with."""

    format: str = ""
    version: int = 0


class _TraceFile(Trace, kw_only=True):
    """The whole content of a trace file."""

    format: str = ""
    version: int = 0


def to_json(trace: Trace) -> bytes:
    """The trace as the UTF-8 text of a trace file, with the source code that its views show."""
    content: dict[str, Any] = {"format": FORMAT, "version": VERSION}
    content |= {name: getattr(trace, name) for name in Trace.__struct_fields__}
    content["sources"] = carried(trace)
    return json_text.encoded(content)


def from_json(text: bytes | bytearray, name: str = "trace") -> Trace:
    """The trace in the text of a trace file.

    Args:
        text: the file's content.
        name: what to call the file in an error.

    Raises:
        TraceFileError: the text is no trace, is damaged, or is of a newer version.
    """
    try:
        file = msgspec.json.decode(text, type=_TraceFile)
    except (ValueError, RecursionError) as error:
        raise TraceFileError(f"{name}: {_unreadable(text, error)}") from error
    if problem := _foreign(file):
        raise TraceFileError(f"{name}: {problem}")
    trace = Trace(**{field: getattr(file, field) for field in Trace.__struct_fields__})
    if fault := fault_of(trace):
        raise TraceFileError(f"{name}: damaged trace file: {fault}")
    return trace


def _unreadable(text: bytes | bytearray, error: Exception) -> str:
    """Why a text could not be read, as far as its error and its beginning tell."""
    if isinstance(error, RecursionError):
        return "not a readable trace file: its brackets are nested too deeply"
    if not isinstance(error, msgspec.ValidationError):
        wrong = _first_wrong_byte(text)
        what = error if wrong is None else f"it is not UTF-8 (byte {wrong})"
        return f"not a readable trace file: {what}"
    try:
        head = msgspec.json.decode(text, type=_Head)
    except (ValueError, RecursionError):
        return f"not a readable trace file: {error}"
    return _foreign(head) or f"damaged trace file: {error}"


def _first_wrong_byte(text: bytes | bytearray) -> int | None:
    """The place of the first byte that is no UTF-8; msgspec does not tell it."""
    try:
        text.decode()
    except UnicodeDecodeError as error:
        return error.start
    return None


def _foreign(head: _Head | _TraceFile) -> str | None:
    """Why a file that begins so is none of ours; `None` if it is."""
    if head.format != FORMAT:
        return f"not a buildtrace file (it has no format: {FORMAT!r})"
    if head.version < 1:
        return f"not a buildtrace file (there is no version {head.version} of the format)"
    if head.version > VERSION:
        return (
            f"written by a newer buildtrace (version {head.version} of the format, "
            f"this one reads up to {VERSION}): upgrade with `pip install -U buildtrace`"
        )
    return None


def load(path: str | os.PathLike[str]) -> Trace:
    """Read a trace file; whether it is compressed tells its content, not its name.

    Raises:
        TraceFileError: the file is no trace, is damaged, or is of a newer version.
        OSError: the file could not be read.
    """
    file = Path(path)
    if file.exists() and not file.is_file():  # a pipe may never say anything, a device never end
        raise TraceFileError(f"{path}: not a trace file: it is a folder, a pipe or a device")
    try:
        with file.open("rb") as opened:
            packed = compression.is_compressed(opened)
            text = compression.decompressed(opened) if packed else opened.read()
    except ValueError as error:
        raise TraceFileError(f"{path}: not a readable trace file: {error}") from None
    except MemoryError:
        raise TraceFileError(f"{path}: too large a file for this machine's memory") from None
    return from_json(text, str(path))
