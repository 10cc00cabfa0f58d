"""Lines of colored parts, made one by one and cut to the terminal's width.

rich's own Tree and Table hold everything in memory and measure every cell, which takes
seconds for a big trace. A view here is a function that yields lines; names in it are plain
strings all the way, so nothing that a user called a layer can become markup.
"""

from __future__ import annotations

import textwrap
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from rich.console import Console, ConsoleOptions, RenderableType, RenderResult

WIDEST = 140
"""In a wider terminal the eye would lose the line."""

CHUNK = 2_000
"""So many lines are handed to the terminal at once."""

_ASCII = str.maketrans(
    dict(zip("├└│─┴╯╰┤┼●○◆→…·µ✗×", "|`|-+'`|+*o#>~-uxx", strict=True))  # noqa: RUF001
)
"""One character for each, so that all stays in its column where the terminal knows no more."""


NEW_LINE = Segment.line()


class Part(NamedTuple):
    """A piece of a line."""

    text: str
    style: str = ""
    link: str = ""


Line = list[Part]


class Lines:
    """A renderable that makes its lines for the width it is given."""

    def __init__(self, make: Callable[[int], Iterable[Line | RenderableType]]) -> None:
        """`make` yields lines, or anything that rich can print, for a given width."""
        self.make = make

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """All lines as rich's segments."""
        encoding = options.encoding if options.ascii_only else None
        for line in self.make(min(options.max_width, WIDEST)):
            if isinstance(line, list):
                yield from _segments(line, encoding)
            else:
                yield line

    def stream(self, console: Console) -> None:
        """Print the lines as they are made; a long output is never in memory as a whole."""
        lines = iter(self.make(min(console.width, WIDEST)))
        while chunk := list(islice(lines, CHUNK)):
            console.print(
                Lines(lambda _, chunk=chunk: chunk),  # type: ignore[misc]
                end="",
                crop=False,
            )


def _segments(line: Line, encoding: str | None) -> Iterator[Segment]:
    """A line's segments; `encoding` is that of a terminal that does not know all characters."""
    for text, style, link in line:
        if encoding is not None:
            text = text.translate(_ASCII)
            text = text.encode(encoding, "backslashreplace").decode(encoding)
        yield Segment(text, _style(style, link) if style or link else None)
    yield NEW_LINE


@lru_cache(maxsize=4096)
def _style(style: str, link: str) -> Style:
    return Style.parse(style) + Style(link=link) if link else Style.parse(style)


def size(text: str) -> int:
    """How many columns `text` takes."""
    return len(text) if text.isascii() else cell_len(text)


def width_of(line: Iterable[Part]) -> int:
    """How many columns a line takes."""
    width = 0
    for text, _, _ in line:
        width += len(text) if text.isascii() else cell_len(text)
    return width


def shorten(text: str, width: int) -> str:
    """`text`, or as much of its beginning as fits with an ellipsis."""
    if size(text) <= width:
        return text
    return set_cell_size(text, width - 1).rstrip() + "…" if width > 0 else ""


def cut(line: Iterable[Part], width: int) -> Line:
    """A line cut to `width`, with an ellipsis where it was cut."""
    found: Line = []
    for part in line:
        room = width
        width -= size(part.text)
        if width < 0:
            found.append(part._replace(text=shorten(part.text, room)))
            break
        found.append(part)
    return found


def cut_start(line: Line, width: int) -> Line:
    """A line of which the end is kept, with an ellipsis where its beginning was cut."""
    found: Line = []
    room = width if width_of(line) <= width else width - 1
    for part in reversed(line):
        text = part.text
        while size(text) > room:
            text = text[1:]
        found.append(part._replace(text=text))
        room -= size(text)
    if width_of(found) < width_of(line):
        found.append(Part("…"))
    return found[::-1]


def spread(left: Line, right: Line, width: int) -> Line:
    """A line with `left` at its left end and `right` at its right end; `left` gives way."""
    room = width - width_of(right) - 2 if right else width
    left = cut(left, room)
    if not right:
        return left
    return [*left, Part(" " * (room - width_of(left) + 2)), *right]


def wrapped(text: str, width: int, first: Line, rest: Line, style: str = "") -> Iterator[Line]:
    """A paragraph: its first line begins with `first`, the others with `rest`."""
    room = max(width - max(width_of(first), width_of(rest)), 20)
    for number, line in enumerate(textwrap.wrap(text, room) or [""]):
        yield [*(rest if number else first), Part(line, style)]


def flowing(sentences: Iterable[Part], width: int, first: Line, rest: Line) -> Iterator[Line]:
    """A paragraph of parts; only plain parts are broken between words, the others stay whole."""
    room = max(width - max(width_of(first), width_of(rest)), 20)
    line, used = list(first), 0
    for word in _words(sentences):
        word = cut(word, room)
        if used and used + 1 + width_of(word) > room:
            yield line
            line, used = list(rest), 0
        if used:
            line.append(Part(" "))
        line += word
        used += width_of(word) + (1 if used else 0)
    yield line


def _words(parts: Iterable[Part]) -> Iterator[Line]:
    """What stands between the spaces of the plain parts."""
    word: Line = []
    for part in parts:
        if part.style:
            word.append(part)
            continue
        for number, piece in enumerate(part.text.split(" ")):
            if number and word:
                yield word
                word = []
            if piece:
                word.append(part._replace(text=piece))
    if word:
        yield word
