"""What comes again in a sequence: the search behind folding, which knows nothing of traces."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

STRETCH = 8
"""So many siblings in a row must be like earlier ones to be folded for that."""

LONGEST_BLOCK = 120
"""A repeated block may have so many siblings; looking further would make folding slow."""

MOST_CANDIDATES = 12
"""So many possible lengths of a block are tried at one place, for the same reason."""


class Repeat(NamedTuple):
    """A block of `length` neighbors from `start` on that comes `repeats` times in a row."""

    start: int
    length: int
    repeats: int

    @property
    def end(self) -> int:
        """The place after the run."""
        return self.start + self.length * self.repeats


def find_repeats(tokens: Sequence[Hashable]) -> list[Repeat]:
    """The blocks in `tokens` that come several times in a row, from left to right.

    A block is worth a run if it comes three times, or twice and has four members. Twice is
    not worth it where a shorter block in it is a run: of "a b x x x a b x x x x", nobody would
    say that "a b x x x" comes twice.
    """
    repeats = []
    following = _next_equal(tokens)
    position = 0
    while position < len(tokens):
        repeat = _best_repeat(tokens, following, position)
        if repeat is not None and repeat.repeats == 2:
            inner = find_repeats(tokens[position : position + repeat.length])
            if inner:
                position += inner[0].start
                repeat = _best_repeat(tokens, following, position, longest=inner[0].length)
        if repeat is None:
            position += 1
        else:
            repeats.append(repeat)
            position = repeat.end
    return repeats


def find_stretches(tokens: Sequence[Hashable]) -> list[tuple[int, int]]:
    """The stretches of tokens that came before in the same order: (start, end) of each."""
    stretches: list[tuple[int, int]] = []
    first: dict[tuple[Hashable, ...], int] = {}
    start = 0
    while start + STRETCH <= len(tokens):
        earlier = first.setdefault(tuple(tokens[start : start + STRETCH]), start)
        if earlier == start:
            start += 1
            continue
        end = start + STRETCH
        while end < len(tokens) and tokens[end] == tokens[earlier + end - start]:
            end += 1
        if stretches and stretches[-1][1] == start:
            stretches[-1] = (stretches[-1][0], end)
        else:
            stretches.append((start, end))
        start = end
    return stretches


def _next_equal(tokens: Sequence[Hashable]) -> list[int]:
    """For each place the next one with an equal token, or 0 if there is none."""
    following = [0] * len(tokens)
    seen: dict[Hashable, int] = {}
    for position in range(len(tokens) - 1, -1, -1):
        following[position] = seen.get(tokens[position], 0)
        seen[tokens[position]] = position
    return following


def _best_repeat(
    tokens: Sequence[Hashable], following: list[int], start: int, longest: int = LONGEST_BLOCK
) -> Repeat | None:
    """The run from `start` on that covers most, the shortest block among equals."""
    best: Repeat | None = None
    other = following[start]
    for _ in range(MOST_CANDIDATES):
        length = other - start
        if other == 0 or length > longest:
            break
        block = tokens[start:other]
        repeats = 1
        while tokens[start + repeats * length : start + (repeats + 1) * length] == block:
            repeats += 1
        repeat = Repeat(start, length, repeats)
        worth = repeats >= 3 or (repeats == 2 and length >= 4)
        if worth and (best is None or repeat.end > best.end):
            best = repeat
        other = following[other]
    return best
