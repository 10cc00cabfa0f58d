"""BT507: a method or an attribute that the newer Keras does not have."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.diagnosis.migration.migration_findings import of_failure
from buildtrace.diagnosis.rule import BOTH, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.traces.schema import Finding
    from buildtrace.traces.trace import Trace


def _check(trace: Trace) -> Iterator[Finding]:
    yield from of_failure(trace, RULE)


RULE = Rule(
    code="BT507",
    title="a method or attribute that the newer Keras does not have",
    severity="error",
    generations=BOTH,
    why="Since Keras 2.6 a model has no predict_classes; Keras 3 has no fit_generator and the "
    "like, since `fit` takes generators. A layer of Keras 3 has no "
    "add_metric and no nodes to ask by number, an optimizer no `lr` and no "
    "`minimize`, and the shape of a symbol is a tuple (models/model.py, layers/layer.py, "
    "optimizers/base_optimizer.py and backend/common/keras_tensor.py of keras 3.15.1).",
    bad="""\
import numpy as np
from tensorflow import keras

model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
x = np.ones((2, 4), "float32")
classes = model.predict_classes(x)
""",
    good="""\
import numpy as np
from tensorflow import keras

model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
x = np.ones((2, 4), "float32")
classes = model.predict(x).argmax(axis=-1)
""",
    check=_check,
    hides=("BT601", "BT602"),
)
