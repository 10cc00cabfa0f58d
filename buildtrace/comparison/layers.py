"""Layers and models that were added, removed, moved into another one, renamed or replaced."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from buildtrace.comparison.ranked_change import location, ranked
from buildtrace.traces.wording import layer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.comparison.difference import ChangeKind
    from buildtrace.comparison.layer_matching import LayerMatching
    from buildtrace.comparison.layer_tree import LayerTree
    from buildtrace.comparison.ranked_change import RankedChange
    from buildtrace.traces.schema import Severity

_RANDOM = re.compile(r"(?<![0-9a-f])(?=[0-9a-f]*\d)[0-9a-f]{6,}(?![0-9a-f])|\d{4,}")
"""What no person writes in a name: a long number, or one in hexadecimal digits."""


def changes(matching: LayerMatching) -> Iterator[RankedChange]:
    """What differs in layers themselves; those that graphs say more of are left out."""
    yield from _alone(matching)
    for left, right in matching.pairs():
        yield from _identity(matching, left, right)


def _alone(matching: LayerMatching) -> Iterator[RankedChange]:
    """Layers and models without a partner that are in no graph of a model that has one."""
    for tree, ids in zip((matching.left, matching.right), matching.alone(), strict=True):
        word = "removed" if tree is matching.left else "added"
        for id_ in ids:
            owner = tree.owner[id_]
            if _is_in_graph(tree, owner, id_) and _has_other_graph(matching, tree, owner):
                continue
            weights = matching.new_parameters(tree, id_)
            if not weights and (owner is not None or id_ not in tree.graphs):
                continue
            where = "" if owner is None else f" in {layer(tree.layers[owner])}"
            what = "model" if owner is None and id_ in tree.graphs else "layer"
            yield structural(
                matching, tree, [id_], f"{what} {layer(tree.layers[id_])} {word}{where}"
            )


def _is_in_graph(tree: LayerTree, owner: int | None, id_: int) -> bool:
    graph = None if owner is None else tree.graphs.get(owner)
    return graph is not None and any(node.layer == id_ for node in graph.nodes)


def _has_other_graph(matching: LayerMatching, tree: LayerTree, owner: int | None) -> bool:
    """Whether there is a graph of the owner's partner, so that the two graphs are compared."""
    if owner is None:
        return False
    other = matching.right if tree is matching.left else matching.left
    return matching.partners(tree).get(owner) in other.graphs


def structural(
    matching: LayerMatching, tree: LayerTree, ids: list[int], message: str
) -> RankedChange:
    """Layers that were added or removed, and their weights with them."""
    kind, severity = kind_of(sum(matching.new_parameters(tree, id_) for id_ in ids))
    where = location(tree, ids[0])
    left = tree is matching.left
    return ranked(
        kind,
        message,
        where if left else None,
        None if left else where,
        position=matching.position(tree, ids[0]),
        severity=severity,
        structural=True,
    )


def kind_of(parameters: int) -> tuple[ChangeKind, Severity]:
    """What a change of so many parameters is a change of, and how bad that is."""
    return ("weights", "error") if parameters else ("graph", "warning")


def _identity(matching: LayerMatching, left: int, right: int) -> Iterator[RankedChange]:
    """A layer under another name, or of another class."""
    old, new = matching.refs(left, right)
    both = (location(matching.left, left, old.name), location(matching.right, right, new.name))
    kind, severity = kind_of(matching.left.parameters(left) + matching.right.parameters(right))
    position = matching.position(matching.right, right)
    if matching.replaced(left):
        message = f"{layer(old)} replaced by {layer(new)}"
        if old.name == new.name:
            message = f"{layer(old)} is a {new.class_name} now"
        yield ranked(kind, message, *both, position=position, severity=severity, structural=True)
        return
    if matching.moved_in(left):
        was, now = _owner(matching.left, left), _owner(matching.right, right)
        message = f"{layer(new)} is {now} now, was {was}"
        yield ranked("graph", message, *both, position=position, structural=True)
    names = matching.left.name(left), matching.right.name(right)
    if matching.names and names[0] != names[1] and not _random(*names):
        message = f"{layer(old)} renamed to '{new.name}'"
        if names[1] is None:
            message = f"{layer(old)} has no name of its own any more"
        elif names[0] is None:
            message = f"{layer(old)} is named '{new.name}' now"
        if "InputLayer" in (old.class_name, new.class_name) or left in matching.left.graphs:
            kind, severity = "graph", "warning"
        yield ranked(kind, message, *both, position=position, severity=severity)


def _owner(tree: LayerTree, id_: int) -> str:
    owner = tree.owner[id_]
    return "in no model" if owner is None else f"in {layer(tree.layers[owner])}"


def _random(left: str | None, right: str | None) -> bool:
    """Whether two names differ only in what a program made up."""
    if left is None or right is None:
        return False
    return _RANDOM.sub("#", left) == _RANDOM.sub("#", right)
