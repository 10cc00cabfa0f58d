"""What differs between two outlines of a build, as a unified diff shows it.

The numbers of layers that Keras named ("dense#2") do not count in themselves, only that one layer
stays one layer: a layer of the second outline is first called as its partner in the first one is.
"""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from itertools import groupby
from typing import TYPE_CHECKING

from buildtrace.comparison.alignment import matches, stretches
from buildtrace.traces import wording
from buildtrace.traces.normalize import NUMBER, NUMBERED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

CONTEXT = 1
"""So many lines are shown before and after what differs, besides the calls that it is inside of."""

LONGEST = 120
"""So many lines are shown; whoever made a new model does not read them all."""

REMOVED, ADDED, SAME = "- ", "+ ", "  "


def diff(before: Sequence[str], after: Sequence[str]) -> list[str]:
    """All lines of both, each with a sign before it; empty if they are the same."""
    after = _renumbered(before, after)
    if [*before] == after:
        return []
    lines: list[str] = []
    for same, ours, theirs in stretches(before, after):
        if same:
            lines += [SAME + line for line in before[slice(*ours)]]
        else:
            lines += [REMOVED + line for line in before[slice(*ours)]]
            lines += [ADDED + line for line in after[slice(*theirs)]]
    return lines


def differences(lines: Sequence[str]) -> int:
    """In how many places the outlines differ."""
    return sum(changed for changed, _ in groupby(lines, lambda line: not line.startswith(SAME)))


def shown(lines: Sequence[str]) -> list[str]:
    """What a reader needs of a diff. What is left out is counted: a line says how much it is."""
    wanted = _wanted(lines)
    excerpt: list[str] = []
    for is_wanted, group in groupby(enumerate(lines), lambda line: line[0] in wanted):
        texts = [text for _, text in group]
        if not is_wanted:
            indent = min(texts, key=_indent)
            texts = [
                f"{SAME}{' ' * _indent(indent)}… {wording.count(len(texts), 'line')} as expected"
            ]
        excerpt += texts
    if len(excerpt) > LONGEST:
        more = wording.count(len(excerpt) - LONGEST, "more line")
        excerpt[LONGEST:] = [f"{SAME}… and {more}"]
    return excerpt


def _wanted(lines: Sequence[str]) -> set[int]:
    """What differs, what stands beside it, and what it is inside of."""
    wanted: set[int] = set()
    for other in (ADDED, REMOVED):  # a line of one outline is inside of others of the same one
        around: list[int] = []
        for number, line in enumerate(lines):
            if line.startswith(other):
                continue
            while around and _indent(lines[around[-1]]) >= _indent(line):
                around.pop()
            if not line.startswith(SAME):
                wanted.update(around, range(number - CONTEXT, number + CONTEXT + 1))
            around.append(number)
    return wanted


def _indent(line: str) -> int:
    return len(line) - len(line[len(SAME) :].lstrip(" ")) - len(SAME)


def _renumbered(before: Sequence[str], after: Sequence[str]) -> list[str]:
    """The second outline, where each layer that Keras named has the name of its partner.

    Partners are those that most lines speak of which are alike. A layer without one has the name
    of a layer that is gone, or else a new one.
    """
    partners: dict[str, str] = {}
    taken: set[str] = set()
    for name, partner in _candidates(before, after):
        if name not in partners and partner not in taken:
            partners[name] = partner
            taken.add(partner)
    numbers: defaultdict[str, Iterator[int]] = defaultdict(lambda: itertools.count(1))
    for name in _names(after):
        if name not in partners:
            stem = name.partition("#")[0]
            free = (f"{stem}#{number}" for number in numbers[stem])
            partners[name] = next(name for name in free if name not in taken)
    return [NUMBERED.sub(lambda name: partners[name.group()], line) for line in after]


def _candidates(before: Sequence[str], after: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Layers of the second outline with those of the first, the best pairs first."""
    pairs: Counter[tuple[str, str]] = Counter()
    left, right = ([NUMBER.sub("", line) for line in outline] for outline in (before, after))
    for i, j in matches(left, right):
        pairs.update(zip(_names([after[j]]), _names([before[i]]), strict=False))
    for (name, partner), _ in pairs.most_common():
        if name.partition("#")[0] == partner.partition("#")[0]:
            yield name, partner


def _names(lines: Iterable[str]) -> Iterator[str]:
    """The names with a number in these lines."""
    return (name for line in lines for name in NUMBERED.findall(line))
