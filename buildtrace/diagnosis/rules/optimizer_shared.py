"""BT207: an optimizer is used for weights that it was not built for: another model's, or new."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from buildtrace.diagnosis import remedies
from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.traces.failures import Raised
    from buildtrace.traces.schema import Call, Finding, Use, Weight
    from buildtrace.traces.trace import Trace

_REFUSED = (
    ("KeyError", "The optimizer cannot recognize variable"),
    ("ValueError", "This optimizer can only be called for the variables it was originally built"),
    ("ValueError", "to the trainable variables list that the optimizer was built with"),  # on JAX
)

_COMPILE = ("Model.compile", "Trainer.compile")

_VARIABLE = re.compile(r"cannot recognize variable ([^\s:]+)|Unknown variable: <\w+ path=([^\s,]+)")
"""The path of the weight that was refused."""


def _check(trace: Trace) -> Iterator[Finding]:
    for raised in trace.index.raised:
        if any(raised.error.type == kind and raised.says(text) for kind, text in _REFUSED):
            pair = _shared(trace.index.uses_by("Model.compile"))
            again = None if pair is not None else _built_before(trace, raised)
            if pair is not None:
                yield _finding(raised, *pair)
            elif again is not None:
                yield _of_one_model(trace, raised, again)


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


class _Again(NamedTuple):
    """A model that was compiled with an optimizer that was built by then.

    Attributes:
        compiled: the last `compile`.
        built: what built the optimizer before.
        weight: what the optimizer refuses; `None` if Keras does not say.
    """

    compiled: Call
    built: Call
    weight: Weight | None


def _built_before(trace: Trace, raised: Raised) -> _Again | None:
    """The model that an optimizer was built too early for; `None` if that is not known for sure."""
    compiles = [call for call in trace.calls if call.landmark in _COMPILE]
    last = compiles[-1] if compiles else None
    model = None if last is None else last.layer
    if last is None or model is None or last.holder is None:
        return None
    match = _VARIABLE.search(raised.error.message)
    weight = None
    if match is not None:
        path = match[1] or match[2]
        weight = next((w for w in reversed(trace.weights) if w.path == path), None)
        graph = trace.index.graph_by_model.get(model.id)
        if weight is None or graph is None or weight.id not in graph.weights:
            return None
    for call in trace.calls[: last.id]:
        if call.holder == last.holder and call.error is None:
            if call.landmark in _COMPILE and call.layer == model:
                return _Again(last, call, weight)
            if call.step == "compile" and call.parent is None and call.landmark not in _COMPILE:
                return _Again(last, call, weight)  # `optimizer.build(...)`, by the program itself
    return None


def _of_one_model(trace: Trace, raised: Raised, again: _Again) -> Finding:
    compiled, built, weight = again
    assert compiled.layer is not None
    assert compiled.holder is not None
    kind, name = trace.holders[compiled.holder].class_name, remedies.variable(compiled.layer)
    is_compile = built.landmark in _COMPILE
    when = "it had been compiled with before" if is_compile else "was built by hand before"
    return RULE.finding(
        f"{wording.layer(compiled.layer)} was compiled with the {kind} that {when} "
        f"({wording.line(built.caller)}): {_unknown(trace, weight, built)}.",
        fix=f"{name}.compile(keras.optimizers.{kind}(...), ...)  # a new one",
        calls=raised.ids,
        caller=compiled.caller,
        layer=compiled.layer.id,
    )


def _unknown(trace: Trace, weight: Weight | None, built: Call) -> str:
    if weight is None or weight.layer not in trace.layers:
        return "it was built for other weights than those that the model trains now"
    whose = f"{weight.name!r} of {wording.layer(trace.layers[weight.layer])}"
    if weight.call is not None and weight.call > built.id:
        return f"it does not know {whose}, which was made since"
    return f"it does not know {whose}, which was not among the weights that it was built for"


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
    title="an optimizer that was built for other weights",
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
