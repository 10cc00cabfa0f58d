"""BT215 on real models: what a traced function may build."""

from __future__ import annotations

from diagnosis.rules.running import findings, on, on_both, run

STEP = """
@tf.function
def step(model, x):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(model(x))
    return tape.gradient(loss, model.trainable_variables)
class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(2)
    def call(self, x):
        return self.dense(x)
def make():
    return Net()
"""

LEGAL = """
a, b = make(), make()
a(x), b(x)
step(a, x)
step(b, x)
for _ in range(2):
    tf.function(step.python_function)(make(), x)
@tf.function
def count(x, n):
    return x + tf.Variable(1.0) + n
count(x, 1)
count(x, 2)
"""


@on("keras2")
def test_models_that_share_a_function(runner, generation):
    """Keras 3 catches the exception in a model without a `build`, and builds it in `call` then."""
    ran = run(runner, generation, STEP + "a, b = make(), make()\nstep(a, x)\nstep(b, x)\n")
    (found,) = [finding for finding in ran.trace.findings if finding.severity != "note"]
    assert (found.code, found.severity) == ("BT215", "error")
    assert "'net_1' (Net) is not built" in found.message
    assert "'net' (Net)" in found.message
    assert found.fix.startswith("net_1(")
    assert found.caller.line == ran.line_of("model(x))")


@on_both
def test_what_tensorflow_allows_and_what_is_no_model(runner, generation):
    """Models that are built, a function for each, and a variable of the function's own."""
    assert findings(runner, generation, STEP + LEGAL, "BT215") == []


OPTIMIZERS = """
def make():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    optimizer = keras.optimizers.Adam()
    {built}
    return model, optimizer
@tf.function
def step(model, optimizer):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(model(x) ** 2)
    gradients = tape.gradient(loss, model.trainable_variables)
    optimizer.apply_gradients(zip(gradients, model.trainable_variables))
for model, optimizer in (make(), make()):
    step(model, optimizer)
"""


@on("keras3")
def test_a_function_for_two_optimizers(runner, generation):
    ran = run(runner, generation, OPTIMIZERS.format(built="pass"))
    (finding,) = [finding for finding in ran.trace.findings if finding.code == "BT215"]
    assert finding.caller.line == ran.line_of("optimizer.apply_gradients")
    assert "The Adam is not built" in finding.message
    assert "which was for the optimizer of 'sequential' (Sequential)" in finding.message
    assert finding.fix.startswith("optimizer.build(model.trainable_variables)")


@on("keras3")
def test_two_optimizers_that_are_built_before(runner, generation):
    body = OPTIMIZERS.format(built="optimizer.build(model.trainable_variables)")
    assert findings(runner, generation, body, "BT215") == []
