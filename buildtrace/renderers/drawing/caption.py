"""The words of pictures: as in the terminal, but short enough for a box."""

from __future__ import annotations

from buildtrace.renderers.text.format import clean

NAME_LENGTH = 40
"""A longer name loses its middle in a box; its tooltip has more of it."""

END = 14

TIMES = "\N{MULTIPLICATION SIGN}"


def short(text: str) -> str:
    """A name that fits a box, on one line, with nothing invisible in it."""
    if len(text) > NAME_LENGTH:
        text = f"{text[: NAME_LENGTH - END - 1]}…{text[-END:]}"
    return clean(text)


def joined(*words: str) -> str:
    """The words that are not empty, with a dot between them."""
    return " · ".join(word for word in words if word)
