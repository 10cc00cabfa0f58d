"""How the models' graphs differ, from what explains much to what is left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.comparison import layers
from buildtrace.comparison.edges import Edges
from buildtrace.comparison.groups import Groups
from buildtrace.comparison.sharing import Sharing
from buildtrace.comparison.topology import Half, Topologies

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.comparison.found import Found
    from buildtrace.comparison.identity import Sides


def changes(sides: Sides) -> Iterator[Found]:
    """All differences of structure."""
    for left, right in sides.pairs():
        if left in sides.left.graphs and right in sides.right.graphs:
            both = Topologies(
                sides,
                Half(sides.left, sides.left.graphs[left]),
                Half(sides.right, sides.right.graphs[right]),
            )
            for part in (Sharing, Groups, Edges):  # each takes what the one before has explained
                yield from part(both).changes()
    yield from layers.changes(sides)
