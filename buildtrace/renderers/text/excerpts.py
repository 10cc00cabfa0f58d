"""Lines of the user's code, as a debugger would show them: a few around the one that is meant."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from buildtrace.traces.schema import SourceLine
    from buildtrace.traces.source_code import SourceCode

BEFORE, AFTER = 2, 1
"""So many lines are shown before the one that is meant, and after it."""


class CodeLine(NamedTuple):
    """A line of code with its number, and whether it is the one that is meant."""

    number: int
    text: str
    meant: bool


def around(source_code: SourceCode, location: SourceLine) -> list[CodeLine]:
    """The line with those around it, as far to the left as they go; none if it is not known."""
    texts = source_code.around(location, BEFORE, AFTER)
    indent = min((len(text) - len(text.lstrip()) for text in texts.values() if text), default=0)
    lines = [
        CodeLine(number, text[indent:], number == location.line) for number, text in texts.items()
    ]
    while lines and not lines[0].text and not lines[0].meant:
        del lines[0]
    while lines and not lines[-1].text and not lines[-1].meant:
        del lines[-1]
    return lines
