"""BT711 on real models: steps that leave out a model's own losses, and those that may not."""

from __future__ import annotations

import pytest

from diagnosis.rules.running import findings, on_both, run

MODEL = """
y = np.ones((2, 1), "float32")

class Sparse(keras.layers.Layer):
    def call(self, x):
        self.add_loss(0.1 * tf.reduce_mean(tf.abs(x)))
        return x

class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.hidden = keras.layers.Dense(4, name="hidden", kernel_regularizer={regularizer})
        self.sparse = {sparse}
        self.last = keras.layers.Dense(1)
        self.compare = keras.losses.MeanSquaredError()

    def call(self, x):
        return self.last(self.sparse(self.hidden(x)))

    def loss_of(self, x, y):
        return {loss}

    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            loss = {step}
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables))
        return {{"mse": loss}}

model = Net()
model.compile("sgd", "mse")
model.fit(x, y, verbose=0)
"""

PLAIN = {
    "regularizer": "'l2'",
    "sparse": "Sparse()",
    "loss": "self.compare(y, self(x, training=True))",
    "step": "self.loss_of(x, y)",
}


def said(runner, generation, **changes):
    return findings(runner, generation, MODEL.format(**{**PLAIN, **changes}), "BT711")


@on_both
def test_a_regularizer_and_a_layer_that_adds_a_loss(runner, generation):
    ran = run(runner, generation, MODEL.format(**PLAIN))
    (finding,) = [finding for finding in ran.trace.findings if finding.code == "BT711"]
    assert "The `train_step` of 'net' (Net) computes its loss by itself" in finding.message
    assert "leaves out the regularizer L2 of 'hidden' (Dense)" in finding.message
    assert "what 'sparse' (Sparse) adds by `add_loss`" in finding.message
    assert finding.caller.line == ran.line_of("tape.gradient")
    assert finding.fix.startswith("loss = loss + sum(self.losses)")


WELL = {
    "nothing of its own": {"regularizer": "None", "sparse": "keras.layers.ReLU()"},
    "added in another method": {"loss": f"{PLAIN['loss']} + tf.add_n(self.losses)"},
    "Keras' own": {"step": "self.compute_loss(x, y, self(x, training=True))"},
    "it goes on elsewhere": {"step": "self.loss_of(x, y) + sum(getattr(self, 'losses'))"},
}


@on_both
@pytest.mark.parametrize("changes", WELL.values(), ids=WELL)
def test_a_step_that_leaves_nothing_out_or_may_not(runner, generation, changes):
    assert said(runner, generation, **changes) == []
