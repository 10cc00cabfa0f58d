"""BT504: a keyword argument that only the other generation has."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from buildtrace.diagnosis.migration.migration_findings import of_failure
from buildtrace.diagnosis.packages import LOADS
from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.traces.failures import Raised
    from buildtrace.traces.schema import Finding
    from buildtrace.traces.trace import Trace

_KERAS_2 = {
    "batch_shape": "keras.Input(batch_shape=(...))  # as the first layer",
    "shape": "keras.layers.InputLayer(input_shape=(...))",
}
"""What Keras 3 takes and Keras 2 does not: argument → what to write instead. What Keras 3 does not
take is in the table of what changed."""

_SAYS = re.compile(
    r"\('Keyword argument not understood:', '(?P<name>\w+)'\)"
    r"|^Unrecognized keyword arguments: \['(?P<input>\w+)'"
)


def _check(trace: Trace) -> Iterator[Finding]:
    yield from of_failure(trace, RULE)
    for raised in trace.index.raised:
        match = _SAYS.search(raised.error.message)
        if match is None or raised.generation not in ("keras2", None):
            continue
        if any(said in raised.reported for said in LOADS):
            continue  # nobody wrote that argument: it is in a file
        name = match["name"] or match["input"]
        if name in _KERAS_2:
            yield _finding(raised, name)


def _finding(raised: Raised, name: str) -> Finding:
    layer = raised.calls[-1].layer if raised.calls else None
    return RULE.finding(
        f"{wording.line(raised.line)} passes `{name}` to Keras 2, but only Keras 3 has an argument "
        "of that name.",
        fix=_KERAS_2[name],
        calls=raised.ids,
        caller=raised.line,
        layer=None if layer is None else layer.id,
    )


RULE = Rule(
    code="BT504",
    title="an argument that only the other generation has",
    severity="error",
    generations=BOTH,
    why="Keras 3 gave up some arguments of Keras 2, such as `batch_input_shape`, `weights` and "
    "`dynamic` of every layer (Layer.__init__ in layers/layer.py of keras 3.15.1), `workers` of "
    "`fit` and `lr` of optimizers, and renamed those of InputLayer to `shape` and `batch_shape`, "
    "which Keras 2 does not take (engine/input_layer.py of tf_keras 2.21).",
    bad="""\
from tensorflow import keras

if hasattr(keras, "ops"):  # Keras 3, in the words of Keras 2; and the other way round
    first = keras.layers.Dense(8, batch_input_shape=(4, 3))
else:
    first = keras.layers.InputLayer(batch_shape=(4, 3))
model = keras.Sequential([first])
model.add(keras.layers.Dense(8))
model.add(keras.layers.Dense(1))
""",
    good="""\
from tensorflow import keras

first = keras.Input(batch_shape=(4, 3))
model = keras.Sequential([first])
model.add(keras.layers.Dense(8))
model.add(keras.layers.Dense(1))
""",
    check=_check,
)
