"""BT344: of the two datasets of a fit, the one is batched and the other is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.diagnosis import edits
from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.traces.schema import Finding, UnlikeData, Use
    from buildtrace.traces.trace import Trace

_USUAL = 32
"""As many samples are in a batch if one says nothing."""


def _check(trace: Trace) -> Iterator[Finding]:
    for use in trace.index.uses_by("Model.fit"):
        if use.unlike is not None:
            yield _finding(trace, use, use.unlike)


def _finding(trace: Trace, use: Use, unlike: UnlikeData) -> Finding:
    is_checked = unlike.argument == "validation_data"
    one, other = ("validation", "training") if is_checked else ("training", "validation")
    number = unlike.batch.shape[0] if unlike.batch.shape else None
    batch = f".batch({number or _USUAL})"
    return RULE.finding(
        f"{wording.line(use.caller)} gives {one} data that are not batched: one element is "
        f"{wording.tensor(unlike.element)}, where the {other} data have "
        f"{wording.tensor(unlike.batch)}.",
        fix=f"{unlike.argument}=data{batch}",
        calls=[call.id for call in trace.index.failing],
        caller=use.caller,
        layer=None if use.model is None else use.model.id,
        edits=edits.argument(
            trace,
            use.caller,
            "fit",
            unlike.argument,
            lambda code: f"{code}{batch}",
            place=None if is_checked else 0,
        ),
    )


RULE = Rule(
    code="BT344",
    title="data that are not batched, beside others that are",
    severity="error",
    generations=BOTH,
    why="Keras takes each element of a tf.data.Dataset for a batch, and its first axis for the "
    "samples: `batch_size` is for arrays alone. The validation data are read when an epoch is over "
    "(TensorFlowTrainer.fit in backend/tensorflow/trainer.py of keras 3.15.1, Model.fit in "
    "engine/training.py of tf_keras 2.21).",
    bad="""\
import numpy as np
import tensorflow as tf
from tensorflow import keras

data = tf.data.Dataset.from_tensor_slices((np.ones((8, 3)), np.ones((8, 1))))
model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
model.compile("sgd", "mse")
model.fit(data.batch(4), validation_data=data, verbose=0)
""",
    good="""\
import numpy as np
import tensorflow as tf
from tensorflow import keras

data = tf.data.Dataset.from_tensor_slices((np.ones((8, 3)), np.ones((8, 1))))
model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
model.compile("sgd", "mse")
model.fit(data.batch(4), validation_data=data.batch(4), verbose=0)
""",
    check=_check,
    hides=("BT302", "BT306"),
)
