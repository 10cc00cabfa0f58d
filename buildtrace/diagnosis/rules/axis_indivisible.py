"""BT904: an axis of a variable that cannot be split over as many devices as there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from buildtrace.diagnosis import spread
from buildtrace.diagnosis.rule import Rule
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.traces.schema import Distribution, Finding, LayoutPattern, MeshAxes
    from buildtrace.traces.trace import Trace


class _UnequalParts(NamedTuple):
    """An axis of a variable, and into how many parts it was to be split."""

    variable: spread.Meant
    axis: int
    parts: int
    names: tuple[str, ...]


def _check(trace: Trace) -> Iterator[Finding]:
    for distribution in trace.distributions:
        groups: dict[tuple[LayoutPattern | None, int, int], list[_UnequalParts]] = {}
        for variable in spread.meant(trace, distribution):
            for misfit in _misfits(distribution, variable):
                key = variable.entry, misfit.axis, misfit.variable.shape[misfit.axis] or 0
                groups.setdefault(key, []).append(misfit)
        for misfits in groups.values():
            yield _finding(distribution, misfits)


def _misfits(distribution: Distribution, variable: spread.Meant) -> Iterator[_UnequalParts]:
    axes: MeshAxes = variable.axes
    counts = spread.parts(distribution, axes)
    for axis, (size, parts) in enumerate(zip(variable.shape, counts, strict=False)):
        if parts > 1 and (size or 0) % parts:
            yield _UnequalParts(variable, axis, parts, axes[axis])


def _finding(distribution: Distribution, misfits: list[_UnequalParts]) -> Finding:
    first = misfits[0]
    entry, size = first.variable.entry, first.variable.shape[first.axis]
    variables = [misfit.variable for misfit in misfits]
    along = wording.listed(wording.quoted(name) for name in first.names)
    by = spread.said(entry) if entry else "their layout"
    return RULE.finding(
        f"Axis {first.axis} of {spread.places(variables)} has the size {size}, which cannot be "
        f"split into {first.parts} equal parts as {by} wants: the mesh of "
        f"{wording.mesh(distribution)} has {first.parts} along {along}.",
        fix=_fix(first, len(misfits)),
        calls=[variable.call for variable in variables if variable.call is not None],
        caller=(entry and entry.caller) or distribution.caller,
        layer=first.variable.layer,
    )


def _fix(misfit: _UnequalParts, number: int) -> str:
    """An entry for this path, which Keras takes before any pattern, without that axis."""
    variable = misfit.variable
    axes = [() if axis == misfit.axis else names for axis, names in enumerate(variable.axes)]
    others = "; and so for the others" if number > 1 else ""
    divides = f"or a mesh that divides {variable.shape[misfit.axis]}{others}"
    return f"{spread.setting(variable.path, tuple(axes))}  # {divides}"


RULE = Rule(
    code="BT904",
    title="an axis that the mesh of devices does not divide",
    severity="error",
    generations=("keras3",),
    backend="jax",
    why="JAX splits an axis into equal parts alone: its size has to be a multiple of the number of "
    "devices along the axes of the mesh that it is split over. Keras puts the layout on the value "
    "of each variable as it is made (distribute_tensor in backend/jax/distribution_lib.py of "
    "keras 3.15.1), and the error of the first that does not fit ends the build: it tells the "
    "shape and the mesh, and not which variable it is.",
    bad="""\
import os

os.environ["KERAS_BACKEND"] = "jax"
os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=8"
import keras
from keras import distribution as dist

mesh = dist.DeviceMesh((2, 4), ("batch", "model"), dist.list_devices())
layout_map = dist.LayoutMap(mesh)
layout_map[".*/kernel"] = (None, "model")
dist.set_distribution(dist.ModelParallel(layout_map=layout_map, batch_dim_name="batch"))
inputs = keras.Input((16,))
x = keras.layers.Dense(8, name="hidden")(inputs)
model = keras.Model(inputs, keras.layers.Dense(10, name="classes")(x))
""",
    good="""\
import os

os.environ["KERAS_BACKEND"] = "jax"
os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=8"
import keras
from keras import distribution as dist

mesh = dist.DeviceMesh((2, 4), ("batch", "model"), dist.list_devices())
layout_map = dist.LayoutMap(mesh)
layout_map["hidden/kernel"] = (None, "model")
dist.set_distribution(dist.ModelParallel(layout_map=layout_map, batch_dim_name="batch"))
inputs = keras.Input((16,))
x = keras.layers.Dense(8, name="hidden")(inputs)
model = keras.Model(inputs, keras.layers.Dense(10, name="classes")(x))
""",
    check=_check,
)
