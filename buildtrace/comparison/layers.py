"""Layers and models that came, went, moved into another one, or have another name or class."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from buildtrace.comparison.ranked_change import found, layer, location

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.comparison.layer_matching import LayerMatching
    from buildtrace.comparison.layer_tree import LayerTree
    from buildtrace.comparison.ranked_change import RankedChange
    from buildtrace.comparison.result import ChangeKind
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
    for tree, ids, other in zip(
        (matching.left, matching.right),
        matching.alone(),
        (matching.right_of, matching.left_of),
        strict=True,
    ):
        word = "removed" if tree is matching.left else "added"
        for id_ in ids:
            owner = tree.owner[id_]
            told = owner in tree.graphs and _in_graph(tree, owner, id_)
            if told and owner in other and _graph_of_partner(matching, tree, owner):
                continue
            weights = matching.new_parameters(tree, id_)
            if not weights and (owner is not None or id_ not in tree.graphs):
                continue
            where = "" if owner is None else f" in {layer(tree.layers[owner])}"
            what = "model" if owner is None and id_ in tree.graphs else "layer"
            yield structural(
                matching, tree, [id_], f"{what} {layer(tree.layers[id_])} {word}{where}"
            )


def _in_graph(tree: LayerTree, owner: int | None, id_: int) -> bool:
    return owner is not None and any(n.layer == id_ for n in tree.graphs[owner].nodes)


def _graph_of_partner(matching: LayerMatching, tree: LayerTree, owner: int | None) -> bool:
    if owner is None:
        return False
    if tree is matching.left:
        return matching.right_of.get(owner) in matching.right.graphs
    return matching.left_of.get(owner) in matching.left.graphs


def structural(
    matching: LayerMatching, tree: LayerTree, ids: list[int], message: str
) -> RankedChange:
    """Layers that came or went: their weights came or went with them."""
    kind, severity = kind_of(sum(matching.new_parameters(tree, id_) for id_ in ids))
    where = location(tree, ids[0]) if ids else None
    left = tree is matching.left
    return found(
        kind,
        message,
        where if left else None,
        None if left else where,
        place=matching.place(left=ids[0]) if left else matching.place(right=ids[0]),
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
    place = matching.place(right=right)
    if matching.replaced(left):
        message = f"{layer(old)} replaced by {layer(new)}"
        if old.name == new.name:
            message = f"{layer(old)} is a {new.class_name} now"
        yield found(kind, message, *both, place=place, severity=severity, structural=True)
        return
    if matching.moved_in(left):
        was, now = (_owner(*each) for each in ((matching.left, left), (matching.right, right)))
        message = f"{layer(new)} is {now} now, was {was}"
        yield found("graph", message, *both, place=place, structural=True)
    names = matching.left.name(left), matching.right.name(right)
    if matching.names and names[0] != names[1] and not _random(*names):
        message = f"{layer(old)} renamed to '{new.name}'"
        if names[1] is None:
            message = f"{layer(old)} has no name of its own any more"
        elif names[0] is None:
            message = f"{layer(old)} is named '{new.name}' now"
        if "InputLayer" in (old.class_name, new.class_name) or left in matching.left.graphs:
            kind, severity = "graph", "warning"
        yield found(kind, message, *both, place=place, severity=severity)


def _owner(tree: LayerTree, id_: int) -> str:
    owner = tree.owner[id_]
    return "in no model" if owner is None else f"in {layer(tree.layers[owner])}"


def _random(left: str | None, right: str | None) -> bool:
    """Whether two names differ only in what a program made up."""
    if left is None or right is None:
        return False
    return _RANDOM.sub("#", left) == _RANDOM.sub("#", right)
