"""The words of pictures: as in the terminal, but short enough for a box."""

from __future__ import annotations

from buildtrace.renderers.format import clean

NAME_LENGTH = 40
"""A longer name is cut in a box; its tooltip has more of it."""


def short(text: str) -> str:
    """A name that fits a box, on one line, with nothing invisible in it."""
    shown = clean(text[: NAME_LENGTH + 1])
    return shown if len(shown) <= NAME_LENGTH else shown[: NAME_LENGTH - 1] + "…"


def joined(*words: str) -> str:
    """The words that are not empty, with a dot between them."""
    return " · ".join(word for word in words if word)
