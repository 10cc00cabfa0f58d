"""Layers and models that came, went, moved into another one, or have another name or class."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from buildtrace.comparison.found import found, layer, side

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.comparison.anatomy import Anatomy
    from buildtrace.comparison.found import Found
    from buildtrace.comparison.identity import Sides
    from buildtrace.comparison.result import Kind
    from buildtrace.traces.schema import Severity

_RANDOM = re.compile(r"(?<![0-9a-f])(?=[0-9a-f]*\d)[0-9a-f]{6,}(?![0-9a-f])|\d{4,}")
"""What no person writes in a name: a long number, or one in hexadecimal digits."""


def changes(sides: Sides) -> Iterator[Found]:
    """What differs in layers themselves; those that graphs say more of are left out."""
    yield from _alone(sides)
    for left, right in sides.pairs():
        yield from _identity(sides, left, right)


def _alone(sides: Sides) -> Iterator[Found]:
    """Layers and models without a partner that are in no graph of a model that has one."""
    for anatomy, ids, other in zip(
        (sides.left, sides.right), sides.alone(), (sides.right_of, sides.left_of), strict=True
    ):
        word = "removed" if anatomy is sides.left else "added"
        for id_ in ids:
            owner = anatomy.owner[id_]
            told = owner in anatomy.graphs and _in_graph(anatomy, owner, id_)
            if told and owner in other and _graph_of_partner(sides, anatomy, owner):
                continue
            weights = sides.new_parameters(anatomy, id_)
            if not weights and (owner is not None or id_ not in anatomy.graphs):
                continue
            where = "" if owner is None else f" in {layer(anatomy.layers[owner])}"
            what = "model" if owner is None and id_ in anatomy.graphs else "layer"
            yield structural(
                sides, anatomy, [id_], f"{what} {layer(anatomy.layers[id_])} {word}{where}"
            )


def _in_graph(anatomy: Anatomy, owner: int | None, id_: int) -> bool:
    return owner is not None and any(n.layer == id_ for n in anatomy.graphs[owner].nodes)


def _graph_of_partner(sides: Sides, anatomy: Anatomy, owner: int | None) -> bool:
    if owner is None:
        return False
    if anatomy is sides.left:
        return sides.right_of.get(owner) in sides.right.graphs
    return sides.left_of.get(owner) in sides.left.graphs


def structural(sides: Sides, anatomy: Anatomy, ids: list[int], message: str) -> Found:
    """Layers that came or went: their weights came or went with them."""
    kind, severity = kind_of(sum(sides.new_parameters(anatomy, id_) for id_ in ids))
    where = side(anatomy, ids[0]) if ids else None
    left = anatomy is sides.left
    return found(
        kind,
        message,
        where if left else None,
        None if left else where,
        place=sides.place(left=ids[0]) if left else sides.place(right=ids[0]),
        severity=severity,
        structural=True,
    )


def kind_of(parameters: int) -> tuple[Kind, Severity]:
    """What a change of so many parameters is a change of, and how bad that is."""
    return ("weights", "error") if parameters else ("graph", "warning")


def _identity(sides: Sides, left: int, right: int) -> Iterator[Found]:
    """A layer under another name, or of another class."""
    old, new = sides.refs(left, right)
    both = (side(sides.left, left, old.name), side(sides.right, right, new.name))
    kind, severity = kind_of(sides.left.parameters(left) + sides.right.parameters(right))
    place = sides.place(right=right)
    if sides.replaced(left):
        message = f"{layer(old)} replaced by {layer(new)}"
        if old.name == new.name:
            message = f"{layer(old)} is a {new.class_name} now"
        yield found(kind, message, *both, place=place, severity=severity, structural=True)
        return
    if sides.moved_in(left):
        was, now = (_owner(*each) for each in ((sides.left, left), (sides.right, right)))
        message = f"{layer(new)} is {now} now, was {was}"
        yield found("graph", message, *both, place=place, structural=True)
    names = sides.left.name(left), sides.right.name(right)
    if sides.names and names[0] != names[1] and not _random(*names):
        message = f"{layer(old)} renamed to '{new.name}'"
        if names[1] is None:
            message = f"{layer(old)} has no name of its own any more"
        elif names[0] is None:
            message = f"{layer(old)} is named '{new.name}' now"
        if "InputLayer" in (old.class_name, new.class_name) or left in sides.left.graphs:
            kind, severity = "graph", "warning"
        yield found(kind, message, *both, place=place, severity=severity)


def _owner(anatomy: Anatomy, id_: int) -> str:
    owner = anatomy.owner[id_]
    return "in no model" if owner is None else f"in {layer(anatomy.layers[owner])}"


def _random(left: str | None, right: str | None) -> bool:
    """Whether two names differ only in what a program made up."""
    if left is None or right is None:
        return False
    return _RANDOM.sub("#", left) == _RANDOM.sub("#", right)
