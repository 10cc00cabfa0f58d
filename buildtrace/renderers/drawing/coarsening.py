"""Makes a diagram coarser: alike blocks become one, runs of layers become one box.

Works on the inside of one model at a time. A nested model that is drawn as a group is one
member among others here, and stays as it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from buildtrace.renderers.drawing.caption import TIMES, joined, short
from buildtrace.renderers.drawing.diagram import (
    Box,
    BoxRow,
    Connection,
    Group,
    Member,
    SubDiagram,
    boxes,
    count_layers,
)
from buildtrace.renderers.drawing.member_graph import MemberGraph
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from buildtrace.renderers.drawing.diagram import NodeRef

Coarsening = Callable[[SubDiagram], SubDiagram]

LONGEST_PERIOD = 64
LEAST_SAVED = 4
"""Blocks are drawn once if that saves so many layers."""

HUGE = 100
"""What lies between a fork and its join is not one block if it is so many layers."""


def nothing(subdiagram: SubDiagram) -> SubDiagram:
    """Leaves every layer as it is."""
    return subdiagram


def runs(subdiagram: SubDiagram) -> SubDiagram:
    """Layers one after the other, with no way in or out between them, share a box."""
    return _everywhere(subdiagram, _runs)


def blocks(subdiagram: SubDiagram) -> SubDiagram:
    """What lies between a fork and its join becomes one box."""
    return _everywhere(subdiagram, _blocks)


def repeats(subdiagram: SubDiagram) -> SubDiagram:
    """Blocks one after the other that differ in names alone are drawn once, "times 3"."""
    return _repeats(subdiagram, exact=True)


def alike(subdiagram: SubDiagram) -> SubDiagram:
    """As `repeats`, for blocks that differ in sizes too."""
    return _repeats(subdiagram, exact=False)


def _everywhere(subdiagram: SubDiagram, coarsen: Coarsening) -> SubDiagram:
    """The subdiagram made coarser, and inside its repeated blocks too."""
    members: list[Member] = []
    for member in subdiagram.members:
        if isinstance(member, Group) and member.repeats > 1:
            inner = coarsen(replace(subdiagram, members=member.members))
            member = replace(member, members=inner.members)
            subdiagram = replace(inner, members=subdiagram.members)
        members.append(member)
    return coarsen(replace(subdiagram, members=tuple(members)))


# -- runs and blocks ---------------------------------------------------------------------------


def _runs(subdiagram: SubDiagram) -> SubDiagram:
    graph = MemberGraph(subdiagram)
    merged: list[list[Member]] = []
    for member in subdiagram.members:
        sources = graph.sources(member)
        last = merged[-1][-1] if merged else None
        if (
            isinstance(member, Box)
            and isinstance(last, Box)
            and sources == {last.id}
            and graph.targets(last) == {member.id}
            and last.id not in subdiagram.exits
            and _mixes(last, member)
        ):
            merged[-1].append(member)
        else:
            merged.append([member])
    return _joined(subdiagram, merged)


def _mixes(last: Box, member: Box) -> bool:
    """Inputs stay on their own, and what is built, what is not and what failed apart."""
    if last.failed or member.failed:
        return False
    return last.rows[-1].kind.name != "input" and last.built == member.built


def _blocks(subdiagram: SubDiagram) -> SubDiagram:
    merged: list[list[Member]] = []
    for chunk in _cut(subdiagram, MemberGraph(subdiagram).chunks()):
        whole = len(chunk) > 1 and all(isinstance(m, Box) and not m.failed for m in chunk)
        merged += [chunk] if whole else [[member] for member in chunk]
    return _joined(subdiagram, merged, summarize=True)


def _cut(subdiagram: SubDiagram, chunks: list[list[Member]]) -> list[list[Member]]:
    """The chunks, those that are most of a model cut where few tensors cross."""
    cut: list[list[Member]] = []
    for chunk in chunks:
        graph = MemberGraph(replace(subdiagram, members=tuple(chunk)))
        narrow = (graph.chunks(width) for width in (2, 3))
        cut += next((p for p in narrow if len(p) > 1), [chunk]) if len(chunk) > HUGE else [chunk]
    return cut


def _joined(
    subdiagram: SubDiagram, merged: list[list[Member]], summarize: bool = False
) -> SubDiagram:
    """The subdiagram with each list of boxes made one box, called by the first one's id."""
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
    return _renamed(replace(subdiagram, members=tuple(members)), renamed)


def _summary(rows: Sequence[BoxRow]) -> BoxRow:
    """One row that stands for a block."""
    classes = Counter(row.class_name for row in rows)
    name = _common_name(rows)
    heaviest = max(rows, key=lambda row: row.parameters)
    words = [f"{name} {TIMES} {n}" if n > 1 else name for name, n in classes.most_common(4)]
    return BoxRow(
        name=name or rows[0].name,
        title=short(name) or f"{rows[0].title} … {rows[-1].title}",
        class_name=", ".join(words) + (", …" if len(classes) > len(words) else ""),
        kind=heaviest.kind,
        shape=rows[-1].shape,
        parameters=sum(row.parameters for row in rows),
        note=wording.count(sum(row.layers for row in rows), "layer"),
        tooltip=joined(*(row.title for row in rows)),
        built=all(row.built for row in rows),
        layers=sum(row.layers for row in rows),
        node_refs=_all_node_refs(rows),
    )


def _all_node_refs(rows: Sequence[BoxRow]) -> tuple[NodeRef, ...]:
    return tuple(node_ref for row in rows for node_ref in row.node_refs)


def _common_name(rows: Sequence[BoxRow]) -> str:
    """What all layers' names begin with, cut at a separator; "" if that is nothing."""
    names = [row.name for row in rows if row.kind.name != "operation"] or [rows[0].name]
    first, last = min(names), max(names)
    same = first[: next((i for i, c in enumerate(first) if last[i : i + 1] != c), None)]
    return same[: max(same.rfind("_"), same.rfind("/"), same.rfind("."), 0)]


# -- repeated blocks ---------------------------------------------------------------------------


def _repeats(subdiagram: SubDiagram, exact: bool) -> SubDiagram:
    graph = MemberGraph(subdiagram)
    chunks = graph.chunks()
    signs = [graph.signature(chunk, _exactly if exact else _roughly) for chunk in chunks]
    # A block whose output is the model's is the last one: what comes after it starts anew.
    ends = [any(box.id in subdiagram.exits for box in boxes(chunk)) for chunk in chunks]
    members: list[Member] = []
    copies: dict[str, _Copy] = {}
    at = 0
    while at < len(chunks):
        start, period, times = _best(signs, chunks, at, ends)
        members += [m for chunk in chunks[at:start] for m in chunk]
        occurrences = [
            [m for chunk in chunks[first : first + period] for m in chunk]
            for first in range(start, start + period * times, period)
        ]
        members += [_repeated(occurrences, exact)] if times > 1 else occurrences[0]
        for number, block in enumerate(occurrences if times > 1 else []):
            pairs = zip(boxes(block), boxes(occurrences[0]), strict=True)
            copies.update((box.id, _Copy(first.id, start, number)) for box, first in pairs)
        at = start + period * times
    return _without_copies(replace(subdiagram, members=tuple(members)), copies)


class _Copy(NamedTuple):
    """A box of a repeated block: what is drawn for it, in which repetition, which occurrence."""

    drawn: str
    repetition: int
    occurrence: int


def _without_copies(subdiagram: SubDiagram, copies: dict[str, _Copy]) -> SubDiagram:
    """Of the connections in and between repeated blocks, those in the first block stay."""
    kept: list[Connection] = []
    drawn = {id_: copy.drawn for id_, copy in copies.items()}
    stands_for: dict[tuple[str, str], list[NodeRef]] = {}
    for connection in subdiagram.connections:
        source, target = copies.get(connection.source), copies.get(connection.target)
        if source and target and source.repetition == target.repetition:
            if source.occurrence == target.occurrence:
                ends = source.drawn, target.drawn
                stands_for.setdefault(ends, []).extend(connection.node_refs)
            if source.occurrence or target.occurrence:
                continue
        kept.append(connection)
    connections = tuple(
        replace(c, node_refs=tuple(stands_for.get((c.source, c.target), c.node_refs))) for c in kept
    )
    return _renamed(replace(subdiagram, connections=connections), drawn)


def _best(
    signs: Sequence[object],
    chunks: Sequence[Sequence[Member]],
    at: int,
    ends: Sequence[bool],
) -> tuple[int, int, int]:
    """The repetition that begins `at` a chunk and saves most: its start, period, how often."""
    best, saved = (at, 1, 1), LEAST_SAVED - 1
    for period in range(1, min(LONGEST_PERIOD, (len(signs) - at) // 2) + 1):
        times = _times(signs, at, period, ends)
        size = sum(len(chunk) for chunk in chunks[at : at + period])
        if times > 1 and (times - 1) * size > saved:
            best, saved = (at, period, times), (times - 1) * size
    start, period, times = best
    if times == 1:
        return best
    # Of the ways to cut a repetition into blocks, one that begins at a fork reads best.
    for shift in range(period):
        if len(chunks[start + shift]) > 1 and _times(signs, start + shift, period, ends) == times:
            return start + shift, period, times
    return best


def _times(signs: Sequence[object], start: int, period: int, ends: Sequence[bool]) -> int:
    """How often the `period` signs from `start` on come one after the other."""
    times = 1
    while (
        not any(ends[start + (times - 1) * period : start + times * period])
        and signs[start : start + period]
        == signs[start + times * period : start + (times + 1) * period]
    ):
        times += 1
    return times


def _repeated(occurrences: Sequence[Sequence[Member]], exact: bool) -> Group:
    """The group that stands for the occurrences of a block."""
    ends = [
        [row for box in boxes(block) for row in box.rows]
        for block in (occurrences[0], occurrences[-1])
    ]
    first, last = (short(_common_name(rows)) or rows[0].title for rows in ends)
    if first == last:
        first, last = (rows[0].title for rows in ends)
    layers = count_layers(occurrences[0])
    total = sum(row.parameters for block in occurrences for box in boxes(block) for row in box.rows)
    return Group(
        id=f"{occurrences[0][0].id}_x",
        title=f"{TIMES} {len(occurrences):,}: {first} … {last}",
        note=joined(
            f"{wording.count(layers, 'layer')} each",
            f"{wording.count(total, 'parameter')} in all" if total else "",
            "" if exact else "alike but for their sizes",
        ),
        members=tuple(_standing_for(occurrences)),
        repeats=len(occurrences),
        built=all(box.built for block in occurrences for box in boxes(block)),
    )


def _standing_for(occurrences: Sequence[Sequence[Member]]) -> Iterator[Member]:
    """The members of the first occurrence, each row naming the nodes of all of them."""
    for members in zip(*occurrences, strict=True):
        first = members[0]
        if isinstance(first, Group):
            inner = [member.members for member in members if isinstance(member, Group)]
            yield replace(first, members=tuple(_standing_for(inner)))
        else:
            rows = zip(*(member.rows for member in members if isinstance(member, Box)), strict=True)
            yield Box(first.id, tuple(_one_row(same) for same in rows))


def _one_row(rows: Sequence[BoxRow]) -> BoxRow:
    return replace(rows[0], node_refs=_all_node_refs(rows))


def _exactly(row: BoxRow) -> tuple[object, ...]:
    return row.signature


def _roughly(row: BoxRow) -> tuple[object, ...]:
    return (row.class_name, row.kind.name, row.built)


def _renamed(subdiagram: SubDiagram, renamed: dict[str, str]) -> SubDiagram:
    """With the ends of connections renamed; a connection that now ends where it begins is gone."""
    connections: dict[Connection, None] = {}
    for connection in subdiagram.connections:
        source = renamed.get(connection.source, connection.source)
        target = renamed.get(connection.target, connection.target)
        if source != target:
            connections[replace(connection, source=source, target=target)] = None
    return replace(
        subdiagram,
        connections=tuple(connections),
        entries=tuple(dict.fromkeys(renamed.get(e, e) for e in subdiagram.entries)),
        exits=tuple(dict.fromkeys(renamed.get(e, e) for e in subdiagram.exits)),
    )
