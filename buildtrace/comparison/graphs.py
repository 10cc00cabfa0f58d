"""How the models' graphs differ, from what explains much to what is left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.comparison import layers
from buildtrace.comparison.edges import Edges
from buildtrace.comparison.graph_matching import GraphMatching, GraphSide
from buildtrace.comparison.groups import Groups
from buildtrace.comparison.sharing import Sharing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.comparison.layer_matching import LayerMatching
    from buildtrace.comparison.ranked_change import RankedChange


def changes(matching: LayerMatching) -> Iterator[RankedChange]:
    """All differences of structure."""
    for left, right in matching.pairs():
        if left in matching.left.graphs and right in matching.right.graphs:
            both = GraphMatching(
                matching,
                GraphSide(matching.left, matching.left.graphs[left]),
                GraphSide(matching.right, matching.right.graphs[right]),
            )
            for part in (Sharing, Groups, Edges):  # each takes what the one before has explained
                yield from part(both).changes()
    yield from layers.changes(matching)
