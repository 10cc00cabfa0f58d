"""Which members of a long list are left out, so that a person can read the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from buildtrace.traces.repeats import find_repeats, find_stretches

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

LAST = 5
"""So many of the last members are kept where a list is cut in the middle."""


class Limits(NamedTuple):
    """How long a list may be.

    Attributes:
        few: so many members are all shown.
        many: if more are left without runs, what is like something further up goes, too.
        most: if even then more are left, the middle goes, whatever it is.
    """

    few: int
    many: int
    most: int


class Gap(NamedTuple):
    """Members that are left out.

    Attributes:
        start: the place of the first.
        end: the place after the last.
        like: which members they are like, in words; "" if they are like no others.
    """

    start: int
    end: int
    like: str

    @property
    def text(self) -> str:
        """What stands in their place."""
        more = f"… and {self.end - self.start:,} more"
        return f"{more} like {self.like}" if self.like else more


def gaps(kinds: Sequence[Hashable], limits: Limits) -> list[Gap]:
    """What is left out of a list, in order; what is left is at most `limits.most` members.

    Args:
        kinds: for each member something that is equal for members that are alike.
        limits: how long the list may be.
    """
    if len(kinds) <= limits.few:
        return []
    runs = _runs(kinds, 0)
    if _left(kinds, runs) > limits.many:
        stretches = [Gap(start, end, "those above") for start, end in find_stretches(kinds)]
        runs = min(runs, stretches, key=lambda gaps: _left(kinds, gaps))
    return _without_middle(runs, len(kinds), limits.most)


def _left(kinds: Sequence[Hashable], gaps: list[Gap]) -> int:
    return len(kinds) - sum(gap.end - gap.start for gap in gaps)


def _runs(kinds: Sequence[Hashable], offset: int) -> list[Gap]:
    """A gap for each run of alike blocks; the first block stays, but for the runs in it."""
    gaps = []
    for run in find_repeats(kinds):
        block = run.start + run.length
        # Its last member stays in any case, or two gaps would be next to each other.
        gaps += _runs(kinds[run.start : block - 1], offset + run.start)
        like = f"the last {run.length}" if run.length > 1 else "it"
        gaps.append(Gap(offset + block, offset + run.end, like))
    return gaps


def _without_middle(gaps: list[Gap], number: int, most: int) -> list[Gap]:
    """The gaps, and one in the middle if more than `most` of `number` members are left."""
    hidden = {index for gap in gaps for index in range(gap.start, gap.end)}
    left = [index for index in range(number) if index not in hidden]
    if len(left) <= most:
        return gaps
    start, end = left[most - LAST], left[-LAST]
    # A gap just before this one becomes a part of it.
    start = next((gap.start for gap in gaps if gap.end == start), start)
    before = [gap for gap in gaps if gap.end < start]
    return [*before, Gap(start, end, ""), *(gap for gap in gaps if gap.start >= end)]
