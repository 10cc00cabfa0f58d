"""BT211: on JAX, a layer's `call` keeps state in a place that does not outlive the step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.diagnosis import remedies
from buildtrace.diagnosis.rule import Rule
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.traces.failures import Raised
    from buildtrace.traces.schema import Finding, LayerRef, Use
    from buildtrace.traces.trace import Trace


def _check(trace: Trace) -> Iterator[Finding]:
    if trace.environment.backend != "jax":
        return
    escaped = [raised for raised in trace.index.raised if _is_escaped(raised)]
    for use in trace.index.uses_by("Variable.assign"):
        if use.model is not None:
            yield _lost(use, use.model)
    for use in trace.index.uses_by("Layer.call"):
        if use.model is not None:
            yield _leaked(use, use.model, escaped)
    for use in trace.index.uses_by("Variable.value"):
        if use.model is not None:
            yield _without_value(trace, use, use.model)


def _is_escaped(raised: Raised) -> bool:
    return raised.error.type == "UnexpectedTracerError"


def _lost(use: Use, layer: LayerRef) -> Finding:
    return RULE.finding(
        f"{wording.layer(layer)} assigns {use.variable!r} in `call`, and the value is lost: on JAX "
        "a step hands on the non-trainable variables of the model alone, and it is none of these.",
        fix='self.state = self.add_weight(name="state", shape=(), initializer="zeros", '
        "trainable=False)  # in build; then self.state.assign(...) in call",
        caller=use.caller,
        layer=layer.id,
    )


def _leaked(use: Use, layer: LayerRef, escaped: list[Raised]) -> Finding:
    return RULE.finding(
        f"{wording.layer(layer)} keeps a traced value of JAX in `self.{use.variable}`: it has no "
        "meaning outside of the step that was traced, and whoever uses it there gets an "
        "UnexpectedTracerError.",
        fix=f"{remedies.variable(layer)}(x)  # x: a batch; a call outside of fit and predict keeps "
        f"an array in self.{use.variable}",
        calls=[number for raised in escaped for number in raised.ids],
        caller=use.caller,
        layer=layer.id,
        severity="error" if escaped else "warning",
    )


def _without_value(trace: Trace, use: Use, layer: LayerRef) -> Finding:
    failed = [raised for raised in trace.index.raised if use.caller in raised.error.lines]
    return RULE.finding(
        f"{wording.layer(layer)} uses {use.variable!r} in `call`, which has no value there: on JAX "
        "a step is given the weights of the model, and not the variables of its metrics.",
        fix='self.mean = self.add_weight(name="mean", shape=(), initializer="zeros", '
        "trainable=False)  # in the metric's place; then self.mean.assign(...) in call",
        calls=[number for raised in failed for number in raised.ids],
        caller=use.caller,
        layer=layer.id,
    )


RULE = Rule(
    code="BT211",
    title="state kept in `call` on JAX",
    severity="error",
    generations=("keras3",),
    backend="jax",
    why="JAX traces a step as a function, and only what the function returns outlives it. "
    "Layer.stateless_call returns the new values of the model's non-trainable variables "
    "(layers/layer.py of keras 3.15.1); `fit` takes the values out of all variables, those of "
    "metrics too, and gives the step those of the weights (backend/jax/trainer.py there). "
    "TensorFlow and Torch change variables in place.",
    bad="""\
import keras
import numpy as np


class Watch(keras.Model):
    def __init__(self, **options):
        super().__init__(**options)
        self.head = keras.layers.Dense(1)
        self.mean = keras.metrics.Mean()

    def call(self, x):
        y = self.head(x)
        self.mean.update_state(y)
        return y


x, y = np.ones((8, 4), "float32"), np.ones((8, 1), "float32")
model = Watch()
model.compile("sgd", "mse")
model.fit(x, y, verbose=0)
""",
    good="""\
import keras
import numpy as np


class Watch(keras.Model):
    def __init__(self, **options):
        super().__init__(**options)
        self.head = keras.layers.Dense(1)
        self.mean = self.add_weight(name="mean", shape=(), initializer="zeros", trainable=False)

    def call(self, x):
        y = self.head(x)
        self.mean.assign(keras.ops.mean(y))
        return y


x, y = np.ones((8, 4), "float32"), np.ones((8, 1), "float32")
model = Watch()
model.compile("sgd", "mse")
model.fit(x, y, verbose=0)
""",
    check=_check,
)
