"""What differs between two trees of lines: what went, what came, and what reads differently.

Siblings are put side by side if all inside them is equal, else if they begin alike (the same
function on a layer of the same class); of those the insides are compared in turn. Numbers of
layers that Keras named ("dense#2") do not count in themselves, only that one layer stays one
layer: where a line speaks of another layer than the lines before would have it, it differs.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from buildtrace.branches import walk
from buildtrace.comparison.alignment import stretches
from buildtrace.traces.normalize import NUMBER, NUMBERED

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator, Sequence

    from buildtrace.branches import Branch

_CLASS = re.compile(r"\([^()\s]+\)$")


class Change:
    """Two branches that belong together, or one that has no partner.

    Attributes:
        before: the first tree's branch; `None` if it came.
        after: the second tree's; `None` if it went.
        differs: whether their own lines are not the same.
        inside: the changes inside of two branches that belong together; empty if there are none.
        lines: how many lines there are now (or were), all inside them included.
    """

    __slots__ = ("after", "before", "differs", "inside", "lines")

    def __init__(self, before: Branch | None, after: Branch | None, lines: int) -> None:
        """Of branches whose insides are still to be compared, if both are there."""
        self.before = before
        self.after = after
        self.differs = before is None or after is None
        self.inside: list[Change] = []
        self.lines = lines

    @property
    def branch(self) -> Branch:
        """What there is now, or else was."""
        branch = self.before if self.after is None else self.after
        assert branch is not None
        return branch


def compare(before: Sequence[Branch], after: Sequence[Branch]) -> list[Change]:
    """How `after` differs from `before`: what is equal is in it as well; empty if all is."""
    comparison = _Comparison((before, after))
    changes = comparison.pairs(before, after)
    for change in comparison.made:
        comparison.look_into(change)
    for change in reversed(comparison.made):  # inner ones first
        if not any(inner.differs or inner.inside for inner in change.inside):
            change.inside = []
    return changes if any(change.differs or change.inside for change in changes) else []


def differing(changes: Iterable[Change]) -> Iterator[Change]:
    """The changes whose own lines differ, in order."""
    stack = [*changes][::-1]
    while stack:
        change = stack.pop()
        if change.differs:
            yield change
        stack += reversed(change.inside)


class _Comparison:
    """One comparison of two trees.

    Attributes:
        made: the changes, outer ones first; grows while it is gone through.
    """

    def __init__(self, trees: Iterable[Sequence[Branch]]) -> None:
        """With all branches numbered: equal ones have equal numbers."""
        self.made: list[Change] = []
        self._number: dict[int, int] = {}
        self._lines: dict[int, int] = {}
        self._partner: dict[tuple[str, bool], str] = {}
        numbers: dict[Hashable, int] = {}
        for tree in trees:
            for _, branch in reversed([*walk(tree)]):  # inner ones first
                inside = [self._number[id(inner)] for inner in branch.inside]
                key = (NUMBER.sub("", branch.text), *inside)
                self._number[id(branch)] = numbers.setdefault(key, len(numbers))
                self._lines[id(branch)] = 1 + sum(self._lines[id(i)] for i in branch.inside)

    def pairs(self, before: Sequence[Branch], after: Sequence[Branch]) -> list[Change]:
        """These siblings side by side, as far as they have partners."""
        found: list[Change] = []
        numbers = [[self._number[id(branch)] for branch in side] for side in (before, after)]
        for same, a, b in stretches(*numbers):
            left, right = before[slice(*a)], after[slice(*b)]
            if same:
                found += map(self._change, left, right)
                continue
            heads = [[_head(branch.text) for branch in side] for side in (left, right)]
            for alike, c, d in stretches(*heads):
                ours, theirs = left[slice(*c)], right[slice(*d)]
                if alike:
                    found += map(self._change, ours, theirs)
                else:
                    found += [self._change(branch, None) for branch in ours]
                    found += [self._change(None, branch) for branch in theirs]
        self.made += found
        return found

    def _change(self, before: Branch | None, after: Branch | None) -> Change:
        return Change(before, after, self._lines[id(before if after is None else after)])

    def look_into(self, change: Change) -> None:
        """Compare two branches that belong together."""
        before, after = change.before, change.after
        if before is None or after is None:
            return
        equal = self._number[id(before)] == self._number[id(after)]
        if equal and self._same_layers(*([b.text for _, b in walk([x])] for x in (before, after))):
            return
        texts = [before.text], [after.text]
        change.differs = not self._same_layers(*texts) or NUMBER.sub("", before.text) != (
            NUMBER.sub("", after.text)
        )
        change.inside = self.pairs(before.inside, after.inside)

    def _same_layers(self, before: Sequence[str], after: Sequence[str]) -> bool:
        """Whether these lines speak of the same layers; those not met yet are, from now on."""
        met: dict[tuple[str, bool], str] = {}
        for line, other in zip(before, after, strict=True):
            names, others = NUMBERED.findall(line), NUMBERED.findall(other)
            if len(names) != len(others):
                continue  # the lines differ anyway, or one name needed no number
            for a, b in zip(names, others, strict=True):
                for key, partner in (((a, True), b), ((b, False), a)):
                    if self._partner.get(key, met.setdefault(key, partner)) != partner:
                        return False
        self._partner |= met
        return True


def _head(text: str) -> str:
    """What two lines must share to belong together: the function, and the layer's class."""
    name, _, rest = NUMBER.sub("", text).partition("  ")
    of = _CLASS.search(rest.partition("  ")[0])
    return f"{name} {of.group()}" if of else name
