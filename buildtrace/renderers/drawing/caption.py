"""The words of pictures: as in the terminal, but short enough for a box."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

NAME_LENGTH = 40
"""A longer name loses its middle in a box; its tooltip has more of it."""

END = 14

MOST_ROWS = 14
"""A box of more rows leaves out the middle."""

TIMES = "\N{MULTIPLICATION SIGN}"


def short(text: str) -> str:
    """A name that fits a box, on one line, with nothing invisible in it."""
    if len(text) > NAME_LENGTH:
        text = f"{text[: NAME_LENGTH - END - 1]}…{text[-END:]}"
    return wording.sanitize(text)


def joined(*words: str) -> str:
    """The words that are not empty, with a dot between them."""
    return " · ".join(word for word in words if word)


def common_name(names: Sequence[str]) -> str:
    """What all names begin with, cut at a separator; "" if that is nothing."""
    first, last = min(names, default=""), max(names, default="")
    if first == last:
        return first
    same = first[: next((i for i, c in enumerate(first) if last[i : i + 1] != c), None)]
    return same[: max(same.rfind("_"), same.rfind("/"), same.rfind("."), 0)]


def without_middle(rows: list[str], gap: Callable[[str], str] = str) -> list[str]:
    """The rows of a box as they are shown; of too many, those at both ends.

    Args:
        rows: each as it is written down.
        gap: writes down the row that says how many are left out.
    """
    left = len(rows) - MOST_ROWS
    if left <= 1:
        return rows
    half = MOST_ROWS // 2
    return [*rows[:half], gap(f"… {left} more layers …"), *rows[half + left :]]
