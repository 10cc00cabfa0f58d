"""In which order layers got their weights, and how often they were built."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.comparison.alignment import in_order
from buildtrace.comparison.found import counted, found, layer, side

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.comparison.anatomy import Anatomy
    from buildtrace.comparison.found import Found
    from buildtrace.comparison.identity import Sides
    from buildtrace.traces.schema import Call


def changes(sides: Sides, moved: frozenset[int] = frozenset()) -> Iterator[Found]:
    """All differences of order and number, of layers that both sides have and that make weights.

    Args:
        sides: both traces.
        moved: layers on the left that are at another place now: no wonder that they are built
            at another time.
    """
    yield from _order(sides, moved)
    for left, right in sides.pairs():
        was, now = len(builds(sides.left, left)), len(builds(sides.right, right))
        if was and now and was != now and sides.left.weights(left):
            ref = sides.right.layers[right]
            yield found(
                "order",
                f"{layer(ref)} is built {counted(now, 'time')}, was {was}",
                side(sides.left, left),
                side(sides.right, right),
                place=sides.place(right=right),
            )


def builds(anatomy: Anatomy, layer: int) -> list[Call]:
    """Each run of a layer's `build`; not those that run inside of one of its own."""
    calls = [call for call in anatomy.calls(layer) if call.landmark == "Layer.build"]
    ids = {call.id for call in calls}
    own = [c for c in calls if not any(o.id in ids for o in anatomy.trace.ancestors(c))]
    # Keras 2 runs `Layer.build` after each build that does not run it itself.
    return [call for call in own if call.name != "Layer.build"] or own[:1]


def _order(sides: Sides, moved: frozenset[int]) -> Iterator[Found]:
    """Layers that get their weights before others now, where it was after them."""
    ours, theirs = _first(sides.left), _first(sides.right)
    for thread, row in ours.items():
        partners = [sides.right_of[i] for i in row if i in sides.right_of and i not in moved]
        for other in theirs.values():
            common = [j for j in other if j in set(partners)]
            if len(common) > 1:
                yield from _late(sides, [j for j in partners if j in set(common)], common)
        del thread


def _late(sides: Sides, before: list[int], after: list[int]) -> Iterator[Found]:
    place = {layer: n for n, layer in enumerate(before)}
    pairs = [(n, place[layer]) for n, layer in enumerate(after)]
    kept = {n for n, _ in in_order(pairs)}
    for n, was in pairs:
        if n in kept:
            continue
        id_ = after[n]
        earlier = n < was
        beside = after[n + 1] if earlier else after[n - 1]
        word = "before" if earlier else "after"
        ref, other = sides.right.layers[id_], sides.right.layers[beside]
        yield found(
            "order",
            f"{layer(ref)} is built {word} {layer(other)}, was {'after' if earlier else 'before'}",
            side(sides.left, sides.left_of[id_]),
            side(sides.right, id_),
            place=sides.place(right=id_),
        )


def _first(anatomy: Anatomy) -> dict[int, list[int]]:
    """The layers in the order in which they got their first weight, by thread."""
    found_: dict[int, dict[int, None]] = {}
    for weight in anatomy.trace.weights:
        if weight.layer is not None and weight.call is not None:
            thread = anatomy.trace.call(weight.call).thread
            found_.setdefault(thread, {})[weight.layer] = None
    return {thread: list(layers) for thread, layers in found_.items()}
