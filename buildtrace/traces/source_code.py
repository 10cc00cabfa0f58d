"""The one door to source code: each line of it that is shown of a trace is asked for here.

What a trace names need not be shown: a saved trace is a file that people send each other. Only one
that this process has recorded is shown with the files of this process; one that was loaded, with
what it carries. Either way all lines are safe to show, and none is endless.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import msgspec

from buildtrace.traces import wording
from buildtrace.traces.definitions import statement
from buildtrace.traces.schema import Excerpt
from buildtrace.traces.source_origins import CarriedSources, ProcessFiles

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from buildtrace.traces.schema import Call, SourceLine
    from buildtrace.traces.source_origins import SourceOrigin
    from buildtrace.traces.trace import Trace

LF = "\n"

LONGEST_LINE = 1_000
"""So many characters of a line are shown."""

AROUND = 5
"""So many lines before and after each that a trace speaks of can be shown."""


class SourceCode:
    """The source code of one trace."""

    def __init__(self, trace: Trace) -> None:
        """Nothing is read before it is asked for."""
        self._origin: SourceOrigin = (
            ProcessFiles()
            if isinstance(trace.sources, msgspec.UnsetType)
            else CarriedSources(trace.sources)
        )
        self._ignored: dict[str, Mapping[int, Sequence[str]]] = {}

    def function(self, call: Call) -> tuple[list[str], str]:
        """The lines of the function that ran, as far to the left as they go.

        If there are none, the reason is the second value, as a clause.
        """
        lines, missing = self._origin.function(call)
        return textwrap.dedent("\n".join(map(_safe, lines))).split("\n") if lines else [], missing

    def line(self, location: SourceLine) -> str:
        """What stands on a line, without its indent; "" if that is not known."""
        return _safe(self._origin.lines(location.file).get(location.line, "")).strip()

    def statement(self, location: SourceLine) -> str:
        """The statement that begins on a line, its indent left out; "" if that is not known.

        Of a long one the first lines, up to `AROUND` behind that one.
        """
        return textwrap.dedent("\n".join(statement([*self.around(location, 0, AROUND).values()])))

    def around(self, location: SourceLine, before: int, after: int) -> dict[int, str]:
        """A line with those around it, by number; none if it is not known.

        Args:
            location: the line.
            before: so many lines before it, up to `AROUND`.
            after: so many lines after it, up to `AROUND`.
        """
        lines = self._origin.lines(location.file)
        if location.line not in lines:
            return {}
        numbers = range(location.line - before, location.line + after + 1)
        return {number: _safe(lines[number]) for number in numbers if number in lines}

    def whole(self, file: str) -> str:
        """The text of a file as it is, to place changes in; "" if not all of it is known.

        It is not safe to show: what is shown of a file is asked for by line.
        """
        lines = self._origin.lines(file)
        if not lines or [*sorted(lines)] != [*range(1, len(lines) + 1)]:
            return ""
        return "".join(f"{lines[number].removesuffix(LF)}{LF}" for number in sorted(lines))

    def excerpts(self, file: str, around: Iterable[int]) -> list[Excerpt]:
        """The parts of a file that are around these lines, in order."""
        lines = self._origin.lines(file)
        wanted = {n for line in around for n in range(line - AROUND, line + AROUND + 1)}
        pieces: list[tuple[int, list[str]]] = []
        for number in sorted(wanted & lines.keys()):
            if not pieces or number != pieces[-1][0] + len(pieces[-1][1]):
                pieces.append((number, []))
            pieces[-1][1].append(_safe(lines[number]))
        return [Excerpt(line=line, text="\n".join(texts)) for line, texts in pieces]

    def function_at(self, location: SourceLine) -> str:
        """The function that a line is in, such as "Net.call"; "" if that is none, or not known."""
        return self._origin.function_at(location)

    def ignored(self, location: SourceLine) -> Sequence[str]:
        """The codes of findings that a comment in a line's statement ignores; "" is all codes."""
        return self.ignored_in(location.file).get(location.line, ())

    def ignored_in(self, file: str) -> Mapping[int, Sequence[str]]:
        """The lines of a file that a comment is about, with the codes that it ignores."""
        if file not in self._ignored:
            self._ignored[file] = self._origin.ignored(file)
        return self._ignored[file]


def _safe(line: str) -> str:
    return wording.sanitize_long(line.rstrip().expandtabs(4), LONGEST_LINE)
