"""What two sequences have in common, in order: patience diff, and LCS where that finds nothing.

Common ends are taken off first. What is there once on each side is an anchor; of the anchors, the
longest row that is in order on both sides stays, and the gaps between them are looked at in the
same way. A gap without an anchor is left to the longest common subsequence if it is small. So
equal sequences take linear time, and those with few differences hardly more.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence

MOST_CELLS = 250_000
"""A gap without anchors is searched by LCS if the product of its sizes is not above this."""

Match = tuple[int, int]
"""An index on the left, and that of its partner on the right."""


def matches(left: Sequence[Hashable], right: Sequence[Hashable]) -> list[Match]:
    """The indexes that belong together, growing on both sides."""
    pairs: list[Match] = []
    waiting = [(0, len(left), 0, len(right))]
    while waiting:
        a, b, c, d = waiting.pop()
        while a < b and c < d and left[a] == right[c]:
            pairs.append((a, c))
            a, c = a + 1, c + 1
        while a < b and c < d and left[b - 1] == right[d - 1]:
            b, d = b - 1, d - 1
            pairs.append((b, d))
        if a == b or c == d:
            continue
        anchors = _anchors(left[a:b], right[c:d])
        if anchors:
            ends = [(a + i, c + j) for i, j in anchors]
            pairs += ends
            starts = [(a - 1, c - 1), *ends]
            waiting += [
                (i + 1, k, j + 1, m) for (i, j), (k, m) in zip(starts, [*ends, (b, d)], strict=True)
            ]
        else:
            pairs += [(a + i, c + j) for i, j in _common(left[a:b], right[c:d])]
    return sorted(pairs)


def stretches(
    left: Sequence[Hashable], right: Sequence[Hashable]
) -> Iterator[tuple[bool, Match, Match]]:
    """Both sequences in stretches, from left to right: whether they are equal, and from where to
    where on each side.
    """  # noqa: D205 - one sentence
    a = c = start = 0
    pairs = matches(left, right)
    for number, (i, j) in enumerate([*pairs, (len(left), len(right))]):
        if (i, j) == (a, c) and number < len(pairs):
            a, c = i + 1, j + 1
            continue
        if number > start:
            yield True, (a - (number - start), a), (c - (number - start), c)
        if (i, j) != (a, c):
            yield False, (a, i), (c, j)
        start, a, c = number, i + 1, j + 1


def in_order(pairs: Sequence[Match]) -> list[Match]:
    """The longest row of these pairs, sorted by their left, that grows on the right as well."""
    ends: list[int] = []
    last: list[int] = []
    before: list[int] = []
    for number, (_, j) in enumerate(pairs):
        length = bisect_left(ends, j)
        ends[length:] = [j, *ends[length + 1 :]] if length < len(ends) else [j]
        last[length : length + 1] = [number]
        before.append(last[length - 1] if length else -1)
    row = []
    number = last[-1] if last else -1
    while number >= 0:
        row.append(pairs[number])
        number = before[number]
    return row[::-1]


def out_of_order(before: Sequence[Hashable], after: Sequence[Hashable]) -> list[Match]:
    """Of the same elements in two orders, the few that moved: their indexes before and after."""
    index_before = {element: i for i, element in enumerate(before)}
    pairs = [(j, index_before[element]) for j, element in enumerate(after)]
    kept = set(in_order(pairs))
    return [(i, j) for j, i in pairs if (j, i) not in kept]


def _anchors(left: Sequence[Hashable], right: Sequence[Hashable]) -> list[Match]:
    """What can only be one another's partner: found once on each side, or as often on both."""
    counts, others = Counter(left), Counter(right)
    pairs = _paired(left, right, {t for t, n in counts.items() if n == others[t] == 1})
    if not pairs and len(left) * len(right) > MOST_CELLS:
        pairs = _paired(left, right, {t for t, n in counts.items() if n == others[t]})
    return in_order(pairs)


def _paired(
    left: Sequence[Hashable], right: Sequence[Hashable], tokens: set[Hashable]
) -> list[Match]:
    """The indexes of these tokens, the first on the left with the first on the right and so on."""
    indexes: dict[Hashable, list[int]] = {}
    for j in range(len(right) - 1, -1, -1):
        if right[j] in tokens:
            indexes.setdefault(right[j], []).append(j)
    return [(i, indexes[token].pop()) for i, token in enumerate(left) if token in tokens]


def _common(left: Sequence[Hashable], right: Sequence[Hashable]) -> list[Match]:
    """A longest common subsequence; of what is too big for that, what greed finds."""
    if len(left) * len(right) > MOST_CELLS:
        return _greedy(left, right)
    rows = [[0] * (len(right) + 1)]
    for token in reversed(left):
        below, row = rows[-1], [0] * (len(right) + 1)
        for j in range(len(right) - 1, -1, -1):
            row[j] = below[j + 1] + 1 if token == right[j] else max(below[j], row[j + 1])
        rows.append(row)
    rows.reverse()
    pairs, i, j = [], 0, 0
    while i < len(left) and j < len(right):
        if left[i] == right[j]:
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif rows[i + 1][j] >= rows[i][j + 1]:
            i += 1
        else:
            j += 1
    return pairs


def _greedy(left: Sequence[Hashable], right: Sequence[Hashable]) -> list[Match]:
    """Each of the left with the next equal one of the right, and of such pairs a row in order."""
    indexes: dict[Hashable, list[int]] = {}
    for j in range(len(right) - 1, -1, -1):
        indexes.setdefault(right[j], []).append(j)
    pairs = [(i, indexes[token].pop()) for i, token in enumerate(left) if indexes.get(token)]
    return in_order(pairs)
