"""BT509: a slash in the name of a layer, a model or a weight."""

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
    code="BT509",
    title="a slash in a name",
    severity="error",
    generations=("keras3",),
    why="In Keras 3 the path of a variable is made of the names around it, with slashes between "
    "them, so that no name may have one (Operation.__init__ in ops/operation.py and "
    "Variable.__init__ in backend/common/variables.py of keras 3.15.1). Keras 2 took names as they "
    "were.",
    bad="""\
from tensorflow import keras

model = keras.Sequential()
model.add(keras.Input((4,)))
model.add(keras.layers.Dense(2, name="head/logits"))
""",
    good="""\
from tensorflow import keras

model = keras.Sequential()
model.add(keras.Input((4,)))
model.add(keras.layers.Dense(2, name="head_logits"))
""",
    check=_check,
)
