"""Makes a diagram coarser: alike blocks become one, runs of layers become one box.

Works on the inside of one model at a time. A nested model that is drawn as a group is one
member among others here, and stays as it is.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from buildtrace.renderers.drawing.caption import TIMES, joined, short
from buildtrace.renderers.drawing.cut_points import Flow
from buildtrace.renderers.drawing.diagram import (
    Box,
    Group,
    Line,
    Member,
    Part,
    Row,
    boxes,
    count_layers,
)
from buildtrace.renderers.text.format import count

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from buildtrace.renderers.drawing.diagram import Place

LONGEST_PERIOD = 64
WORTH_FOLDING = 4
"""Blocks are drawn once if that saves so many layers."""

HUGE = 100
"""What lies between a fork and its join is not one block if it is so many layers."""


def nothing(part: Part) -> Part:
    """Leaves every layer as it is."""
    return part


def runs(part: Part) -> Part:
    """Layers one after the other, with no way in or out between them, share a box."""
    return _everywhere(part, _runs)


def blocks(part: Part) -> Part:
    """What lies between a fork and its join becomes one box."""
    return _everywhere(part, _blocks)


def repeats(part: Part) -> Part:
    """Blocks one after the other that differ in names alone are drawn once, "times 3"."""
    return _repeats(part, exact=True)


def alike(part: Part) -> Part:
    """As `repeats`, for blocks that differ in sizes too."""
    return _repeats(part, exact=False)


def _everywhere(part: Part, fold: Callable[[Part], Part]) -> Part:
    """The part folded, and inside its repeated blocks too."""
    members: list[Member] = []
    for member in part.members:
        if isinstance(member, Group) and member.repeats > 1:
            inner = fold(replace(part, members=member.members))
            member = replace(member, members=inner.members)
            part = replace(inner, members=part.members)
        members.append(member)
    return fold(replace(part, members=tuple(members)))


def _runs(part: Part) -> Part:
    flow = Flow(part)
    merged: list[list[Member]] = []
    for member in part.members:
        before = flow.before(member)
        last = merged[-1][-1] if merged else None
        if (
            isinstance(member, Box)
            and isinstance(last, Box)
            and before == {last.id}
            and flow.after(last) == {member.id}
            and last.id not in part.exits
            and _mixes(last, member)
        ):
            merged[-1].append(member)
        else:
            merged.append([member])
    return _joined(part, merged)


def _mixes(last: Box, member: Box) -> bool:
    """Inputs stay on their own, and what is built apart from what is not."""
    return last.rows[-1].kind.name != "input" and last.built == member.built


def _blocks(part: Part) -> Part:
    merged: list[list[Member]] = []
    for chunk in _cut(part, Flow(part).chunks()):
        whole = len(chunk) > 1 and all(isinstance(m, Box) for m in chunk)
        merged += [chunk] if whole else [[member] for member in chunk]
    return _joined(part, merged, summarize=True)


def _cut(part: Part, chunks: list[list[Member]]) -> list[list[Member]]:
    """The chunks, those that are most of a model cut where few tensors cross."""
    found = []
    for chunk in chunks:
        flow = Flow(replace(part, members=tuple(chunk)))
        narrow = (flow.chunks(width) for width in (2, 3))
        found += next((p for p in narrow if len(p) > 1), [chunk]) if len(chunk) > HUGE else [chunk]
    return found


def _joined(part: Part, merged: list[list[Member]], summarize: bool = False) -> Part:
    """The part with each list of boxes made one box, called by the first one's id."""
    members: list[Member] = []
    renamed: dict[str, str] = {}
    for together in merged:
        first = together[0]
        if len(together) == 1:
            members.append(first)
            continue
        rows = tuple(row for box in boxes(together) for row in box.rows)
        members.append(Box(first.id, (_summary(rows),) if summarize else rows))
        renamed.update((member.id, first.id) for member in together)
    return _renamed(replace(part, members=tuple(members)), renamed)


def _summary(rows: Sequence[Row]) -> Row:
    """One row that stands for a block."""
    classes = Counter(row.class_name for row in rows)
    name = common_name(rows)
    heaviest = max(rows, key=lambda row: row.parameters)
    words = [f"{name} {TIMES} {n}" if n > 1 else name for name, n in classes.most_common(4)]
    return Row(
        name=name or rows[0].name,
        title=short(name) or f"{rows[0].title} … {rows[-1].title}",
        class_name=", ".join(words) + (", …" if len(classes) > len(words) else ""),
        kind=heaviest.kind,
        shape=rows[-1].shape,
        parameters=sum(row.parameters for row in rows),
        note=count(sum(row.layers for row in rows), "layer"),
        tooltip=joined(*(row.title for row in rows)),
        built=all(row.built for row in rows),
        layers=sum(row.layers for row in rows),
        places=tuple(place for row in rows for place in row.places),
    )


def common_name(rows: Sequence[Row]) -> str:
    """What all layers' names begin with, cut at a separator; "" if that is nothing."""
    names = [row.name for row in rows if row.kind.name != "operation"] or [rows[0].name]
    first, last = min(names), max(names)
    same = first[: next((i for i, c in enumerate(first) if last[i : i + 1] != c), None)]
    return same[: max(same.rfind("_"), same.rfind("/"), same.rfind("."), 0)]


def _repeats(part: Part, exact: bool) -> Part:
    flow = Flow(part)
    chunks = flow.chunks()
    signs = [flow.signature(chunk, _exactly if exact else _roughly) for chunk in chunks]
    # A block whose output is the model's is the last one: what comes after it starts anew.
    ends = [any(box.id in part.exits for box in boxes(chunk)) for chunk in chunks]
    members: list[Member] = []
    copies: dict[str, _Copy] = {}
    place = 0
    while place < len(chunks):
        start, period, times = _best(signs, chunks, place, ends)
        members += [m for chunk in chunks[place:start] for m in chunk]
        parts = [
            [m for chunk in chunks[at : at + period] for m in chunk]
            for at in range(start, start + period * times, period)
        ]
        members += [_repeated(parts, exact)] if times > 1 else parts[0]
        for number, other in enumerate(parts if times > 1 else []):
            pairs = zip(boxes(other), boxes(parts[0]), strict=True)
            copies.update((box.id, _Copy(first.id, start, number)) for box, first in pairs)
        place = start + period * times
    return _without_copies(replace(part, members=tuple(members)), copies)


class _Copy(NamedTuple):
    """A box of a repeated block: the box that is drawn for it, which repetition, which block."""

    drawn: str
    repetition: int
    number: int


def _without_copies(part: Part, copies: dict[str, _Copy]) -> Part:
    """Of the lines in and between repeated blocks, those in the first block stay."""
    lines = []
    drawn = {id_: copy.drawn for id_, copy in copies.items()}
    alike: dict[tuple[str, str], list[Place]] = {}
    for line in part.lines:
        source, target = copies.get(line.source), copies.get(line.target)
        if source and target and source.repetition == target.repetition:
            if source.number == target.number:
                ends = source.drawn, target.drawn
                alike.setdefault(ends, []).extend(line.places)
            if source.number or target.number:
                continue
        lines.append(line)
    lines = [
        replace(line, places=tuple(alike.get((line.source, line.target), line.places)))
        for line in lines
    ]
    return _renamed(replace(part, lines=tuple(lines)), drawn)


def _best(
    signs: Sequence[object],
    chunks: Sequence[Sequence[Member]],
    place: int,
    ends: Sequence[bool],
) -> tuple[int, int, int]:
    """The repetition at `place` that saves most: where it begins, its period, how often."""
    best, saved = (place, 1, 1), WORTH_FOLDING - 1
    for period in range(1, min(LONGEST_PERIOD, (len(signs) - place) // 2) + 1):
        times = _times(signs, place, period, ends)
        size = sum(len(chunk) for chunk in chunks[place : place + period])
        if times > 1 and (times - 1) * size > saved:
            best, saved = (place, period, times), (times - 1) * size
    start, period, times = best
    if times == 1:
        return best
    # Of the ways to cut a repetition into blocks, one that begins at a fork reads best.
    for shift in range(period):
        if len(chunks[start + shift]) > 1 and _times(signs, start + shift, period, ends) == times:
            return start + shift, period, times
    return best


def _times(signs: Sequence[object], place: int, period: int, ends: Sequence[bool]) -> int:
    """How often the `period` signs at `place` come one after the other."""
    times = 1
    while (
        not any(ends[place + (times - 1) * period : place + times * period])
        and signs[place : place + period]
        == signs[place + times * period : place + (times + 1) * period]
    ):
        times += 1
    return times


def _repeated(parts: Sequence[Sequence[Member]], exact: bool) -> Group:
    """The group that stands for alike parts."""
    ends = [[row for box in boxes(part) for row in box.rows] for part in (parts[0], parts[-1])]
    first, last = (short(common_name(rows)) or rows[0].title for rows in ends)
    if first == last:
        first, last = (rows[0].title for rows in ends)
    layers = count_layers(parts[0])
    total = sum(row.parameters for part in parts for box in boxes(part) for row in box.rows)
    return Group(
        id=f"{parts[0][0].id}_x",
        title=f"{TIMES} {len(parts):,}: {first} … {last}",
        note=joined(
            f"{count(layers, 'layer')} each",
            f"{count(total, 'parameter')} in all" if total else "",
            "" if exact else "alike but for their sizes",
        ),
        members=tuple(_standing_for(parts)),
        repeats=len(parts),
        built=all(box.built for part in parts for box in boxes(part)),
    )


def _standing_for(parts: Sequence[Sequence[Member]]) -> Iterator[Member]:
    """The members of the first of alike parts, each row naming the nodes of all of them."""
    for alike in zip(*parts, strict=True):
        first = alike[0]
        if isinstance(first, Group):
            inner = [member.members for member in alike if isinstance(member, Group)]
            yield replace(first, members=tuple(_standing_for(inner)))
        else:
            rows = zip(*(member.rows for member in alike if isinstance(member, Box)), strict=True)
            yield Box(first.id, tuple(_one_row(same) for same in rows))


def _one_row(rows: Sequence[Row]) -> Row:
    return replace(rows[0], places=tuple(place for row in rows for place in row.places))


def _exactly(row: Row) -> tuple[object, ...]:
    return row.signature


def _roughly(row: Row) -> tuple[object, ...]:
    return (row.class_name, row.kind.name, row.built)


def _renamed(part: Part, renamed: dict[str, str]) -> Part:
    """The part with the ends of its lines renamed; what now begins where it ends is gone."""
    lines: dict[Line, None] = {}
    for line in part.lines:
        source = renamed.get(line.source, line.source)
        target = renamed.get(line.target, line.target)
        if source != target:
            lines[replace(line, source=source, target=target)] = None
    return replace(
        part,
        lines=tuple(lines),
        entries=tuple(dict.fromkeys(renamed.get(e, e) for e in part.entries)),
        exits=tuple(dict.fromkeys(renamed.get(e, e) for e in part.exits)),
    )
