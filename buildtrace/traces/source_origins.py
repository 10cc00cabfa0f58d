"""Where the source code of a trace comes from: the files of this process, or the trace itself."""

from __future__ import annotations

import linecache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from buildtrace.traces import installed_keras
from buildtrace.traces.comments import ignored_lines
from buildtrace.traces.definitions import block, function_at

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from buildtrace.traces.schema import Call, Excerpt, SourceFile, SourceLine


MOST_CHARACTERS = 1_000_000
"""A trace carries so many characters of code in all; what comes then is left out."""


class RoomForSource:
    """The room that is left in a trace for code."""

    def __init__(self) -> None:
        """All of it is left."""
        self._left = MOST_CHARACTERS

    def fitting(self, excerpts: Iterable[Excerpt]) -> list[Excerpt]:
        """Those that there is something in and still room for."""
        kept = []
        for excerpt in excerpts:
            if excerpt.text and len(excerpt.text) <= self._left:
                self._left -= len(excerpt.text)
                kept.append(excerpt)
        return kept


class SourceOrigin(Protocol):
    """Has source code, as it is written; whoever asks has to make it safe to show."""

    def lines(self, file: str) -> Mapping[int, str]:
        """Lines of a file by number, from 1: as many as there are."""

    def function(self, call: Call) -> tuple[Sequence[str], str]:
        """The lines of the function that ran, or none and the reason, as a clause."""

    def function_at(self, location: SourceLine) -> str:
        """The function that a line is in, such as "Net.call"; "" if that is none, or not known."""

    def ignored(self, file: str) -> Mapping[int, Sequence[str]]:
        """Line → the codes of findings that a comment ignores, as `ignored_lines` has them."""


class ProcessFiles:
    """The files that the code of this process came from, and its code without a file."""

    def __init__(self) -> None:
        """Nothing is read yet; what was read stays the same."""
        self._read: dict[str, dict[int, str]] = {}

    def lines(self, file: str) -> Mapping[int, str]:
        """All of them."""
        if file not in self._read:
            self._read[file] = dict(enumerate(lines_of(file), 1))
        return self._read[file]

    def function(self, call: Call) -> tuple[Sequence[str], str]:
        """What is at the function's place, if that may be it."""
        code = block([*self.lines(call.file).values()], call.line)
        if not code:
            return [], "its file is not on this machine"
        if not any(call.name.rpartition(".")[2] in line for line in code):
            return [], "its file on this machine is another version"
        return code, ""

    def function_at(self, location: SourceLine) -> str:
        """By parsing the file."""
        return function_at("".join(self.lines(location.file).values()), location.line)

    def ignored(self, file: str) -> Mapping[int, Sequence[str]]:
        """By reading the comments."""
        return ignored_lines("".join(self.lines(file).values()))


class CarriedSources:
    """What a trace carries, and functions of the installed Keras; it opens no other file."""

    def __init__(self, files: Iterable[SourceFile]) -> None:
        """Of these files; a second one of the same name adds to the first."""
        self._room = RoomForSource()
        self._lines: dict[str, dict[int, str]] = {}
        self._functions: dict[tuple[str, int], list[str]] = {}
        self._inside: dict[tuple[str, int], str] = {}
        self._ignored: dict[str, dict[int, tuple[str, ...]]] = {}
        for file in files:
            self._add(file)

    def _add(self, file: SourceFile) -> None:
        lines = self._lines.setdefault(file.file, {})
        for excerpt in self._room.fitting(file.excerpts):
            lines.update(enumerate(excerpt.text.split("\n"), excerpt.line))
        for excerpt in self._room.fitting(file.functions):
            self._functions[file.file, excerpt.line] = excerpt.text.split("\n")
        self._inside.update({(file.file, line): name for line, name in file.inside.items()})
        self._ignored.setdefault(file.file, {}).update(file.ignored)

    def lines(self, file: str) -> Mapping[int, str]:
        """The lines around those that the trace speaks of."""
        return self._lines.get(file, {})

    def function(self, call: Call) -> tuple[Sequence[str], str]:
        """The function as it was carried, or else as the installed Keras has it."""
        code = self._functions.get((call.file, call.line)) or installed_keras.function(call)
        return (code, "") if code else ([], _not_carried(call))

    def function_at(self, location: SourceLine) -> str:
        """What the trace says."""
        return self._inside.get((location.file, location.line), "")

    def ignored(self, file: str) -> Mapping[int, Sequence[str]]:
        """What the trace says."""
        return self._ignored.get(file, {})


def _not_carried(call: Call) -> str:
    """Why there is no source of the function, as a clause."""
    missing = "the trace does not carry it"
    if not installed_keras.is_of_keras(call):
        return missing
    if not installed_keras.is_installed(call):
        return f"{missing}, and this Keras is not installed here"
    return f"{missing}, and the installed Keras is another version"


def lines_of(file: str) -> list[str]:
    """The lines of the code of this process that came from `file`; none if nothing has them."""
    if _is_regular(file):
        linecache.checkcache(file)  # it may have changed since it was last looked at
    elif file not in linecache.cache:  # as code that was typed in, and cells of a notebook, are
        return []
    return linecache.getlines(file)


def _is_regular(file: str) -> bool:
    """Whether this is the whole path of a regular file: to read a pipe would wait, or take away.

    linecache would look for a relative one in every folder of sys.path, and find another file.
    """
    try:
        return Path(file).is_absolute() and Path(file).is_file()
    except (OSError, ValueError):  # such as a name that is too long, or has a zero in it
        return False
