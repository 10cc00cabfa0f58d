"""BT710 on real models: operations that keep a gradient from weights, and those that do not."""

from __future__ import annotations

import pytest

from diagnosis.rules.running import findings, on_both, run

START = """
y = np.ones((2, 1), "float32")
"""

STEP = """
class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.first = keras.layers.Dense(3, name="first", activation="sigmoid")
        self.last = keras.layers.Dense(1, name="last")

    def call(self, x):
        return {call}

    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            {loss}
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables))
        return {{"loss": loss}}

model = Net()
model.compile("sgd")
model.fit(x, y, verbose=0)
"""

PLAIN = "loss = tf.reduce_mean((self(x, training=True) - y) ** 2)"


def only(runner, generation, body):
    """A run, and what the rule says of it."""
    ran = run(runner, generation, START + body)
    (finding,) = [finding for finding in ran.trace.findings if finding.code == "BT710"]
    return ran, finding


@on_both
def test_a_layer_behind_which_a_comparison_is(runner, generation):
    call = 'self.last(x * tf.cast(self.first(x) > 0.5, "float32"))'
    ran, finding = only(runner, generation, STEP.format(call=call, loss=PLAIN))
    assert finding.severity == "warning"
    assert "'first' (Dense) gets no gradient" in finding.message
    line = ran.line_of("return self.last")
    assert f"the comparison `>` at model.py:{line} has none" in finding.message
    assert "sigmoid(10 * (x - limit))" in finding.fix
    assert finding.caller.line == line


@on_both
def test_a_loss_that_rounds(runner, generation):
    body = """
def share(y_true, y_pred):
    hits = tf.cast(tf.equal(tf.round(y_pred), y_true), "float32")
    return 1.0 - tf.reduce_mean(hits, axis=-1)

model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, activation="sigmoid")])
model.compile("adam", share)
model.fit(x, y, verbose=0)
"""
    ran, finding = only(runner, generation, body)
    assert finding.severity == "error"
    assert "No weight of 'sequential' (Sequential) gets a gradient" in finding.message
    line = ran.line_of("tf.round")
    assert f"`round` at model.py:{line}, in the loss `share`, has none" in finding.message
    assert finding.caller.line == ran.line_of("model.fit")
    assert finding.fix.startswith('model.compile(..., loss="binary_crossentropy", metrics=[share])')


@on_both
def test_a_loop_by_hand_in_a_function(runner, generation):
    body = """
model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
optimizer = keras.optimizers.SGD()
@tf.function
def step(x, y):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.floor(model(x)) - y)
    gradients = tape.gradient(loss, model.trainable_variables)
    optimizer.apply_gradients(zip(gradients, model.trainable_variables))
step(x, y)
"""
    ran, finding = only(runner, generation, body)
    assert f"`floor` at model.py:{ran.line_of('tf.floor')} has none" in finding.message
    assert "stop_gradient(" in finding.fix


WELL = {
    "straight through": STEP.format(
        call="self.last(self.first(x) + tf.stop_gradient(tf.round(self.first(x)) - self.first(x)))",
        loss=PLAIN,
    ),
    "a layer whose output nobody takes": STEP.format(
        call="self.last(x) if self.first(x) is not None else x", loss=PLAIN
    ),
    "a number for people, of an output without a loss": STEP.format(
        call="self.last(x), self.first(x)",
        loss="p, q = self(x, training=True)\n            loss = tf.reduce_mean((p - y) ** 2)\n"
        '            hits = tf.reduce_mean(tf.cast(tf.argmax(q, -1) == 1, "float32"))',
    ).replace('{"loss": loss}', '{"loss": loss, "hits": hits}'),
    "an output without a loss, but with a metric": """
inputs = keras.Input((3,))
outputs = {name: keras.layers.Dense(1, name=name)(inputs) for name in ("one", "other")}
model = keras.Model(inputs, outputs)
model.compile("sgd", loss={"one": "mse"}, metrics={"other": "accuracy"})
model.fit(x, {"one": y, "other": y}, verbose=0)
""",
    "a tape that sees nothing": """
model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
optimizer = keras.optimizers.SGD()
@tf.function
def step(x, y):
    with tf.GradientTape() as tape:
        pass
    loss = tf.reduce_mean((model(x) - y) ** 2)
    hits = tf.reduce_mean(tf.cast(model(x) > y, "float32"))
    gradients = tape.gradient(loss, model.trainable_variables)
    optimizer.apply_gradients(zip(gradients, model.trainable_variables))
    return hits
try:
    step(x, y)
except ValueError:
    pass
""",
}


@on_both
@pytest.mark.parametrize("body", WELL.values(), ids=WELL)
def test_no_operation_is_named_that_is_not_the_cause(runner, generation, body):
    assert findings(runner, generation, START + body, "BT710") == []
