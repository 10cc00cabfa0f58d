"""BT211 on JAX: what a `call` keeps that is lost, and what is kept as it should be."""

from __future__ import annotations

import pytest

from diagnosis.rules.running import on

HEAD = """\
import keras
import numpy as np

x = np.ones((8, 4), "float32")


def fit(layer):
    model = keras.Sequential([keras.Input((4,)), layer, keras.layers.Dense(4)])
    model.compile("sgd", "mse")
    model.fit(x, x, verbose=0)
    return model


class Mine(keras.layers.Layer):
"""

FORMS = {
    "a metric": """
    def __init__(self):
        super().__init__()
        self.mean = keras.metrics.Mean()

    def call(self, x):
        self.mean.update_state(keras.ops.mean(x))  # here
        return x

fit(Mine())
""",
    "a variable of nobody's": """
    def call(self, x):
        seen.assign(seen + 1.0)  # here
        return x

seen = keras.Variable(0.0, trainable=False)
fit(Mine())
assert float(seen.value) == 0.0
""",
    "a trainable weight": """
    def build(self, shape):
        self.scale = self.add_weight(name="scale", shape=(), initializer="ones")

    def call(self, x):
        self.scale.assign(self.scale * 2.0)  # here
        return x * self.scale

fit(Mine())
""",
    "a traced value": """
    def call(self, x):
        self.last = x * 2.0  # here
        return self.last

layer = Mine()
fit(layer)
""",
    "traced values in a list": """
    def __init__(self):
        super().__init__()
        self.seen = []

    def call(self, x):
        self.seen.append(x)  # here
        return x

layer = Mine()
fit(layer)
""",
}

WELL = {
    "a weight that is not trained": """
    def build(self, shape):
        self.count = self.add_weight(shape=(), initializer="zeros", trainable=False)

    def call(self, x):
        self.count.assign(self.count + 1.0)
        return x

layer = Mine()
fit(layer)
assert float(layer.count.value) == 1.0
""",
    "what Keras keeps": """
    def __init__(self):
        super().__init__()
        self.normalize = keras.layers.BatchNormalization()
        self.seeds = keras.random.SeedGenerator(1)

    def call(self, x, training=False):
        self.add_loss(keras.ops.mean(x))
        self.width = x.shape[-1]
        return self.normalize(x + keras.random.normal((4,), seed=self.seeds), training=training)

fit(Mine()).predict(x, verbose=0)
""",
    "a value of a call on data": """
    def call(self, x):
        self.last = x * 2.0
        return self.last

layer = Mine()
fit(layer)
layer(x)
assert float(keras.ops.sum(layer.last)) == 64.0
""",
    "its own mistake": """
    def __init__(self):
        super().__init__()
        self.act = None

    def call(self, x):
        return x if self.act is None else self.act(x)

fit(Mine())
try:
    Mine().act(x)
except TypeError:
    pass
""",
}


@on("jax")
@pytest.mark.parametrize("body", FORMS.values(), ids=FORMS)
def test_what_is_lost_is_found(runner, generation, body):
    ran = runner(generation).run(HEAD + body)
    assert ran.trace.environment.backend == "jax"
    (finding,) = ran.trace.findings
    assert finding.code == "BT211"
    assert finding.caller.line == ran.line_of("# here")
    assert "'mine' (Mine)" in finding.message


@on("jax")
@pytest.mark.parametrize("body", WELL.values(), ids=WELL)
def test_what_is_legal_is_left_alone(runner, generation, body):
    ran = runner(generation).run(HEAD + body)
    assert ran.code == 0, ran.output
    assert ran.trace.environment.backend == "jax"
    assert [f.code for f in ran.trace.findings] == []


@on("jax")
def test_a_traced_value_that_was_used_is_an_error(runner, generation):
    use = FORMS["a traced value"] + "keras.ops.sum(layer.last)\n"
    (finding,) = runner(generation).run(HEAD + use).trace.findings
    assert (finding.code, finding.severity) == ("BT211", "error")


@on("keras3")
@pytest.mark.parametrize("body", [FORMS["a metric"], FORMS["a trainable weight"]])
def test_tensorflow_keeps_it(runner, generation, body):
    ran = runner(generation).run(HEAD + body)
    assert ran.code == 0, ran.output
    assert [f.code for f in ran.trace.findings] == []
