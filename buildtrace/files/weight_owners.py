"""Finds whose the arrays of a file are: which layer of the config, or the optimizer.

Keras has two ways to lay out the weights of a file. The old one has a group for each layer's name,
and in it Keras' full name of each weight. The new one has a group for each attribute that leads to
a layer; in a list of layers it is called by its class, and numbered where that is not enough.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from buildtrace.traces.saved_parts import LISTS, OLD_LIST, OPTIMIZER, STATES, VARIABLES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from buildtrace.files.configs import ConfiguredLayer
    from buildtrace.files.contents import Store, StoredArray

RENAMED = {"forward_layer": "layer"}
"""Attributes that are called otherwise in the config: those of Bidirectional."""

WHOLE_MODEL = "model_weights"
"""The group of the weights in an old file that has more than these."""


class Owner(NamedTuple):
    """Whose an array is.

    Attributes:
        layer: the layer; `None` if it is not among those of the config.
        state: what it belongs to that is no layer; "" if it is a weight.
    """

    layer: ConfiguredLayer | None = None
    state: str = ""


class Owners:
    """Whose the arrays of a store are."""

    def __init__(self, root: ConfiguredLayer | None, store: Store) -> None:
        self._root = root
        self._store = store
        self._by_group: dict[int, dict[str, ConfiguredLayer]] = {}
        self._by_name: dict[int, dict[str, ConfiguredLayer]] = {}

    def of(self, array: StoredArray) -> Owner:
        """Whose this one is."""
        groups = array.path[:-1]
        if self._store.is_legacy:
            if groups and groups[0] == "optimizer_weights":
                return Owner(state=OPTIMIZER)
            return Owner(self._root and self._named(self._root, groups))
        state = next((STATES[group] for group in groups if group in STATES), "")
        if state and not self._is_layer_called_so(groups):
            return Owner(state=state)
        return Owner(self._root and self._reached(self._root, groups))

    def _is_layer_called_so(self, groups: tuple[str, ...]) -> bool:
        """Whether a group with such a name is that of a layer, which stands in a list of them."""
        return any(
            group in STATES and at and groups[at - 1] in LISTS for at, group in enumerate(groups)
        )

    def _reached(self, layer: ConfiguredLayer, groups: tuple[str, ...]) -> ConfiguredLayer:
        """The layer that the attributes lead to, from this one on as far as the config knows."""
        at = 0
        while at < len(groups) and groups[at] != VARIABLES:
            listed = groups[at] in LISTS and layer.is_model and at + 1 < len(groups)
            inner = (
                self._listed(layer, groups, at)
                if listed
                else _part(layer, groups[at], groups[at + 1 : at + 2])
            )
            if inner is None:
                break
            at += 2 if listed or sum(p.attribute == inner.attribute for p in layer.parts) > 1 else 1
            layer = inner
        return layer

    def _listed(
        self, model: ConfiguredLayer, groups: tuple[str, ...], at: int
    ) -> ConfiguredLayer | None:
        """A model's layer; newer files of Keras 3 have its name, which says it for sure."""
        if model.id not in self._by_group:
            twice = self._filled(groups[: at + 1]) if groups[at] == OLD_LIST else frozenset()
            self._by_group[model.id] = _in_groups(model.members, twice)
            self._by_name[model.id] = {member.name: member for member in model.members}
        name = self._store.names.get("/".join((*groups[: at + 2], VARIABLES)), "")
        named = self._by_name[model.id].get(name)
        return named or self._by_group[model.id].get(groups[at + 1])

    def _filled(self, groups: tuple[str, ...]) -> frozenset[str]:
        """The groups right inside of one that have arrays in them."""
        length = len(groups)
        paths = (array.path for array in self._store.arrays)
        return frozenset(path[length] for path in paths if path[:length] == groups)

    def _named(self, layer: ConfiguredLayer, groups: tuple[str, ...]) -> ConfiguredLayer:
        """The innermost layer whose name is on the way, as a whole; names may have a slash."""
        way = groups[1:] if groups[:1] == (WHOLE_MODEL,) else groups
        at = 0
        while at < len(way):
            if layer.id not in self._by_name:
                self._by_name[layer.id] = {inner.name: inner for inner in layer.inside}
            names = self._by_name[layer.id]
            ends = range(len(way), at, -1)
            end = next((end for end in ends if "/".join(way[at:end]) in names), None)
            if end is None:
                at += 1
            else:
                layer, at = names["/".join(way[at:end])], end
        return layer


def _part(layer: ConfiguredLayer, group: str, then: tuple[str, ...]) -> ConfiguredLayer | None:
    """The layer that an attribute of another one holds, or one of the list that it holds."""
    attribute = RENAMED.get(group, group)
    own = [part for part in layer.parts if part.attribute == attribute]
    if len(own) < 2:
        return next(iter(own), None)
    return _in_groups(own).get(then[0] if then else "")


def _in_groups(
    layers: Iterable[ConfiguredLayer], twice: frozenset[str] = frozenset()
) -> dict[str, ConfiguredLayer]:
    """Layers of one list by the names that their groups get.

    Args:
        layers: in the order of the list.
        twice: the names of those that stand in the list twice.
    """
    seen: Counter[str] = Counter()
    groups = {}
    for layer in layers:
        name = _snake_case(layer.class_name)
        group = f"{name}_{seen[name]}" if seen[name] else name
        groups[group] = layer
        seen[name] += 2 if group in twice else 1
    return groups


def _snake_case(class_name: str) -> str:
    """A class' name as Keras calls its group: "conv2d", "batch_normalization"."""
    name = re.sub(r"\W+", "", class_name.rpartition(">")[2])  # behind the package
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()
