"""BT508: a file's name that Keras 3 does not take, by its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.diagnosis.migration.migration_findings import of_failure
from buildtrace.diagnosis.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.traces.schema import Finding
    from buildtrace.traces.trace import Trace


def _check(trace: Trace) -> Iterator[Finding]:
    yield from of_failure(trace, RULE)


RULE = Rule(
    code="BT508",
    title="a file name that Keras 3 does not take",
    severity="error",
    generations=("keras3",),
    why="Keras 3 goes by the end of a file's name, and takes no other: `.weights.h5` for weights, "
    "`.keras` or `.h5` for a model (save_weights and save_model in saving/saving_api.py of "
    "keras 3.15.1). A name without an end was a checkpoint or a SavedModel of TensorFlow "
    "in Keras 2; Keras 3 neither writes nor reads these. A ModelCheckpoint "
    "refuses such a name where it is made (callbacks/model_checkpoint.py).",
    bad="""\
import os
import tempfile

from tensorflow import keras

folder = tempfile.mkdtemp()
model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
model.save_weights(os.path.join(folder, "model.ckpt"))
""",
    good="""\
import os
import tempfile

from tensorflow import keras

folder = tempfile.mkdtemp()
model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
model.save_weights(os.path.join(folder, "model.weights.h5"))
""",
    check=_check,
)
