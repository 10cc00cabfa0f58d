"""BT907: a weight that no entry of a layout map is for, though there is one for its like."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from buildtrace.diagnosis import spread
from buildtrace.diagnosis.rule import Rule
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.traces.schema import Distribution, Finding, LayoutPattern, Weight
    from buildtrace.traces.trace import Trace

_LEAST = 2
"""So many of its like an entry is for, before one speaks of one that was left out."""


def _check(trace: Trace) -> Iterator[Finding]:
    for distribution in trace.distributions:
        weights = [w for w in spread.weights_of(trace, distribution) if len(w.shape) > 1]
        told: set[int] = set()
        for group in (*_of_blocks(weights), *_of_layers(trace, weights)):
            named, left = _divided(group)
            left = [weight for weight in left if weight.id not in told]
            if len(named) >= max(_LEAST, len(left) + 1) and left:
                told |= {weight.id for weight in left}
                yield _finding(distribution, named, left)


def _of_blocks(weights: list[Weight]) -> Iterator[list[Weight]]:
    """Weights of one shape at the same place of several blocks."""
    groups: dict[object, list[Weight]] = defaultdict(list)
    for weight in weights:
        groups[spread.place_of(weight.path), weight.shape].append(weight)
    yield from groups.values()


def _of_layers(trace: Trace, weights: list[Weight]) -> Iterator[list[Weight]]:
    """Weights of one name and shape, of layers of one class that are together in another."""
    groups: dict[object, list[Weight]] = defaultdict(list)
    for weight in weights:
        ref = None if weight.layer is None else trace.layers.get(weight.layer)
        around = weight.path.split("/")[:-2]
        if ref is not None and around:
            groups[tuple(around), ref.class_name, weight.name, weight.shape].append(weight)
    yield from groups.values()


def _divided(group: list[Weight]) -> tuple[list[Weight], list[Weight]]:
    """Those that an entry is for that splits them, and those that none is for."""
    named, left = [], []
    for weight in group:
        if weight.layout is not None and weight.layout.pattern is None:
            if spread.is_whole(weight.layout):
                left.append(weight)
        elif weight.layout is not None and any(weight.layout.axes):
            named.append(weight)
    return named, left


def _finding(distribution: Distribution, named: list[Weight], left: list[Weight]) -> Finding:
    entries = [spread.entry_of(distribution, weight.layout) for weight in named if weight.layout]
    entry = next((entry for entry in entries if entry is not None), None)
    are = "it is" if len(left) == 1 else "they are"
    like = wording.listed([wording.quoted(weight.path) for weight in named], most=3)
    by = f" ({wording.quoted(entry.pattern)})" if entry else ""
    return RULE.finding(
        f"The layout map has no entry for {wording.listed(map(_named, left), most=4)}, and has one "
        f"for {like}{by}: {are} whole on each of {distribution.devices} devices, and the others "
        "are split.",
        fix=_fix(left[0], entry, named[0]),
        calls=[weight.call for weight in left if weight.call is not None],
        caller=(entry and entry.caller) or distribution.caller,
        layer=left[0].layer,
    )


def _named(weight: Weight) -> str:
    return f"{wording.quoted(weight.path)} ({wording.sizes(weight.shape)})"


def _fix(weight: Weight, entry: LayoutPattern | None, like: Weight) -> str:
    axes = entry.axes if entry else like.layout.axes if like.layout else ()
    return spread.setting(weight.path, axes)


RULE = Rule(
    code="BT907",
    title="a weight that was left out of the layout map, unlike its like",
    severity="warning",
    generations=("keras3",),
    backend="jax",
    why="An entry of a layout map is for the variables whose paths it matches, and no other: "
    "ModelParallel.get_variable_layout in distribution/distribution_lib.py of keras 3.15.1 puts "
    "the rest on every device as a whole. Where most weights of a kind are split, as that of the "
    "same place in each block, and one is not, its path has another name than the pattern expects: "
    "a number with two digits, a renamed layer, a block of another model.",
    bad="""\
import os

os.environ["KERAS_BACKEND"] = "jax"
os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=8"
import keras
from keras import distribution as dist

mesh = dist.DeviceMesh((2, 4), ("batch", "model"), dist.list_devices())
layout_map = dist.LayoutMap(mesh)
layout_map["block_[1-3]/up/kernel"] = (None, "model")
dist.set_distribution(dist.ModelParallel(layout_map=layout_map, batch_dim_name="batch"))
blocks = [
    keras.Sequential([keras.Input((8,)), keras.layers.Dense(8, name="up")], name=f"block_{number}")
    for number in range(4)
]
x = inputs = keras.Input((8,))
for block in blocks:
    x = block(x)
model = keras.Model(inputs, x)
""",
    good="""\
import os

os.environ["KERAS_BACKEND"] = "jax"
os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=8"
import keras
from keras import distribution as dist

mesh = dist.DeviceMesh((2, 4), ("batch", "model"), dist.list_devices())
layout_map = dist.LayoutMap(mesh)
layout_map["block_[0-3]/up/kernel"] = (None, "model")
dist.set_distribution(dist.ModelParallel(layout_map=layout_map, batch_dim_name="batch"))
blocks = [
    keras.Sequential([keras.Input((8,)), keras.layers.Dense(8, name="up")], name=f"block_{number}")
    for number in range(4)
]
x = inputs = keras.Input((8,))
for block in blocks:
    x = block(x)
model = keras.Model(inputs, x)
""",
    check=_check,
)
