"""BT903: a large weight that is on every device, in a model that is split over them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from buildtrace.diagnosis import spread
from buildtrace.diagnosis.rule import Rule
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.traces.schema import Distribution, Finding, MeshAxes, Weight
    from buildtrace.traces.trace import Trace

_LEAST = 16 * 2**20
"""So many bytes a weight has at least that is worth a word; biases and scales have fewer."""

_SHARE = 20
"""And it is at least one part in so many of all that a device holds of weights."""


def _check(trace: Trace) -> Iterator[Finding]:
    for distribution in trace.distributions:
        weights = spread.weights_of(trace, distribution)
        if not any(any(weight.layout.axes) for weight in weights if weight.layout):
            continue  # nothing is split: the model is not meant to be, or BT901 has it
        on_device = sum(_on_device(distribution, weight) for weight in weights)
        heavy = [weight for weight in weights if _is_heavy(weight, on_device)]
        if heavy:
            heavy.sort(key=spread.size_of, reverse=True)
            yield _finding(distribution, heavy, on_device)


def _on_device(distribution: Distribution, weight: Weight) -> int:
    """How many bytes of a weight each device holds."""
    axes = weight.layout.axes if weight.layout else ()
    return spread.size_of(weight) // max(1, math.prod(spread.parts(distribution, axes)))


def _is_heavy(weight: Weight, on_device: int) -> bool:
    """Whether a weight is large, and whole without anybody having said that it is to be."""
    layout, size = weight.layout, spread.size_of(weight)
    if layout is None or layout.pattern is not None or not spread.is_whole(layout):
        return False
    return len(weight.shape) > 1 and size >= max(_LEAST, on_device // _SHARE)


def _finding(distribution: Distribution, heavy: list[Weight], on_device: int) -> Finding:
    first, together = heavy[0], sum(map(spread.size_of, heavy))
    listed = wording.listed(map(_with_size, heavy), most=4)
    is_one = len(heavy) == 1
    return RULE.finding(
        f"No entry of the layout map is for {listed}: {'it is' if is_one else 'they are'} whole on "
        f"each of the {wording.mesh(distribution)}, "
        f"{'' if is_one else wording.size_in_memory(together) + ' in all, '}"
        f"{round(100 * together / max(1, on_device))} % of what a device holds of weights.",
        fix=spread.setting(first.path, _axes(distribution, first)),
        calls=[weight.call for weight in heavy if weight.call is not None],
        caller=distribution.caller,
        layer=first.layer,
    )


def _with_size(weight: Weight) -> str:
    size = wording.size_in_memory(spread.size_of(weight))
    facts = wording.sizes(weight.shape), wording.sanitize(weight.dtype), size
    return f"{wording.quoted(weight.path)} ({', '.join(facts)})"


def _axes(distribution: Distribution, weight: Weight) -> MeshAxes:
    """A way to split the weight: its longest axis that can be, along an axis that batches are not.

    Where none of them fits, it is left to the user to find one.
    """
    sizes = dict(zip(distribution.mesh_axes, distribution.mesh_shape, strict=False))
    names = [name for name in sizes if name != distribution.batch_axis] or list(sizes)
    ways = [
        (size or 0, -place, name)
        for place, size in enumerate(weight.shape)
        for name in names
        if sizes[name] > 1 and (size or 0) % sizes[name] == 0
    ]
    _, place, name = max(ways, default=(0, 0, names[0] if names else "..."))
    return tuple((name,) if axis == -place else () for axis in range(len(weight.shape)))


RULE = Rule(
    code="BT903",
    title="a large weight that is whole on every device",
    severity="warning",
    generations=("keras3",),
    backend="jax",
    why="ModelParallel splits what an entry of its layout map is for, and puts all other variables "
    "on every device as a whole (ModelParallel.get_variable_layout in "
    "distribution/distribution_lib.py of keras 3.15.1); an optimizer keeps its variables in the "
    "same way. That is meant for biases, scales and such. One large weight more may be what runs "
    "out of memory. An entry that says so, such as `(None, None)`, is taken for what is meant.",
    bad="""\
import os

os.environ["KERAS_BACKEND"] = "jax"
os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=8"
import keras
from keras import distribution as dist

mesh = dist.DeviceMesh((2, 4), ("batch", "model"), dist.list_devices())
layout_map = dist.LayoutMap(mesh)
layout_map[".*up/kernel"] = (None, "model")
dist.set_distribution(dist.ModelParallel(layout_map=layout_map, batch_dim_name="batch"))
inputs = keras.Input((2048,))
x = keras.layers.Dense(2048, name="up")(inputs)
model = keras.Model(inputs, keras.layers.Dense(2048, name="down")(x))
""",
    good="""\
import os

os.environ["KERAS_BACKEND"] = "jax"
os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=8"
import keras
from keras import distribution as dist

mesh = dist.DeviceMesh((2, 4), ("batch", "model"), dist.list_devices())
layout_map = dist.LayoutMap(mesh)
layout_map[".*up/kernel"] = (None, "model")
layout_map[".*down/kernel"] = ("model", None)
dist.set_distribution(dist.ModelParallel(layout_map=layout_map, batch_dim_name="batch"))
inputs = keras.Input((2048,))
x = keras.layers.Dense(2048, name="up")(inputs)
model = keras.Model(inputs, keras.layers.Dense(2048, name="down")(x))
""",
    check=_check,
)
