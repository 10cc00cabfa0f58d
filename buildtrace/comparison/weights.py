"""How weights differ: what keeps those of one model from being loaded into the other, and more."""

from __future__ import annotations

from collections import Counter
from math import inf
from typing import TYPE_CHECKING

from buildtrace.comparison.alignment import out_of_order
from buildtrace.comparison.ranked_change import location, locations, ranked, specs
from buildtrace.traces.normalize import VARIABLE
from buildtrace.traces.wording import layer, listed, shape_in_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from buildtrace.comparison.layer_matching import LayerKey, LayerMatching
    from buildtrace.comparison.ranked_change import RankedChange
    from buildtrace.traces.schema import Severity, Weight

WeightPairs = list[tuple["Weight", "Weight"]]

WeightKey = tuple["LayerKey", str]
"""A layer of both sides, and the name of a weight of it."""

ASPECTS: tuple[tuple[str, Callable[[Weight], str | None]], ...] = (
    ("initializer", lambda weight: weight.initializer),
    ("regularizer", lambda weight: weight.regularizer),
    ("constraint", lambda weight: weight.constraint),
)
"""What a weight can be given besides what decides whether it can be loaded."""


def changes(matching: LayerMatching, *, other_graph: bool = False) -> Iterator[RankedChange]:
    """All differences of weights in layers that both sides have.

    Args:
        matching: both traces.
        other_graph: whether the graphs differ, so that it is no wonder if weights come in
            another order.
    """
    for left, right in matching.pairs():
        if not matching.replaced(left):
            yield from _OfLayer(matching, left, right).changes()
    for left, right in matching.pairs():
        both = left in matching.left.graphs and right in matching.right.graphs
        if both and matching.left.owner[left] is None:
            yield from _order(matching, left, right, follows=other_graph)


def by_name(weights: list[Weight]) -> dict[str, list[Weight]]:
    """The weights by name, in order of making."""
    names: dict[str, list[Weight]] = {}
    for weight in weights:
        names.setdefault(weight.name, []).append(weight)
    return names


class _OfLayer:
    """The weights of a layer that both sides have."""

    def __init__(self, matching: LayerMatching, left: int, right: int) -> None:
        self.matching = matching
        self.ids = left, right
        self.ref = matching.right.layers[right]
        self.old = matching.left.weights(left)
        self.new = matching.right.weights(right)

    def changes(self) -> Iterator[RankedChange]:
        """From the number of weights to their details."""
        if not self.old and not self.new:
            return
        pairs, removed, added = self._pairs()
        yield from self._number(removed, added)
        renamed = [(a, b) for a, b in pairs if a.name != b.name and not _unnamed(a, b)]
        if renamed:
            yield self._change(_arrows(renamed, lambda w: w.name, "renamed: "), renamed)
        shapes = [(a, b) for a, b in pairs if a.shape != b.shape]
        if shapes:
            yield self._shapes(shapes)
        yield from self._facts(pairs)
        if not renamed:
            yield from self._paths(pairs)

    def _pairs(self) -> tuple[WeightPairs, list[Weight], list[Weight]]:
        """The weights that belong together, and those that only one side has."""
        old, new = by_name(self.old), by_name(self.new)
        pairs: WeightPairs = []
        removed: list[Weight] = []
        added: list[Weight] = []
        for name in old | new:
            ours, theirs = old.get(name, []), new.get(name, [])
            both = min(len(ours), len(theirs))
            pairs += zip(ours[:both], theirs[:both], strict=True)
            removed += ours[both:]
            added += theirs[both:]
        for weight in removed[:]:
            other = next((w for w in added if _could_be(weight, w, self.old, self.new)), None)
            if other is not None:
                removed.remove(weight)
                added.remove(other)
                pairs.append((weight, other))
        pairs.sort(key=lambda pair: pair[1].id)
        return pairs, removed, added

    def _number(self, removed: list[Weight], added: list[Weight]) -> Iterator[RankedChange]:
        """Weights that only one side has, or that one side makes more often."""
        for weights, others, words in (
            (added, self.old, ("has a new weight", "has new weights", "makes")),
            (removed, self.new, ("lacks the weight", "lacks the weights", "no longer makes")),
        ):
            there = {weight.name for weight in others}
            again = [w for w in weights if w.name in there]
            plain = [w for w in weights if w.name not in there]
            if again:
                times = max(Counter(w.name for w in [*self.old, *self.new]).values())
                names = listed(list(dict.fromkeys(w.name for w in again)))
                often = (
                    "twice"
                    if len(again) == len({w.name for w in again})
                    else f"up to {times} times"
                )
                yield self._change(f"{words[2]} its weights {often}: {names}", [], "warning")
            if plain:
                what = listed([f"{w.name} {shape_in_words(w.shape)}" for w in plain])
                yield self._change(f"{words[len(plain) > 1]} {what}", [])

    def _shapes(self, pairs: WeightPairs) -> RankedChange:
        """Other shapes: because the layer is of another size, or because its input is."""
        given = [
            tree.inputs.get(id_, ())
            for tree, id_ in zip((self.matching.left, self.matching.right), self.ids, strict=True)
        ]
        text = _arrows(pairs, lambda w: shape_in_words(w.shape), "")
        if [spec.shape for spec in given[0]] == [spec.shape for spec in given[1]]:
            return self._change(f"resized: {text}", pairs)._replace(cause=True)
        why = f"its input is {specs(given[1])} now, was {specs(given[0])}"
        return self._change(text, pairs, why=why, follows=True)

    def _facts(self, pairs: WeightPairs) -> Iterator[RankedChange]:
        dtypes = [(a, b) for a, b in pairs if a.dtype != b.dtype]
        if dtypes:
            yield self._change(_arrows(dtypes, lambda w: w.dtype, "another dtype: "), dtypes)
        frozen = [(a, b) for a, b in pairs if a.trainable and not b.trainable]
        if frozen:
            names = listed([b.name for _, b in frozen])
            yield self._change(f"frozen: {names} not trainable any more", frozen, "warning")
        thawed = [(a, b) for a, b in pairs if b.trainable and not a.trainable]
        if thawed:
            names = listed([b.name for _, b in thawed])
            yield self._change(f"no longer frozen: {names} trainable now", thawed, "warning")
        for aspect, of in ASPECTS:
            other = [(a, b) for a, b in pairs if self._known(of(a), of(b)) and of(a) != of(b)]
            if other:
                text = _arrows(other, lambda w, of=of: of(w) or "none", f"another {aspect}: ")  # type: ignore[misc]
                yield self._change(text, other, "warning")

    def _known(self, old: str | None, new: str | None) -> bool:
        """Whether both are known: not every generation keeps it everywhere."""
        return not self.matching.generations_differ or (old is not None and new is not None)

    def _paths(self, pairs: WeightPairs) -> Iterator[RankedChange]:
        """Other full names, where that is not owed to a layer's name; generations differ in it."""
        if self.matching.generations_differ or not self.matching.names:
            return
        other = [(a, b) for a, b in pairs if self._scopes(a, 0) != self._scopes(b, 1)]
        if other:
            yield self._change(_arrows(other, lambda w: w.path, "another path: "), other, "warning")

    def _scopes(self, weight: Weight, number: int) -> list[str | int]:
        """The parts of its path: a name of the layer, or of one that it is in, says only which."""
        tree = (self.matching.left, self.matching.right)[number]
        return [tree.scope(part, self.ids[number]) for part in weight.path.split("/")[:-1]]

    def _change(
        self,
        text: str,
        pairs: WeightPairs,
        severity: Severity = "error",
        *,
        why: str = "",
        follows: bool = False,
    ) -> RankedChange:
        left, right = self.ids
        name = layer(self.ref)
        joint = " " if text.startswith(("has ", "lacks ", "makes ", "no longer makes")) else ": "
        if text.startswith(("frozen", "no longer frozen", "resized")):
            joint = " "
        return ranked(
            "weights",
            f"{name}{joint}{text}",
            location(self.matching.left, left, weights=[a.id for a, _ in pairs]),
            location(self.matching.right, right, weights=[b.id for _, b in pairs]),
            position=self.matching.position(self.matching.right, right),
            severity=severity,
            why=why,
            follows=follows,
        )


def _could_be(old: Weight, new: Weight, before: list[Weight], after: list[Weight]) -> bool:
    """Whether a weight that is missing is a new one, under another name."""
    kept = old.name not in {w.name for w in after} and new.name not in {w.name for w in before}
    return kept and old.shape == new.shape


def _unnamed(old: Weight, new: Weight) -> bool:
    """Whether Keras made both names up."""
    return bool(VARIABLE.match(old.name) and VARIABLE.match(new.name))


def _arrows(pairs: WeightPairs, of: Callable[[Weight], str], before: str) -> str:
    """What was and what is, weights of the same change together."""
    groups: dict[tuple[str, str], list[str]] = {}
    for old, new in pairs:
        groups.setdefault((of(old), of(new)), []).append(new.name)
    texts = [f"{listed(names)} {was} → {now}" for (was, now), names in groups.items()]
    if before == "renamed: ":
        texts = [f"{was} → {now}" for was, now in groups]
    return before + ", ".join(texts)


def _order(
    matching: LayerMatching, left: int, right: int, *, follows: bool
) -> Iterator[RankedChange]:
    """Whether `model.weights` has what both have in the same order."""
    keys: list[list[WeightKey]] = []
    for tree, id_ in ((matching.left, left), (matching.right, right)):
        by_id = tree.trace.index.weight_by_id
        row = []
        for number in tree.graphs[id_].weights:
            weight = by_id.get(number)
            if weight is not None and weight.layer is not None:
                row.append((matching.key(tree, weight.layer), weight.name))
        keys.append(row)
    common = set(keys[0]) & set(keys[1])
    rows = [[key for key in row if key in common] for row in keys]
    if rows[0] == rows[1] or len(set(rows[0])) < len(rows[0]) or len(rows[0]) != len(rows[1]):
        return
    moved = [rows[1][n] for _, n in out_of_order(*rows)]
    names = listed([_named(matching, key) for key in moved[:4]] + ["others"] * (len(moved) > 4))
    model = matching.right.layers[right]
    yield ranked(
        "weights",
        f"the weights of {layer(model)} are in another order: {names} moved",
        *locations(matching, left, right),
        position=inf,  # whatever was done, it was done to a layer before
        severity="error",
        follows=follows,
        why="files of weights are read in this order, unless they go by layers' names",
    )


def _named(matching: LayerMatching, key: WeightKey) -> str:
    owner, name = key
    return f"{matching.left.layers[owner[1]].name}/{name}"
