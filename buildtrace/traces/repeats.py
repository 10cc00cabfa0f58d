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
    runs = []
    following = _next_equal(tokens)
    place = 0
    while place < len(tokens):
        run = _best_repeat(tokens, following, place)
        if run is not None and run.repeats == 2:
            inner = find_repeats(tokens[place : place + run.length])
            if inner:
                place += inner[0].start
                run = _best_repeat(tokens, following, place, longest=inner[0].length)
        if run is None:
            place += 1
        else:
            runs.append(run)
            place = run.end
    return runs


def find_stretches(tokens: Sequence[Hashable]) -> list[tuple[int, int]]:
    """The stretches of tokens that came before in the same order: (start, end) of each."""
    stretches: list[tuple[int, int]] = []
    first: dict[tuple[Hashable, ...], int] = {}
    place = 0
    while place + STRETCH <= len(tokens):
        earlier = first.setdefault(tuple(tokens[place : place + STRETCH]), place)
        if earlier == place:
            place += 1
            continue
        end = place + STRETCH
        while end < len(tokens) and tokens[end] == tokens[earlier + end - place]:
            end += 1
        if stretches and stretches[-1][1] == place:
            stretches[-1] = (stretches[-1][0], end)
        else:
            stretches.append((place, end))
        place = end
    return stretches


def _next_equal(tokens: Sequence[Hashable]) -> list[int]:
    """For each place the next one with an equal token, or 0 if there is none."""
    following = [0] * len(tokens)
    seen: dict[Hashable, int] = {}
    for place in range(len(tokens) - 1, -1, -1):
        following[place] = seen.get(tokens[place], 0)
        seen[tokens[place]] = place
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
        run = Repeat(start, length, repeats)
        worth = repeats >= 3 or (repeats == 2 and length >= 4)
        if worth and (best is None or run.end > best.end):
            best = run
        other = following[other]
    return best
