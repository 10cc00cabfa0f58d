"""Whether a coarse diagram is wired as its layers are, found out by counting alone.

A diagram's boxes stand for layers; each row says which nodes, and in a frame of alike blocks,
one after the other for each block. So every edge between two layers has a place in the picture:

- between two boxes, it is a connection of these;
- in one box of several layers, it is hidden, and leads from a row to the next one;
- from one block of a frame "times 3" to the next one, it is said by the frame, and it has to be
  drawn as what comes into the frame from outside, and as what leaves it.

Nothing else may be drawn.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import NamedTuple

from buildtrace.renderers.drawing.diagram import Box, Group, boxes


class Place(NamedTuple):
    """Where a node is drawn: in which box and row, and in which block of each frame around it."""

    box: str
    row: int
    blocks: tuple[tuple[str, int], ...]


def places(diagram):
    """Where each node is drawn, by its `NodeRef`; a node is drawn once."""
    found = {}
    for frames, box in _framed(diagram.models, ()):
        for number, row in enumerate(box.rows):
            times = 1
            for frame in frames:
                times *= frame.repeats
            each, rest = divmod(len(row.node_refs), times)
            assert not rest, f"{box.id}: {len(row.node_refs)} nodes for {times} blocks"
            for at, ref in enumerate(row.node_refs):
                index, blocks = at // each, []
                for frame in reversed(frames):
                    index, block = divmod(index, frame.repeats)
                    blocks.append((frame.id, block))
                assert ref not in found, f"{ref} is drawn twice"
                found[ref] = Place(box.id, number, tuple(reversed(blocks)))
    return found


def _framed(members, frames):
    for member in members:
        if isinstance(member, Box):
            yield frames, member
        else:
            inner = (*frames, member) if member.repeats > 1 else frames
            yield from _framed(member.members, inner)


def frames(members):
    """All frames around repeated blocks, by id."""
    found = {}
    for member in members:
        if isinstance(member, Group):
            if member.repeats > 1:
                found[member.id] = member
            found.update(frames(member.members))
    return found


def groups(members):
    """All frames, whatever they are around."""
    for member in members:
        if isinstance(member, Group):
            yield member
            yield from groups(member.members)


def check(diagram, edges):
    """Assert that the diagram shows exactly these edges.

    Args:
        diagram: any.
        edges: pairs of `NodeRef`s: what feeds what, of the layers that are drawn.
    """
    place = places(diagram)
    rows = {box.id: box.rows for box in boxes(diagram.models)}
    repeated = frames(diagram.models)
    drawn = {(c.source, c.target) for c in diagram.connections}
    witnessed = defaultdict(list)
    handed = []
    for source, target in sorted(set(edges)):
        a, b = place[source], place[target]
        step = _step(a, b)
        if step:
            frame, before, after = step
            assert not repeated[frame].side_by_side, f"{frame}: an edge from block to block"
            assert after == before + 1, f"{frame}: an edge from block {before} to {after}"
            handed.append((frame, a, b))
        elif a.box == b.box:
            assert b.row in (a.row, a.row + 1), f"{a.box}: an edge from row {a.row} to {b.row}"
        else:
            assert (a.box, b.box) in drawn, f"not drawn: {source} in {a} to {target} in {b}"
            assert b.row == 0, f"{b.box}: an edge comes to its row {b.row}"
            assert a.row == len(rows[a.box]) - 1, f"{a.box}: an edge leaves its row {a.row}"
            witnessed[a.box, b.box].append((a, b))
    for pair in drawn:
        assert pair in witnessed, f"drawn, but no layer feeds another: {pair}"
    _each_block_has_its_edges(place, repeated, witnessed, handed)
    _handed_on_is_drawn(place, repeated, drawn, handed, witnessed)
    _rows_are_chains(diagram, place, edges)
    _no_cycle(drawn)


def _step(a, b):
    """The outermost frame in which two places are in different blocks, and these blocks."""
    for (frame, before), (other, after) in zip(a.blocks, b.blocks, strict=False):
        if frame != other:
            return None
        if before != after:
            return frame, before, after
    return None


def _blocks_of(places_, frame):
    return {dict(p.blocks)[frame] for p in places_}


def _each_block_has_its_edges(place, repeated, witnessed, handed):
    """A connection of a frame's boxes is one of each block, or of the end where others hand on."""
    into, out = defaultdict(set), defaultdict(set)
    for frame, a, b in handed:
        into[frame, b.box].add(dict(b.blocks)[frame])
        out[frame, a.box].add(dict(a.blocks)[frame])
    for (source, target), pairs in witnessed.items():
        for frame, group in repeated.items():
            inside = [[frame in dict(p.blocks) for p in pair] for pair in pairs]
            every = set(range(group.repeats))
            if any(all(both) for both in inside):
                assert _blocks_of([a for a, _ in pairs], frame) == every, (frame, source, target)
            elif any(b for _, b in inside):
                has = _blocks_of([b for _, b in pairs], frame)
                assert 0 in has, f"{frame}: {source} to {target} is not in the first block"
                assert has == every or has | into[frame, target] == every, (frame, source, target)
            elif any(a for a, _ in inside):
                has = _blocks_of([a for a, _ in pairs], frame)
                last = group.repeats - 1
                assert last in has, f"{frame}: {source} to {target} is not in the last block"
                assert has == every or has | out[frame, source] == every, (frame, source, target)


def _handed_on_is_drawn(place, repeated, drawn, handed, witnessed):
    """What one block hands to the next is drawn as what comes into the frame; each does so."""
    inside = defaultdict(set)
    for where in place.values():
        for frame, _ in where.blocks:
            inside[frame].add(where.box)
    steps = defaultdict(set)
    for frame, a, b in handed:
        steps[frame, a.box, b.box].add(dict(a.blocks)[frame])
        assert any(t == b.box and s not in inside[frame] for s, t in drawn), (
            f"{frame}: nothing comes from outside to {b.box}"
        )
    for (frame, *ends), blocks in steps.items():
        assert blocks == set(range(repeated[frame].repeats - 1)), (
            f"{frame}: {ends} only in {blocks}"
        )
    for frame, group in repeated.items():
        handing = any(key[0] == frame for key in steps)
        assert handing != group.side_by_side, f"{frame}: blocks in a row, or side by side?"


def _rows_are_chains(diagram, place, edges):
    """From each row of a box something goes to the next one."""
    steps = {
        (place[a].box, place[a].row, place[b].row) for a, b in edges if place[a].box == place[b].box
    }
    for box in boxes(diagram.models):
        for row in range(len(box.rows) - 1):
            assert (box.id, row, row + 1) in steps, f"{box.id}: rows {row} and {row + 1} are apart"


def _no_cycle(drawn):
    waiting = Counter(target for _, target in drawn)
    targets = defaultdict(list)
    for source, target in drawn:
        targets[source].append(target)
    ready = [box for box in targets if not waiting[box]]
    left = set(waiting)
    while ready:
        for target in targets[ready.pop()]:
            waiting[target] -= 1
            if not waiting[target]:
                left.discard(target)
                ready.append(target)
    assert not left, f"a cycle among {sorted(left)}"


def check_alike(diagram, nodes):
    """Assert that what a frame draws once is of the same classes in each block.

    Args:
        diagram: any.
        nodes: the nodes of the trace by their `NodeRef`.
    """
    for frames_, box in _framed(diagram.models, ()):
        for row in box.rows if frames_ else ():
            times = 1
            for frame in frames_:
                times *= frame.repeats
            each = len(row.node_refs) // times
            classes = [
                [nodes[ref].class_name for ref in row.node_refs[at : at + each]]
                for at in range(0, len(row.node_refs), each)
            ]
            assert all(sorted(c) == sorted(classes[0]) for c in classes), f"{box.id}: {classes}"
