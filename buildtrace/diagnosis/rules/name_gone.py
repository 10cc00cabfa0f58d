"""BT506: a module, class or function that the newer Keras does not have."""

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
    code="BT506",
    title="a name that the newer Keras does not have",
    severity="error",
    generations=BOTH,
    why="Keras 3 has no experimental modules, no optimizers.legacy, and of keras.backend only what "
    "is about the backend itself; its functions are in keras.ops. Keras 2.13 hid the modules that "
    "were never public, such as keras.layers.core and keras.utils.np_utils. `tf.keras` is more "
    "than `keras`: it still has the functions of the backend, Tokenizer and ImageDataGenerator "
    "(_tf_keras/keras/backend/__init__.py of keras 3.15.1), but it has no `saving`, and calls its "
    "losses by short names.",
    bad="""\
from tensorflow import keras

model = keras.Sequential()
model.add(keras.Input((5, 3)))
model.add(keras.layers.CuDNNLSTM(4))
model.add(keras.layers.Dense(1))
""",
    good="""\
from tensorflow import keras

model = keras.Sequential()
model.add(keras.Input((5, 3)))
model.add(keras.layers.LSTM(4))
model.add(keras.layers.Dense(1))
""",
    check=_check,
)
