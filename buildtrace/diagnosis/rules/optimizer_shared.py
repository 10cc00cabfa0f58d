"""BT207: one optimizer was given to two models, and knows the weights of the first alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.traces.failures import Raised
    from buildtrace.traces.schema import Finding, Use
    from buildtrace.traces.trace import Trace

_REFUSED = (
    ("KeyError", "The optimizer cannot recognize variable"),
    ("ValueError", "This optimizer can only be called for the variables it was originally built"),
)


def _check(trace: Trace) -> Iterator[Finding]:
    for raised in trace.index.raised:
        if any(raised.error.type == kind and raised.says(text) for kind, text in _REFUSED):
            pair = _shared(trace.index.uses_by("Model.compile"))
            if pair is not None:
                yield _finding(raised, *pair)


def _shared(compiles: list[Use]) -> tuple[Use, Use] | None:
    """The last two models that were compiled with one optimizer."""
    for later in reversed(compiles):
        for earlier in compiles[: compiles.index(later)]:
            if (
                later.optimizer is not None
                and earlier.optimizer is not None
                and later.optimizer.id == earlier.optimizer.id
                and later.model != earlier.model
            ):
                return earlier, later
    return None


def _finding(raised: Raised, earlier: Use, later: Use) -> Finding:
    assert earlier.model is not None
    assert later.model is not None
    assert later.optimizer is not None
    kind = later.optimizer.class_name
    return RULE.finding(
        f"One {kind} was given to {wording.layer(earlier.model)} and to "
        f"{wording.layer(later.model)} ({wording.line(later.caller)}): it was made for the weights "
        "of the first, and does not know those of the second.",
        fix=f"{later.model.name}.compile(keras.optimizers.{kind}(...), ...)  # one of its own",
        calls=raised.ids,
        caller=later.caller,
        layer=later.model.id,
    )


RULE = Rule(
    code="BT207",
    title="one optimizer for two models",
    severity="error",
    generations=BOTH,
    why="An optimizer makes its slots, such as momenta, for the variables that it sees at its "
    "first step, and takes no others afterwards (Optimizer.build and _index_dict in "
    "optimizers/optimizer.py of tf_keras 2.21; BaseOptimizer._get_variable_index in "
    "optimizers/base_optimizer.py of keras 3.15.1).",
    bad="""\
import numpy as np
from tensorflow import keras

x, y = np.ones((4, 3), "float32"), np.ones((4, 1), "float32")
optimizer = keras.optimizers.Adam()
first = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
second = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
for model in (first, second):
    model.compile(optimizer, "mse")
    model.fit(x, y, verbose=0)
""",
    good="""\
import numpy as np
from tensorflow import keras

x, y = np.ones((4, 3), "float32"), np.ones((4, 1), "float32")
first = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
second = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
for model in (first, second):
    model.compile(keras.optimizers.Adam(), "mse")
    model.fit(x, y, verbose=0)
""",
    check=_check,
)
