"""BT905: an entry of a layout map with more axes, or fewer, than the variable has."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from buildtrace.diagnosis import spread
from buildtrace.diagnosis.rule import Rule
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.traces.schema import Distribution, Finding, LayoutPattern
    from buildtrace.traces.trace import Trace


def _check(trace: Trace) -> Iterator[Finding]:
    for distribution in trace.distributions:
        for place, entry in enumerate(distribution.patterns):
            variables = [v for v in spread.meant(trace, distribution) if v.place == place]
            variables.sort(key=lambda variable: len(variable.shape))
            for rank, of_rank in groupby(variables, key=lambda variable: len(variable.shape)):
                yield from _of_rank(distribution, entry, rank, list(of_rank))


def _of_rank(
    distribution: Distribution, entry: LayoutPattern, rank: int, variables: list[spread.Meant]
) -> Iterator[Finding]:
    axes = entry.axes
    if len(axes) > rank:
        yield RULE.finding(
            f"{_opening(entry)} has {wording.count(len(axes), 'axis', 'axes')}, and "
            f"{spread.places(variables)} {_has(variables)} {rank}.",
            fix=_fix(entry, variables[0], rank),
            calls=[variable.call for variable in variables if variable.call is not None],
            caller=entry.caller or distribution.caller,
            layer=variables[0].layer,
        )
    elif any(axes) and len(axes) < rank:
        yield RULE.finding(
            f"{_opening(entry)} has {wording.count(len(axes), 'axis', 'axes')}, and "
            f"{spread.places(variables)} {_has(variables)} {rank}: an entry is about the first "
            "axes of a variable, and the others are not split.",
            fix=_fix(entry, variables[0], rank),
            calls=[variable.call for variable in variables if variable.call is not None],
            caller=entry.caller or distribution.caller,
            layer=variables[0].layer,
            severity="note",
        )


def _opening(entry: LayoutPattern) -> str:
    text = spread.said(entry)
    return text[0].upper() + text[1:]


def _has(variables: list[spread.Meant]) -> str:
    return "has" if len(variables) == 1 else "have"


def _fix(entry: LayoutPattern, variable: spread.Meant, rank: int) -> str:
    """An entry for this path, which Keras takes before any pattern, with as many axes."""
    names = [axis for axis in entry.axes if axis]
    kept = ((), *entry.axes)[-rank:] if len(entry.axes) >= rank else (*entry.axes, *[()] * rank)
    axes = tuple(kept[:rank]) if rank else ()
    if names and rank and not any(axes):
        axes = (*[()] * (rank - 1), names[0])
    return f"{spread.setting(variable.path, axes)}  # one for each axis of the variable"


RULE = Rule(
    code="BT905",
    title="an entry of a layout map with another number of axes",
    severity="error",
    generations=("keras3",),
    backend="jax",
    why="An entry of a layout map has one name, or `None`, for each axis of the variable. Keras "
    "does not compare the two (TensorLayout in distribution/distribution_lib.py of keras 3.15.1), "
    "and hands it on to JAX. With more axes than the variable has, JAX fails of an index, or says "
    "that the sharding is for another rank, and names no variable. With fewer, the last axes are "
    "not split.",
    bad="""\
import os

os.environ["KERAS_BACKEND"] = "jax"
os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=8"
import keras
from keras import distribution as dist

mesh = dist.DeviceMesh((2, 4), ("batch", "model"), dist.list_devices())
layout_map = dist.LayoutMap(mesh)
layout_map[".*dense.*"] = (None, "model")
dist.set_distribution(dist.ModelParallel(layout_map=layout_map, batch_dim_name="batch"))
model = keras.Sequential([keras.Input((16,)), keras.layers.Dense(8)])
""",
    good="""\
import os

os.environ["KERAS_BACKEND"] = "jax"
os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=8"
import keras
from keras import distribution as dist

mesh = dist.DeviceMesh((2, 4), ("batch", "model"), dist.list_devices())
layout_map = dist.LayoutMap(mesh)
layout_map[".*dense.*/kernel"] = (None, "model")
layout_map[".*dense.*/bias"] = ("model",)
dist.set_distribution(dist.ModelParallel(layout_map=layout_map, batch_dim_name="batch"))
model = keras.Sequential([keras.Input((16,)), keras.layers.Dense(8)])
""",
    check=_check,
)
