"""The weights of a trace are those of the model, in Keras' order."""

from __future__ import annotations

import math
from typing import Any

import pytest
from alarms import no_false_alarm
from scenarios import SCENARIOS, Keras, Scenario, data
from weights import same_totals, same_weights

import buildtrace


@pytest.mark.sampled(8)
@pytest.mark.parametrize("made", [pytest.param("before", marks=pytest.mark.slow), "during"])
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.name)
def test_scenarios_have_the_weights_of_keras(k: Keras, scenario: Scenario, made: str) -> None:
    if not scenario.runs_on(k):
        pytest.skip("not for this Keras")
    model = scenario.make(k) if made == "before" else None
    nothing_to_build = (made == "before" and not scenario.records) or getattr(model, "built", False)
    with buildtrace.trace() as trace:
        if made == "during":
            model = scenario.make(k)
        built = scenario.build(k, model)
    if made == "before":  # in CI, on the newest versions: the trace knows nothing of `__init__`
        no_false_alarm(k, scenario, trace)
    if nothing_to_build:
        pytest.skip("nothing to build")
    models = [*(model if isinstance(model, tuple) else (model,)), built]
    models = [m for m in models if isinstance(m, k.keras.Model) and m.built and m.weights]
    if not models or "fail" in scenario.name:
        pytest.skip("no model was built")
    traced = {graph.model.name for graph in trace.graphs}
    for each in models:
        assert each.name in traced
        same_weights(k, each, trace)
        same_totals(k, each, trace)


def test_each_weight_is_recorded_once(k: Keras) -> None:
    """Deferred builds run initializers more than once; variables count, not initializers."""

    class Model(k.keras.Model):
        def __init__(self) -> None:
            super().__init__(name="model")
            self.a, self.b = k.layers.Dense(4), k.layers.LSTM(3)

        def call(self, inputs: Any) -> Any:
            return self.b(self.a(inputs))

    with buildtrace.trace() as trace:
        model = Model()
        model(data(2, 5, 3))
        model(data(2, 5, 3))
    assert [w.id for w in trace.weights] == list(range(len(trace.weights)))
    assert len(trace.weights) == len(model.weights) == 5
    assert trace.parameters == model.count_params()


def test_what_is_known_of_a_weight(k: Keras) -> None:
    with buildtrace.trace() as trace:
        layer = k.layers.Dense(
            4,
            name="d",
            kernel_initializer="he_normal",
            kernel_regularizer="l2",
            bias_constraint="non_neg",
        )
        k.Sequential([layer], name="s").build((None, 3))
    kernel, bias = trace.weights
    assert (kernel.name, bias.name) == ("kernel", "bias")
    assert (kernel.shape, bias.shape) == ((3, 4), (4,))
    assert kernel.initializer == "HeNormal"
    assert bias.initializer == "Zeros"
    assert (kernel.regularizer, bias.regularizer) == ("L2", None)
    assert (kernel.constraint, bias.constraint) == (None, "NonNeg")
    call = trace.call(kernel.call)
    assert trace.weights_made_by(call) == [kernel]
    assert [w.name for w in trace.weights_of(call.layer.id)] == ["kernel", "bias"]


def test_weights_that_do_not_train(k: Keras) -> None:
    with buildtrace.trace() as trace:
        frozen = k.layers.Dense(2, trainable=False)
        model = k.Sequential([frozen, k.layers.BatchNormalization()])
        model.build((None, 3))
    same_weights(k, model, trace)
    names = {w.name: w.trainable for w in trace.weights}
    assert names == {
        "kernel": False,
        "bias": False,
        "gamma": True,
        "beta": True,
        "moving_mean": False,
        "moving_variance": False,
    }


@pytest.mark.parametrize("how", ["add_weight", "variable"])
def test_weights_made_in_init(k: Keras, how: str) -> None:
    class InInit(k.layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            if how == "add_weight":
                self.scale = self.add_weight(name="scale", shape=(3,), initializer="ones")
            elif k.generation == 3:
                self.scale = k.keras.Variable(data(3), name="scale")
            else:
                import tensorflow as tf

                self.scale = tf.Variable(data(3), name="scale")

        def call(self, inputs: Any) -> Any:
            return inputs * self.scale

    with buildtrace.trace() as trace:
        model = k.Sequential([InInit(), k.layers.Dense(2)])
        model.build((None, 3))
    same_weights(k, model, trace)
    (scale,) = [w for w in trace.weights if w.name == "scale"]
    assert (scale.call is None) == (how == "variable")
    assert scale.layer is not None
    assert trace.layers[scale.layer].class_name == "InInit"


def test_weights_made_before_tracing(k: Keras) -> None:
    """Nobody saw them made, but they are the model's."""

    class InInit(k.layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.scale = self.add_weight(name="scale", shape=(3,), initializer="ones")

        def call(self, inputs: Any) -> Any:
            return inputs * self.scale

    model = k.Sequential([InInit(), k.layers.Dense(2)])
    with buildtrace.trace() as trace:
        model.build((None, 3))
    same_weights(k, model, trace)
    (scale,) = [w for w in trace.weights if w.name == "scale"]
    assert scale.call is None


def test_weights_made_in_call(k: Keras) -> None:
    if k.generation == 3:
        pytest.skip("Keras 3 refuses them")

    class InCall(k.layers.Layer):
        def call(self, inputs: Any) -> Any:
            if not hasattr(self, "scale"):
                self.scale = self.add_weight(name="scale", shape=(1,), initializer="ones")
            return inputs * self.scale

    with buildtrace.trace() as trace:
        model = k.Sequential([InCall()])
        model.build((None, 3))
    same_weights(k, model, trace)
    assert [w.name for w in trace.weights] == ["scale"]


def test_metrics_and_optimizers_own_no_weights_of_the_model(k: Keras) -> None:
    with buildtrace.trace() as trace:
        model = k.Sequential([k.layers.Dense(2)])
        model.compile("adam", "mse", metrics=["mae", k.keras.metrics.AUC(name="auc")])
        model.fit(data(4, 3), data(4, 2) / 2, verbose=0)
    assert [w.name for w in trace.weights] == ["kernel", "bias"]
    same_weights(k, model, trace)


def test_number_of_parameters_of_the_mlp(k: Keras) -> None:
    """The article's model: 407,050 parameters on either generation."""
    with buildtrace.trace() as trace:
        k.Sequential(
            [
                k.layers.Dense(512, activation="relu"),
                k.layers.Dense(10, activation="softmax"),
            ]
        ).build((None, 784))
    assert trace.parameters == sum(math.prod(w.shape) for w in trace.weights) == 407_050
