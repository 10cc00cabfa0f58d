"""The difference between two trees, as one tree: "-" before what went, "+" before what came."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.branches import walk
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from buildtrace.difference import Change

LONGEST = 120
"""So many lines are shown; whoever made a new model does not read them all."""

WENT, CAME, SAME = "- ", "+ ", "  "


def lines(changes: Sequence[Change]) -> list[str]:
    """The tree. What is the same is left out, and a line says how much that is."""
    found = [*_lines(changes)]
    if len(found) > LONGEST:
        more = wording.count(len(found) - LONGEST, "more line")
        found[LONGEST:] = [f"{SAME}… and {more}"]
    return found


def _lines(changes: Sequence[Change]) -> Iterator[str]:
    stack = [*reversed(_items(changes, "", root=True))]
    while stack:
        item, guide, below = stack.pop()
        if isinstance(item, int):
            yield f"{SAME}{guide}… {wording.count(item, 'line')} as expected"
            continue
        if item.before is None or item.after is None:
            yield from _one_sided(item, guide, below)
            continue
        if item.differs:
            yield f"{WENT}{guide}{item.before.text}"
            yield f"{CAME}{guide}{item.after.text}"
        else:
            yield f"{SAME}{guide}{item.after.text}"
        inside = item.inside
        if inside:
            stack += reversed(_items(inside, below))
        elif item.lines > 1:
            stack.append((item.lines - 1, f"{below}└─ ", ""))


def _items(
    changes: Sequence[Change], before: str, *, root: bool = False
) -> list[tuple[Change | int, str, str]]:
    """What is to be shown of siblings, with what stands before it and before what is inside."""
    shown: list[Change | int] = []
    for change in changes:
        if change.differs or change.inside:
            shown.append(change)
        elif shown and isinstance(shown[-1], int):
            shown[-1] += change.lines
        else:
            shown.append(change.lines)
    if root:
        return [(item, "", "") for item in shown]
    last = len(shown) - 1
    return [
        (
            item,
            before + ("├─ " if place < last else "└─ "),
            before + ("│  " if place < last else "   "),
        )
        for place, item in enumerate(shown)
    ]


def _one_sided(change: Change, guide: str, below: str) -> Iterator[str]:
    sign = WENT if change.after is None else CAME
    for depth, branch in walk([change.branch]):
        yield f"{sign}{f'{below}' + '   ' * (depth - 1) + '   ' if depth else guide}{branch.text}"
