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
from rich.console import COLOR_SYSTEMS
from rich.segment import Segment, Segments
from rich.style import Style

from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from rich.color import ColorSystem
    from rich.console import Console, ConsoleOptions, RenderableType, RenderResult

WIDEST = 140
"""In a wider terminal the eye would lose the line."""

FIRST, CHUNK = 100, 2_000
"""So many lines are handed to the terminal at once: a screenful first, to be seen early."""

_ASCII = str.maketrans(
    dict(zip("├└│─┴╯╰┤┼●○◆→…·µ✗×⋯≠≈↓↑", "|`|-+'`|+*o#>~-uxx~!~v^", strict=True))  # noqa: RUF001
)
"""One character for each, so that all stays in its column where the terminal knows no more."""


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
        encoding = _short_of(options.encoding)
        for line in self.make(min(options.max_width, WIDEST)):
            if isinstance(line, list):
                for text, style, link in line:
                    yield Segment(_shown(text, encoding), _style(style, link))
                yield Segment.line()
            else:
                yield line

    def stream(self, console: Console) -> None:
        """Print the lines as they are made; a long output is never in memory as a whole."""
        lines = iter(self.make(min(console.width, WIDEST)))
        # Most consoles want no more than text with its codes, and for each segment that it is
        # given, rich takes longer than we for half a line.
        plain = not (
            console.record or console.is_jupyter or console.legacy_windows or console.no_color
        )
        codes = _Codes(COLOR_SYSTEMS.get(console.color_system or ""))
        number = FIRST
        while chunk := list(islice(lines, number)):
            if plain:
                for item in _written(chunk, codes, _short_of(console.encoding)):
                    console.print(item, end="", crop=False)
            else:
                console.print(Lines(lambda _, chunk=chunk: chunk), end="", crop=False)  # type: ignore[misc]
            number = CHUNK


def _written(
    lines: Iterable[Line | RenderableType], codes: _Codes, encoding: str | None
) -> Iterator[RenderableType]:
    """The lines in as few pieces as can be, with the codes for their styles in the text."""
    written: list[str] = []
    for line in lines:
        if isinstance(line, list):
            for text, style, link in line:
                if text:
                    before, after = codes[style, link]
                    written += (before, _shown(text, encoding), after)
            written.append("\n")
        else:
            yield Segments([Segment("".join(written))])
            written = []
            yield line
    yield Segments([Segment("".join(written))])


class _Codes(dict[tuple[str, str], tuple[str, str]]):
    """What a terminal is sent before and after a text, by style and link."""

    def __init__(self, colors: ColorSystem | None) -> None:
        super().__init__()
        self.colors = colors

    def __missing__(self, key: tuple[str, str]) -> tuple[str, str]:
        before, _, after = _style(*key).render("\0", color_system=self.colors).partition("\0")
        self[key] = before, after
        return before, after


def _short_of(encoding: str) -> str | None:
    """The encoding if it does not have all characters."""
    return None if encoding.startswith("utf") else encoding


def _shown(text: str, encoding: str | None) -> str:
    """The text for a terminal that knows the characters of this encoding, and obeys some others."""
    if not text.isprintable():
        text = wording.visible(text)
    if encoding is None:
        return text
    return text.translate(_ASCII).encode(encoding, "backslashreplace").decode(encoding)


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
    kept: Line = []
    for part in line:
        room = width
        width -= size(part.text)
        if width < 0:
            kept.append(part._replace(text=shorten(part.text, room)))
            break
        kept.append(part)
    return kept


def cut_start(line: Line, width: int) -> Line:
    """A line of which the end is kept, with an ellipsis where its beginning was cut."""
    kept: Line = []
    room = width if width_of(line) <= width else width - 1
    for part in reversed(line):
        text = part.text
        while size(text) > room:
            text = text[1:]
        kept.append(part._replace(text=text))
        room -= size(text)
    if width_of(kept) < width_of(line):
        kept.append(Part("…"))
    return kept[::-1]


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
