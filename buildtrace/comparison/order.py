"""In which order layers got their weights, and how often they were built."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.comparison.alignment import out_of_order
from buildtrace.comparison.ranked_change import locations, ranked
from buildtrace.traces.wording import count, layer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.comparison.layer_matching import LayerMatching
    from buildtrace.comparison.layer_tree import LayerTree
    from buildtrace.comparison.ranked_change import RankedChange


def changes(matching: LayerMatching, moved: frozenset[int] = frozenset()) -> Iterator[RankedChange]:
    """All differences of order and number, of layers that both sides have and that make weights.

    Args:
        matching: both traces.
        moved: layers on the left that are at another place now: no wonder that they are built
            at another time.
    """
    yield from _order(matching, moved)
    for left, right in matching.pairs():
        was = len(matching.left.trace.index.builds_of(left))
        now = len(matching.right.trace.index.builds_of(right))
        if was and now and was != now and matching.left.weights(left):
            ref = matching.right.layers[right]
            yield ranked(
                "order",
                f"{layer(ref)} is built {count(now, 'time')}, was {was}",
                *locations(matching, left, right),
                position=matching.position(matching.right, right),
            )


def _order(matching: LayerMatching, moved: frozenset[int]) -> Iterator[RankedChange]:
    """Layers that get their weights before others now, where it was after them."""
    ours, theirs = _first(matching.left), _first(matching.right)
    for row in ours.values():
        partners = [matching.right_of[i] for i in row if i in matching.right_of and i not in moved]
        for other in theirs.values():
            common = [j for j in other if j in set(partners)]
            if len(common) > 1:
                yield from _late(matching, [j for j in partners if j in set(common)], common)


def _late(matching: LayerMatching, before: list[int], after: list[int]) -> Iterator[RankedChange]:
    for was, n in out_of_order(before, after):
        id_ = after[n]
        earlier = n < was
        beside = after[n + 1] if earlier else after[n - 1]
        word = "before" if earlier else "after"
        ref, other = matching.right.layers[id_], matching.right.layers[beside]
        yield ranked(
            "order",
            f"{layer(ref)} is built {word} {layer(other)}, was {'after' if earlier else 'before'}",
            *locations(matching, matching.left_of[id_], id_),
            position=matching.position(matching.right, id_),
        )


def _first(tree: LayerTree) -> dict[int, list[int]]:
    """The layers in the order in which they got their first weight, by thread."""
    threads: dict[int, dict[int, None]] = {}
    for weight in tree.trace.weights:
        if weight.layer is not None and weight.call is not None:
            thread = tree.trace.call(weight.call).thread
            threads.setdefault(thread, {})[weight.layer] = None
    return {thread: list(layers) for thread, layers in threads.items()}
