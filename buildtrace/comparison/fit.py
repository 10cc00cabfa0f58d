"""Whether the weights in a saved file are those of the other side: layer by layer, by name.

A file of Keras 3 does not name its weights, and no file says how a layer's were made. So a layer's
weights are compared by their shapes, and by their names where both sides have these.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from buildtrace.comparison.difference import Change, Location
from buildtrace.traces.normalize import automatic
from buildtrace.traces.saved_parts import renamed
from buildtrace.traces.wording import layer, listed, sanitize_long, shape_in_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.traces.schema import LayerRef, Weight
    from buildtrace.traces.trace import Trace


def changes(left: Trace, right: Trace) -> Iterator[Change]:
    """What keeps the weights of one side from being loaded into the other."""
    sides = _Side(left), _Side(right)
    first = 0 if left.saved else 1
    yield from _Fit(sides, first).changes()


class _Side:
    """The layers of a trace, and the weights in each.

    Attributes:
        outermost: the layers right inside of the outermost models, or outside of any.
    """

    def __init__(self, trace: Trace) -> None:
        self.refs = trace.layers
        self._weights: dict[int, list[Weight]] = {}
        self._inside: dict[int | None, list[int]] = {}
        if trace.saved:
            self._of_file(trace)
        else:
            self._of_run(trace)
        tops = self._inside.get(None, [])
        members = [inner for top in tops for inner in self._inside.get(top, [])]
        is_whole = trace.saved is None or trace.saved.has_config
        self.outermost = members if is_whole and members else tops
        self.by_name = {self.refs[id_].name: id_ for id_ in reversed(list(self._weights))}

    def _of_file(self, trace: Trace) -> None:
        assert trace.saved is not None
        around = {one.id: one.within for one in trace.saved.layers}
        for one in trace.saved.layers:
            self._inside.setdefault(one.within, []).append(one.id)
        for weight in trace.weights:
            inside = weight.layer
            while inside is not None and inside in around:
                self._weights.setdefault(inside, []).append(weight)
                inside = around[inside]

    def _of_run(self, trace: Trace) -> None:
        nested = trace.index.nested_models
        for graph in trace.graphs:
            self._inside[graph.model.id] = list(
                dict.fromkeys(node.layer for node in graph.nodes if node.layer is not None)
            )
            if graph.model.id not in nested:
                self._inside.setdefault(None, []).append(graph.model.id)
        for id_ in self.refs:
            if own := trace.index.weights_within(id_):
                self._weights[id_] = own

    def weights(self, layer_id: int) -> list[Weight]:
        """The weights of a layer, those of the layers in it included."""
        return self._weights.get(layer_id, [])

    def inside(self, layer_id: int) -> list[int]:
        """The layers right inside of one that have weights."""
        return [inner for inner in self._inside.get(layer_id, []) if self.weights(inner)]

    def units(self) -> list[int]:
        """The outermost layers that have weights."""
        return [id_ for id_ in self.outermost if self.weights(id_)]


class _Fit:
    """The comparison; `first` is the side that is a file, whose layers are looked up."""

    def __init__(self, sides: tuple[_Side, _Side], first: int) -> None:
        self.sides = sides
        self.first = first

    def changes(self) -> Iterator[Change]:
        """Layer by layer, then those that only the other side has."""
        one, other = self.sides[self.first], self.sides[1 - self.first]
        pairs = _pairs(one, one.units(), other, other.units())
        reached = {w.id for partner in pairs.values() for w in other.weights(partner)}
        alone = [id_ for id_ in one.units() if id_ not in pairs]
        rest = [u for u in other.units() if not reached & {w.id for w in other.weights(u)}]
        new_names = renamed(
            {id_: _contents(one.weights(id_)) for id_ in alone},
            {id_: _contents(other.weights(id_)) for id_ in rest},
        )
        for id_ in one.units():
            if id_ in pairs:
                yield from self._layer(id_, pairs[id_])
            elif id_ in new_names:
                yield self._renamed(id_, new_names[id_])
            else:
                yield self._alone(self.first, id_)
        for id_ in rest:
            if id_ not in new_names.values():
                yield self._alone(1 - self.first, id_)

    def _layer(self, id_: int, partner: int) -> Iterator[Change]:
        """How a layer differs; what is in it, if that is known on both sides."""
        one, other = self.sides[self.first], self.sides[1 - self.first]
        ours, theirs = one.weights(id_), other.weights(partner)
        named = _are_named(ours) and _are_named(theirs)
        if _counted(ours, named) == _counted(theirs, named):
            return
        inner, others = one.inside(id_), other.inside(partner)
        pairs = _pairs(one, inner, other, others)
        if inner and len(pairs) == len(inner) == len(others):
            for number in inner:
                yield from self._layer(number, pairs[number])
            return
        before, after = (ours, theirs) if self.first == 0 else (theirs, ours)
        refs = (one.refs[id_], other.refs[partner])[:: 1 if self.first == 0 else -1]
        yield _change(_differing(other.refs[partner], before, after, named), refs[0], refs[1])

    def _renamed(self, id_: int, partner: int) -> Change:
        one, other = self.sides[self.first], self.sides[1 - self.first]
        left, right = (one.refs[id_], other.refs[partner])[:: 1 if self.first == 0 else -1]
        weights = listed([_said(weight) for weight in one.weights(id_)], most=6)
        text = f"layer {layer(left)} may be {layer(right)}, renamed: both have {weights}"
        return _change(text, left, right)

    def _alone(self, side: int, id_: int) -> Change:
        ref = self.sides[side].refs[id_]
        what = "removed" if side == 0 else "added"
        weights = listed([_said(weight) for weight in self.sides[side].weights(id_)], most=6)
        text = f"layer {layer(ref)} {what}, with {weights}"
        return _change(text, ref if side == 0 else None, ref if side == 1 else None)


def _pairs(one: _Side, ours: list[int], other: _Side, theirs: list[int]) -> dict[int, int]:
    """Which layer is which: by name, and of names that Keras has numbered by their order."""
    free = dict.fromkeys(theirs)
    pairs: dict[int, int] = {}
    for id_ in ours:
        partner = other.by_name.get(one.refs[id_].name)
        if partner is not None and (partner in free or partner not in other.outermost):
            pairs[id_] = partner
            free.pop(partner, None)
    for id_ in ours:
        if id_ not in pairs:
            ref = one.refs[id_]
            partner = next((p for p in free if _alike(ref, other.refs[p])), None)
            if partner is not None:
                pairs[id_] = partner
                del free[partner]
    return pairs


def _alike(one: LayerRef, other: LayerRef) -> bool:
    """Whether only a number that Keras gave tells two names apart; a file may not say the class."""
    stems = [re.sub(r"_\d+$", "", ref.name) for ref in (one, other)]
    class_name = one.class_name or other.class_name
    return stems[0] == stems[1] and automatic(one.name, class_name) is not None


# -- the weights of one layer -----------------------------------------------------------------


def _are_named(weights: list[Weight]) -> bool:
    """Whether these have names, not just numbers."""
    return not any(weight.name.isdecimal() for weight in weights)


def _counted(weights: list[Weight], named: bool) -> Counter[tuple[object, ...]]:
    return Counter(_key(weight, named) for weight in weights)


def _contents(weights: list[Weight]) -> list[tuple[object, ...]]:
    """What a layer holds, whatever its weights are called: their names may have the layer's."""
    return [_key(weight, named=False) for weight in weights]


def _key(weight: Weight, named: bool) -> tuple[object, ...]:
    return (weight.shape, weight.dtype, weight.name) if named else (weight.shape, weight.dtype)


def _differing(ref: LayerRef, before: list[Weight], after: list[Weight], named: bool) -> str:
    """What is different between the weights of a layer, in one line."""
    gone = _without(before, after, named)
    new = _without(after, before, named)
    if len(before) == len(after) and len(gone) == len(new):
        pairs = list(zip(gone, new, strict=True))
        if named and all(a.shape == b.shape and a.dtype == b.dtype for a, b in pairs):
            return f"{layer(ref)}: renamed: {listed([f'{a.name} → {b.name}' for a, b in pairs])}"
        return f"{layer(ref)}: {listed([f'{_said(a)} → {_said(b)}' for a, b in pairs], most=6)}"
    parts = []
    if gone:
        parts.append(f"lacks {listed([_said(weight) for weight in gone], most=6)}")
    if new:
        parts.append(f"has in addition {listed([_said(weight) for weight in new], most=6)}")
    return f"{layer(ref)} {', and '.join(parts)}"


def _without(weights: list[Weight], others: list[Weight], named: bool) -> list[Weight]:
    """Those that the others have no counterpart of, in order."""
    left = _counted(others, named)
    rest = []
    for weight in weights:
        key = _key(weight, named)
        if left[key]:
            left[key] -= 1
        else:
            rest.append(weight)
    return rest


def _said(weight: Weight) -> str:
    """A weight by its name, if it has one, and its shape."""
    name = "" if weight.name.isdecimal() else f"{weight.name} "
    dtype = "" if weight.dtype == "float32" else f" {weight.dtype}"
    return f"{name}{shape_in_words(weight.shape)}{dtype}"


def _change(message: str, left: LayerRef | None, right: LayerRef | None) -> Change:
    return Change(
        kind="weights",
        severity="error",
        message=sanitize_long(message),
        left=Location(layer=left) if left else None,
        right=Location(layer=right) if right else None,
    )
