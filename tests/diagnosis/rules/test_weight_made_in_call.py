"""BT202 on real layers: weights made again and again, once, or elsewhere."""

from __future__ import annotations

import pytest

from diagnosis.rules.running import alarms, findings, on, on_both, run

ONCE = """
class Scale(keras.layers.Layer):
    def __init__(self):
        super().__init__()
        self.w = None
    def call(self, x):
        if self.w is None:
            self.w = self.add_weight(name="w", shape=(3,), initializer="ones")
        return x * self.w
layer = Scale()
layer(x)
layer(x)
"""

VARIABLE = """
class Scale(keras.layers.Layer):
    def call(self, x):
        self.w = keras.Variable([1.0, 2.0, 3.0])
        return x * self.w
Scale()(x)
"""

IN_A_TRACED_FUNCTION = """
class Scale(keras.layers.Layer):
    def call(self, x):
        self.w = tf.Variable([1.0, 2.0, 3.0])
        return x * self.w
model = keras.Sequential([Scale(), keras.layers.Dense(1)])
model.compile("sgd", "mse")
model.fit(x, np.ones((2, 1)), verbose=0)
"""

LEGAL = {
    "in __init__ of a layer made in a build": """
class Inner(keras.layers.Layer):
    def __init__(self):
        super().__init__()
        self.w = self.add_weight(name="w", shape=(3,), initializer="ones")
    def call(self, x):
        return x * self.w
class Outer(keras.layers.Layer):
    def build(self, input_shape):
        self.inner = Inner()
        super().build(input_shape)
    def call(self, x):
        return self.inner(x)
Outer()(x)
""",
    "in a build that a call leads to": """
class Scale(keras.layers.Layer):
    def build(self, input_shape):
        self.w = self.add_weight(name="w", shape=(3,), initializer="ones")
        super().build(input_shape)
    def call(self, x):
        return x * self.w
model = keras.Sequential([Scale(), Scale()])
model(x)
model(x)
""",
}


@on("keras2")
def test_a_weight_that_is_made_once_is_a_note(runner, generation):
    (finding,) = findings(runner, generation, ONCE, "BT202")
    assert finding.severity == "note"
    assert "'w' (3,)" in finding.message
    assert alarms(runner, generation, ONCE) == []


@on("keras3")
def test_a_weight_that_is_made_once_is_refused(runner, generation):
    ran = run(runner, generation, ONCE)
    first = ran.trace.findings[0]
    assert (first.code, first.severity) == ("BT202", "error")
    assert first.caller.line == ran.line_of("self.add_weight")


@on("keras3")
def test_a_variable_without_add_weight(runner, generation):
    ran = run(runner, generation, VARIABLE)
    assert ran.trace.findings[0].code == "BT202"
    assert ran.trace.findings[0].caller.line == ran.line_of("keras.Variable")


@on("keras2")
def test_a_variable_in_a_traced_function(runner, generation):
    ran = run(runner, generation, IN_A_TRACED_FUNCTION)
    assert ran.trace.findings[0].code == "BT202"
    assert ran.trace.findings[0].caller.line == ran.line_of("tf.Variable")


@on_both
@pytest.mark.parametrize("body", LEGAL.values(), ids=LEGAL)
def test_what_is_legal_is_left_alone(runner, generation, body):
    found = run(runner, generation, body).trace.findings
    assert [finding.code for finding in found] == []


SHARED = """
class Pair(keras.Model):
    def __init__(self):
        super().__init__()
        self.up, self.down = keras.layers.Dense(5), keras.layers.Dense(3)
    def call(self, given):
        return given + self.down(self.up(given))
@tf.function
def compute(model, given):
    return model(given)
for model in (Pair(), Pair()):
    print(compute(model, tf.constant(x)).shape, len(model.weights))
"""


@on("keras3")
def test_a_refusal_that_came_to_nothing(runner, generation):
    """Keras builds the second model on placeholders, in vain, and then on what it got."""
    ran = run(runner, generation, SHARED)
    assert ran.code == 0
    assert [f.code for f in ran.trace.findings if f.severity != "note"] == []
