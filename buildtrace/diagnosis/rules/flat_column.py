"""BT343: a Normalization was adapted to a flat column, and takes it for a single sample."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from buildtrace.diagnosis import edits
from buildtrace.diagnosis.parsed_files import maker_of
from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.traces.schema import Call, Finding
    from buildtrace.traces.trace import Trace

_NAME = "Normalization"
_SIZE_UNKNOWN = re.compile(r"`axis` values to be kept must have (?:a )?known shape")


def _check(trace: Trace) -> Iterator[Finding]:
    for build in trace.index.calls_by_name.get(f"{_NAME}.build", ()):
        sizes = build.inputs[0].shape if build.inputs else None
        if sizes is None or len(sizes) != 1 or not _is_of_adapt(trace, build):
            continue
        if build.error is not None:
            if _SIZE_UNKNOWN.search(build.error.message):
                yield _finding(trace, build, "fails over it")
        elif (number := _numbers_kept(trace, build)) > 1:
            yield _finding(
                trace,
                build,
                f"takes it for one sample of {number:,} features: it has a mean for each of its "
                "numbers, and the variance 0",
            )


def _is_of_adapt(trace: Trace, build: Call) -> bool:
    line = build.caller
    return line is not None and ".adapt(" in trace.index.source_code.statement(line)


def _numbers_kept(trace: Trace, build: Call) -> int:
    """For how many features the layer has a mean of its own: none, if it has one for all."""
    sizes = [weight.shape for weight in trace.index.weights_made_in(build) if weight.name == "mean"]
    return (sizes[0][0] or 0) if sizes and len(sizes[0]) == 1 else 0


def _finding(trace: Trace, build: Call, what: str) -> Finding:
    layer = build.layer
    assert layer is not None
    maker = maker_of(trace, layer, build.caller)
    return RULE.finding(
        f"{wording.layer(layer)} is adapted at {wording.line(build.caller)} to a flat column of "
        f"numbers, without an axis for features, and {what}.",
        fix="keras.layers.Normalization(axis=None)  # one mean and one variance for all numbers",
        calls=[build.id],
        caller=build.caller,
        layer=layer.id,
        edits=edits.argument(trace, maker, _NAME, "axis", "None", place=0),
    )


RULE = Rule(
    code="BT343",
    title="a Normalization adapted to a flat column",
    severity="error",
    generations=BOTH,
    why="A Normalization keeps a mean for each place on its last axis, the features. A column of "
    "numbers has no other axis: Keras 3 takes each number for a feature of its own, without a word "
    "(Normalization.adapt and build in layers/preprocessing/normalization.py of keras 3.15.1); "
    "tf_keras 2.21 does not know how many there are, and fails.",
    bad="""\
import numpy as np
from tensorflow import keras

power = np.array([46.0, 75.0, 110.0, 150.0], "float32")
normalization = keras.layers.Normalization()
normalization.adapt(power)
model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
model(normalization(power)[:, None])
""",
    good="""\
import numpy as np
from tensorflow import keras

power = np.array([46.0, 75.0, 110.0, 150.0], "float32")
normalization = keras.layers.Normalization(axis=None)
normalization.adapt(power)
model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
model(normalization(power)[:, None])
""",
    check=_check,
)
