"""Writes the journal of a worker: each weight that it begins to make, before it is made.

What is written here is with the operating system at once: a process that hangs or is killed leaves
it. See `buildtrace.traces.journal` for the file.
"""

from __future__ import annotations

import contextlib
import linecache
import os
import threading
from typing import TYPE_CHECKING, Any

from buildtrace.capture import snapshot
from buildtrace.capture.callers import line_of
from buildtrace.traces import journal
from buildtrace.traces.schema import AskedWeight, SourceLine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from buildtrace.capture.callers import Caller
    from buildtrace.capture.record import Record


def asked_weight(record: Record) -> AskedWeight:
    """What an `add_weight` that has not ended yet is to make."""
    given = record.hooked.named_arguments(record)
    shape, dtype = given.get("shape"), given.get("dtype")
    if dtype is None:
        dtype = getattr(record.layer, "variable_dtype", None)
    spec = snapshot.spec(() if shape is None else shape, dtype)
    name = given.get("name")
    return AskedWeight(
        name=name if isinstance(name, str) else "", shape=spec.shape, dtype=spec.dtype
    )


class Journal:
    """A worker's journal. Its file is made for the first weight, and not before.

    Attributes:
        path: of the file.
        begun: how many weights were begun since it is empty.
    """

    def __init__(self, path: Path | None, tell: Callable[[str], object]) -> None:
        """Nothing is written yet.

        Args:
            path: of the file; what is there is of an earlier run, and goes. `None`: it is named
                when it is made, by `name`.
            tell: is called with one line, once, if the file cannot be written. Nothing else comes
                of that.
        """
        self.path = path
        self._tell = tell
        self._lock = threading.RLock()  # a handler of a signal may build something as well
        self._file: int | None = None
        self._busy = False
        self._process = os.getpid()
        self.begun = 0
        self._open: dict[int, int] = {}
        self._ended = False

    def begin(self, record: Record) -> None:
        """Write down that a weight is about to be made."""
        asked = asked_weight(record)
        owner = snapshot.layer_ref(record.layer, 0)
        caller = _source_line(record.caller)
        making = journal.Making(
            name=asked.name,
            shape=asked.shape,
            dtype=asked.dtype,
            layer=owner.name,
            class_name=owner.class_name,
            caller=caller,
            source=linecache.getline(caller.file, caller.line).strip() if caller else "",
        )
        with self._alone() as ours:
            if ours and self._write(journal.begun_line(making)):
                self._open[record.order] = self.begun
                self.begun += 1

    def end(self, record: Record) -> None:
        """Write down that it was made."""
        with self._alone() as ours:
            number = self._open.pop(record.order, None) if ours else None
            if number is not None:
                self._write(journal.made_line(number))

    def forget(self, begun: int) -> None:
        """Begin anew with an empty file, as a trace was written that has all.

        Args:
            begun: how many weights were begun before that was made: if there are more by now,
                nothing is forgotten.
        """
        with self._alone() as ours:
            if not ours or self._open or self.begun != begun or self._file is None:
                return
            os.close(self._file)
            self._file, self.begun = None, 0
            if self.path is not None:
                self.path.unlink(missing_ok=True)

    def name(self) -> Path | None:
        """The path of the file that is about to be made; `None` if there is to be none."""
        return self.path

    def close(self, *, remove: bool) -> None:
        """Write no more; `remove` the file if all that is in it is in the trace by now."""
        # Not alone: a thread that writes may wait for a signal's handler, and that for us. So the
        # file stays open for one that writes: its number may be another file's once it is closed.
        self._ended = True
        if self._file is not None and not self._busy:
            os.close(self._file)
            self._file = None
        if remove and os.getpid() == self._process and self.path is not None:
            self.path.unlink(missing_ok=True)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[bool]:
        """Keep other threads out; whether this process writes. One that was forked off does not."""
        if not self._is_ours():  # its lock may be held for good, by a thread that it has not got
            yield False
            return
        with self._lock:
            before, self._busy = self._busy, True  # and then a look whether it is closed
            try:
                yield self._is_ours()
            finally:
                self._busy = before

    def _is_ours(self) -> bool:
        return not self._ended and os.getpid() == self._process

    def _write(self, line: bytes) -> bool:
        """Whether the line is written."""
        if not self._is_ours():
            return False
        try:
            if self._file is None:
                self.path = self.name()
                if self.path is None:
                    self._ended = True
                    return False
                self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
                line = journal.head() + line
            os.write(self._file, line)
        except OSError as error:
            self._ended = True
            self._tell(f"{self.path} is not written: {error.strerror or error}")
            return False
        return True


def _source_line(caller: Caller | None) -> SourceLine | None:
    if caller is None:
        return None
    where, number = caller
    if isinstance(where, str):
        return SourceLine(file=where, line=number)
    line: Any = line_of(where, number) or where.co_firstlineno
    return SourceLine(file=where.co_filename, line=line)
