"""BT902: an entry of a layout map that is for other variables before Keras 3.14 than since."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.diagnosis import spread
from buildtrace.diagnosis.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.traces.schema import (
        Distribution,
        Finding,
        LayoutPattern,
        PartMatch,
        Severity,
        Weight,
    )
    from buildtrace.traces.trace import Trace


def _check(trace: Trace) -> Iterator[Finding]:
    for distribution in trace.distributions:
        weights = {weight.path: weight for weight in spread.weights_of(trace, distribution)}
        for number, entry in enumerate(distribution.patterns):
            matched = [(m, weights[m.path]) for m in entry.partly if m.path in weights]
            if spread.looks_for_parts(trace):
                yield from _until_now(trace, distribution, entry, number, matched)
            elif entry.variables:  # else BT901 has it
                yield from _no_more(trace, distribution, entry, matched)


def _until_now(
    trace: Trace,
    distribution: Distribution,
    entry: LayoutPattern,
    number: int,
    matched: list[tuple[PartMatch, Weight]],
) -> Iterator[Finding]:
    """On Keras up to 3.13, which has found them."""
    found = [(m, w) for m, w in matched if w.layout and w.layout.pattern == number]
    if found and any(entry.axes):
        weights = [weight for _, weight in found]
        yield _finding(
            trace,
            distribution,
            entry,
            found,
            f"Keras {_version(trace)} finds {spread.said(entry)} for {spread.places(weights)} "
            "since it matches a part of the path. From 3.14 on, Keras wants it to match the whole "
            f"path: there {_each(weights)} whole on each of {distribution.devices} devices, and "
            "nothing is said of it.",
            severity="note",
        )


def _no_more(
    trace: Trace,
    distribution: Distribution,
    entry: LayoutPattern,
    matched: list[tuple[PartMatch, Weight]],
) -> Iterator[Finding]:
    """On Keras since 3.14: of those that no entry is for, and whose end it matches."""
    left = [
        (match, weight)
        for match, weight in matched
        if weight.layout
        and weight.layout.pattern is None
        and match.end == len(match.path)
        and len(weight.shape) == len(entry.axes)
    ]
    if left and any(entry.axes):
        weights = [weight for _, weight in left]
        yield _finding(
            trace,
            distribution,
            entry,
            left,
            f"Keras {_version(trace)} does not find {spread.said(entry)} for "
            f"{spread.places(weights)}: it matches the end of the path, and since 3.14 Keras wants "
            f"it to match the whole. So {_each(weights)} whole on each of {distribution.devices} "
            "devices; up to 3.13 they are split.",
        )


def _finding(
    trace: Trace,
    distribution: Distribution,
    entry: LayoutPattern,
    matched: list[tuple[PartMatch, Weight]],
    message: str,
    severity: Severity | None = None,
) -> Finding:
    wider = spread.widened(entry.pattern, [match for match, _ in matched])
    return RULE.finding(
        message,
        fix=spread.setting(wider, entry.axes),
        calls=[weight.call for _, weight in matched if weight.call is not None],
        caller=entry.caller or distribution.caller,
        edits=spread.rewritten(trace, distribution, entry, wider),
        severity=severity,
    )


def _version(trace: Trace) -> str:
    return ".".join(map(str, spread.version_of(trace)))


def _each(weights: list[Weight]) -> str:
    return "it is" if len(weights) == 1 else "they are"


RULE = Rule(
    code="BT902",
    title="an entry of a layout map that depends on the version of Keras",
    severity="warning",
    generations=("keras3",),
    backend="jax",
    why="Up to 3.13, LayoutMap.__getitem__ in distribution/distribution_lib.py searches the path "
    "of a variable for the pattern (`re.search`); in keras 3.14 and later the pattern has to match "
    "all of it (`re.fullmatch`). A pattern without `.*` at its beginning is for the variables of "
    "inner models, and of models that have a name, on the older versions alone. A variable that no "
    "entry matches is put on every device as a whole.",
    bad="""\
import os

os.environ["KERAS_BACKEND"] = "jax"
os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=8"
import keras
from keras import distribution as dist

mesh = dist.DeviceMesh((2, 4), ("batch", "model"), dist.list_devices())
layout_map = dist.LayoutMap(mesh)
layout_map["dense.*/kernel"] = (None, "model")
dist.set_distribution(dist.ModelParallel(layout_map=layout_map, batch_dim_name="batch"))
inputs = keras.Input((16,))
x = keras.layers.Dense(8, name="dense_in")(inputs)
head = keras.Sequential([keras.Input((8,)), keras.layers.Dense(4, name="dense_out")], name="head")
model = keras.Model(inputs, head(x))
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
dist.set_distribution(dist.ModelParallel(layout_map=layout_map, batch_dim_name="batch"))
inputs = keras.Input((16,))
x = keras.layers.Dense(8, name="dense_in")(inputs)
head = keras.Sequential([keras.Input((8,)), keras.layers.Dense(4, name="dense_out")], name="head")
model = keras.Model(inputs, head(x))
""",
    check=_check,
)
