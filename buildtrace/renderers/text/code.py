"""Python code in color: which kind each piece is of, and what that looks like in a terminal."""

from __future__ import annotations

import textwrap
from functools import cache
from typing import TYPE_CHECKING

from buildtrace.renderers.text.lines import Line, Part, size, width_of
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.syntax import ANSISyntaxTheme

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


@cache
def theme() -> ANSISyntaxTheme:
    """The colors of code, for rich."""
    from rich.style import Style
    from rich.syntax import ANSISyntaxTheme

    return ANSISyntaxTheme({token: Style.parse(STYLES[kind]) for token, kind in KINDS.items()})


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


def _folded(pieces: list[Piece], room: int) -> Iterator[Line]:
    """A line of code as lines of at most `room` columns."""
    line: list[Piece] = []
    left = room
    for kind, text in pieces:
        while size(text) > left:
            taken = min(len(text), left)
            while size(text[:taken]) > left:
                taken -= 1
            yield _parts([*line, (kind, text[:taken])])
            line, left, text = [], room, text[taken:]
        line.append((kind, text))
        left -= size(text)
    yield _parts(line)


def _parts(pieces: list[Piece]) -> Line:
    return [Part(text, STYLES.get(kind, "")) for kind, text in pieces]
