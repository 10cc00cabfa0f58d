"""Python code in color: which kind each piece is of, and what that looks like in a terminal."""

from __future__ import annotations

import re
import textwrap
from functools import cache
from typing import TYPE_CHECKING

from buildtrace.renderers.text.lines import Line, Part, cut, size, width_of
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterator

Piece = tuple[str, str]
"""Kind, or "" for what has none, and text."""

KINDS = {
    ("Comment",): "comment",
    ("Keyword",): "keyword",
    ("Operator", "Word"): "keyword",
    ("Literal", "String"): "string",
    ("Literal", "Number"): "number",
    ("Name", "Function"): "name",
    ("Name", "Class"): "name",
    ("Name", "Decorator"): "decorator",
    ("Name", "Builtin"): "builtin",
    ("Name", "Exception"): "exception",
}
"""What Pygments' tokens, and those below them, are called here."""

# Pygments' own themes are made for one background; these colors are the terminal's.
STYLES = {
    "comment": "dim italic",
    "keyword": "magenta",
    "string": "green",
    "number": "cyan",
    "name": "bold bright_blue",
    "decorator": "yellow",
    "builtin": "cyan",
    "exception": "red",
}


HANGING = 4
"""A line of code that goes on below goes on so far to the right of its beginning."""

SHORTEST = 4
"""Of a line that is broken, so many characters go on below at least."""

_BREAKS = re.compile(r"[ ,(\[]+|(?=\.\w)")
"""A line of code may end behind these signs, and before a dot."""


def highlighted(code: str) -> list[list[Piece]]:
    """Each line of the code as pieces, whose texts are safe to show."""
    from pygments.lexers.python import PythonLexer

    lines: list[list[Piece]] = [[]]
    lexer = PythonLexer(ensurenl=False, stripnl=False)
    for token, text in lexer.get_tokens(textwrap.dedent(code.expandtabs(4)).rstrip()):
        for number, piece in enumerate(text.split("\n")):
            if number:
                lines.append([])
            if piece:
                lines[-1].append((_kind(tuple(token)), wording.sanitize_long(piece)))
    return lines


@cache
def _kind(token: tuple[str, ...]) -> str:
    kinds = [kind for prefix, kind in KINDS.items() if token[: len(prefix)] == prefix]
    return kinds[0] if kinds else ""


def lines(code: str, indent: int = 0) -> Iterator[Line]:
    """The code's lines, as they are: never wrapped, so that they can be copied."""
    for pieces in highlighted(code):
        yield [Part(" " * indent), *_parts(pieces)] if pieces else []


def fitted(code: str, width: int, margin: Line) -> Iterator[Line]:
    """The code's lines behind a margin, none of them wider than `width`.

    A comment that does not fit behind its code stands above it, on as many lines as it needs.
    Code that is too long goes on below.
    """
    room = max(width - width_of(margin), 20)
    for pieces in highlighted(code):
        comment = ""
        if width_of(_parts(pieces)) > room and pieces[-1][0] == "comment":
            *pieces, (_, comment) = pieces
        text = "".join(text for _, text in pieces)
        indent = " " * min(len(text) - len(text.lstrip()), room // 2)
        for line in textwrap.wrap(comment.lstrip("# "), room - len(f"{indent}# ")):
            yield [*margin, Part(f"{indent}# {line}", STYLES["comment"])]
        if text.strip() or not comment:
            yield from ([*margin, *line] for line in _folded(_stripped(pieces), room))


def _stripped(pieces: list[Piece]) -> list[Piece]:
    """The pieces without blanks at their end."""
    while pieces and not pieces[-1][1].strip():
        pieces = pieces[:-1]
    return pieces


def numbered(code: str, first: int, width: int, hidden: range) -> Iterator[Line]:
    """The code's lines behind their numbers, none of them wider than `width`.

    Args:
        code: the code.
        first: the number of its first line.
        width: so many columns there are.
        hidden: places of lines to leave out; a line in their place says how many.
    """
    lines = highlighted(code)
    digits = len(str(first + len(lines) - 1))
    blank = Part(" " * (digits + 3))
    room = max(width - digits - 3, 20)
    for place, pieces in enumerate(lines):
        margin = Part(f"  {first + place:>{digits}} ", "dim")
        if place in hidden:
            if place == hidden.start:
                indent = " " * _indent(lines[place - 1], room)
                more = f"… {len(hidden)} more lines of the docstring; --full shows all"
                yield cut([blank, Part(indent + more, "dim")], width)
            continue
        for number, line in enumerate(_folded(_stripped(pieces), room)):
            yield [blank if number else margin, *line]


def _indent(pieces: list[Piece], room: int) -> int:
    """How far to the right a line of code begins; half the room at most."""
    text = "".join(text for _, text in pieces)
    return min(len(text) - len(text.lstrip()), room // 2)


def _folded(pieces: list[Piece], room: int) -> Iterator[Line]:
    """A line of code as lines of at most `room` columns; what goes on is indented more."""
    text = "".join(text for _, text in pieces)
    hanging = _indent(pieces, room) + HANGING
    start, before = 0, Part("")
    while size(text[start:]) > room - len(before.text):
        end = start + _taken(text[start:], room - len(before.text), hanging)
        yield [before, *_parts(_between(pieces, start, end))]
        start = end + len(text[end:]) - len(text[end:].lstrip())
        before = Part(" " * hanging)
    yield [before, *_parts(_between(pieces, start, len(text)))]


def _taken(text: str, room: int, least: int) -> int:
    """How many characters of a text stay on a line of so many columns, of a longer one.

    The line is broken where one would break it by hand, unless that would leave less than `least`
    on it, or next to nothing for the one below.
    """
    fits = min(len(text), room)
    while size(text[:fits]) > room:
        fits -= 1
    last = min(fits, len(text) - SHORTEST)
    places = [m.end() for m in _BREAKS.finditer(text[: last + 1]) if least < m.end() <= last]
    return places[-1] if places else fits


def _between(pieces: list[Piece], start: int, end: int) -> list[Piece]:
    """The pieces from one character to another, without blanks at their end."""
    cut: list[Piece] = []
    at = 0
    for kind, text in pieces:
        part = text[max(start - at, 0) : max(end - at, 0)]
        cut += [(kind, part)] if part else []
        at += len(text)
    return _stripped(cut)


def _parts(pieces: list[Piece]) -> Line:
    return [Part(text, STYLES.get(kind, "")) for kind, text in pieces]
