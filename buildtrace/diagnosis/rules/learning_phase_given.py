"""BT510: the learning phase is given as an input of a function of the backend, as it once was."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from buildtrace.diagnosis.rule import Rule
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.traces.schema import Finding
    from buildtrace.traces.trace import Trace

_NO_SYMBOL = re.compile(r"processing input tensors for keras functional model.*Got: [01]\s*$", re.S)
_PHASE = re.compile(r"\blearning_phase\(\)")


def _check(trace: Trace) -> Iterator[Finding]:
    for raised in trace.index.raised:
        line = raised.line
        if line is None or not _NO_SYMBOL.search(raised.error.message.rstrip()):
            continue
        if _PHASE.search(trace.index.source_code.whole(line.file)):
            yield RULE.finding(
                f"{wording.line(line)} gives `learning_phase()` as an input: it is the number "
                f"{raised.error.message.rstrip()[-1]}, and no symbol.",
                fix="part = keras.Model(model.input, layer.output)  # of what is wanted\n"
                "part(x, training=False)  # for the phase 0; True for 1",
                calls=raised.ids,
                caller=line,
            )


RULE = Rule(
    code="BT510",
    title="the learning phase as an input",
    severity="error",
    generations=("keras2",),
    why="With TensorFlow 1, `learning_phase()` was a symbol that one gave a value whenever a "
    "function of the backend was called. Since TensorFlow 2 it is a number, and a model is told by "
    "the argument `training` (learning_phase and function in backend.py of tf_keras 2.21).",
    bad="""\
import numpy as np
from tensorflow import keras

inputs = keras.Input((3,))
hidden = keras.layers.Dropout(0.5)(inputs)
model = keras.Model(inputs, keras.layers.Dense(2)(hidden))
phase = keras.backend.learning_phase()
part = keras.backend.function([model.input, phase], [hidden])
part([np.ones((2, 3), "float32"), 0])
""",
    good="""\
import numpy as np
from tensorflow import keras

inputs = keras.Input((3,))
hidden = keras.layers.Dropout(0.5)(inputs)
model = keras.Model(inputs, keras.layers.Dense(2)(hidden))
part = keras.Model(model.input, hidden)
part(np.ones((2, 3), "float32"), training=False)
""",
    check=_check,
    hides=("BT601", "BT602"),
)
