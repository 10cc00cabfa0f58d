"""BT308, on real symbols."""

from __future__ import annotations

import pytest

from diagnosis.rules.running import findings, lines_that_come, on, on_both, run

INPUT = "i = keras.Input((3,))\n"
LAYER = "class A(keras.layers.Layer):\n    def call(self, x):\n        return {}\nA()(i)\n"


@on_both
@pytest.mark.parametrize("line", ["np.sum(i)", "i.numpy()", "float(i)", "if i: pass"])
def test_beside_a_model(runner, generation, line):
    ran = run(runner, generation, INPUT + line)
    finding = ran.trace.findings[0]
    assert finding.code == "BT308"
    assert finding.caller.line == ran.line_of(line)


@on_both
@pytest.mark.parametrize("expression", ["np.sum(x)", "x * x.numpy()"])
def test_within_a_layer(runner, generation, expression):
    (finding,) = findings(runner, generation, INPUT + LAYER.format(expression), "BT308")
    assert "in `call` of 'a' (A)" in finding.message
    assert finding.fix.startswith("tf." if generation == "keras2" else "keras.ops.")


@on("keras3")
def test_a_function_of_tensorflow(runner, generation):
    (finding,) = findings(runner, generation, INPUT + "tf.nn.relu(i)", "BT308")
    assert "a function of TensorFlow" in finding.message


@on("keras3")
@pytest.mark.parametrize(
    ("line", "instead"),
    [("np.sum(i)", ["keras.ops.sum(i)"]), ("i.numpy()", []), ("if i: pass", [])],
)
def test_the_operation_of_the_same_name(runner, generation, line, instead):
    assert lines_that_come(run(runner, generation, INPUT + line), "BT308") == instead


@on("keras3")
def test_the_operation_of_a_function_of_tensorflow(runner, generation):
    ran = run(runner, generation, INPUT + "tf.nn.relu(i)")
    assert lines_that_come(ran, "BT308") == ["keras.ops.relu(i)"]


BRANCH = """class A(keras.layers.Layer):
    def call(self, x):
        if tf.reduce_mean(x) > 0:
            return x
        return -x
A()(i)
"""


@on("keras3")
def test_it_is_the_branch_that_needs_a_value(runner, generation):
    """The function beside it takes symbols: it stays."""
    ran = run(runner, generation, INPUT + BRANCH)
    chosen = "return keras.ops.where(tf.reduce_mean(x) > 0, x, -x)"
    assert lines_that_come(ran, "BT308") == [chosen]
    (finding,) = [f for f in ran.trace.findings if f.code == "BT308"]
    assert finding.fix.startswith(f"{chosen}  #")


CHOICES = {
    "an expression": (
        "return x if tf.reduce_mean(x) > 0 else -x",
        ["return keras.ops.where(tf.reduce_mean(x) > 0, x, -x)"],
    ),
    "with else": (
        "if tf.reduce_mean(x) > 0:\n            return x\n        else:\n            return 2 * x",
        ["return keras.ops.where(tf.reduce_mean(x) > 0, x, 2 * x)"],
    ),
    "of two conditions": ("return x if tf.reduce_mean(x) > 0 and True else -x", []),
    "of two shapes": ("return x if tf.reduce_mean(x) > 0 else 0", []),
    "of statements": ("if tf.reduce_mean(x) > 0:\n            x = -x\n        return x", []),
}


@on("keras3")
@pytest.mark.parametrize("form", CHOICES)
def test_a_choice_of_tensors(runner, generation, form):
    body, lines = CHOICES[form]
    layer = f"class A(keras.layers.Layer):\n    def call(self, x):\n        {body}\nA()(i)\n"
    ran = run(runner, generation, INPUT + layer)
    assert lines_that_come(ran, "BT308") == lines
    (finding,) = [f for f in ran.trace.findings if f.code == "BT308"]
    assert "keras.ops.where(" in finding.fix


@on("keras2")
def test_keras_2_takes_functions_of_tensorflow(runner, generation):
    assert findings(runner, generation, INPUT + "tf.nn.relu(i)", "BT308") == []


@on("keras3")
@pytest.mark.parametrize("body", ["keras.ops.relu(i)", "i.no_such", "float(None)", "len(3)"])
def test_other_faults_and_none(runner, generation, body):
    assert findings(runner, generation, INPUT + body, "BT308") == []


@on("keras3")
def test_code_that_runs_on_data_alone_is_fine_there(runner, generation):
    """Keras tries `call` on symbols first, which fails, and then runs it on the data."""
    body = (
        "class A(keras.layers.Layer):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.inner = keras.layers.Dense(3)\n"
        "    def call(self, x):\n"
        "        return self.inner(x) * float(np.sum(x))\n"
        "A()(x)\n"
    )
    ran = run(runner, generation, body)
    assert ran.code == 0, ran.output
    assert [f.code for f in ran.trace.findings if f.code == "BT308"] == []


LOSSES = {
    "added": "kl = tf.reduce_mean(tf.square(i))\nmodel.add_loss(kl)\nmodel.compile('sgd')\n",
    "compared": "model.compile('sgd', lambda y, p: tf.reduce_mean(p) + tf.reduce_sum(i))\n",
}
MODEL = INPUT + "o = keras.layers.Dense(3)(i)\nmodel = keras.Model(i, o)\n"
FIT = "model.fit(x, x, verbose=0)\n"


@pytest.mark.parametrize(
    ("how", "generation"), [("added", "keras3"), ("compared", "keras2"), ("compared", "keras3")]
)
def test_a_loss_of_symbols(runner, generation, how):
    """In a layer it can be added on both; a functional model of Keras 3 has no `add_loss`."""
    (finding,) = findings(runner, generation, MODEL + LOSSES[how] + FIT, "BT308")
    assert "class AddLoss(keras.layers.Layer):" in finding.fix


@on_both
def test_a_loss_in_a_layer_is_fine(runner, generation):
    layer = (
        "class AddLoss(keras.layers.Layer):\n"
        "    def call(self, inputs):\n"
        "        outputs, *others = inputs\n"
        "        self.add_loss(tf.reduce_mean(tf.square(others[0])))\n"
        "        return outputs\n"
    )
    body = MODEL.replace("model =", "o = AddLoss()([o, i])\nmodel =")
    ran = run(runner, generation, layer + body + "model.compile('sgd', 'mse')\n" + FIT)
    assert ran.code == 0, ran.output
    assert ran.trace.findings == ()


TRAINED = """
class Model(keras.Model):
{step}
def error(true, guess):
    return {error}
def off_by(true, guess):
    return {off_by}
i = keras.Input((3,))
model = Model(i, keras.layers.Dense(1)(i))
model.compile("sgd", {loss}, metrics={metrics})
model.fit(x, np.ones((2, 1), "float32"), verbose=0)
"""
STEP = """
    def train_step(self, data):
        given, true = data
        return {"loss": float(self(given)[0, 0] - true[0, 0])}
"""
IN_TRAINING = {
    "a metric": {"off_by": "abs(true.numpy() - guess.numpy()).max()", "metrics": "[off_by]"},
    "a loss": {"error": "np.square(true - guess)", "loss": "error"},
    "a step of one's own": {"step": STEP},
}


@on_both
@pytest.mark.parametrize("form", IN_TRAINING)
def test_in_what_is_run_in_training(runner, generation, form):
    """No layer is made there, and nothing is added to a model."""
    usual = {"step": "    pass", "error": "0", "off_by": "0", "loss": "'mse'", "metrics": "[]"}
    body = TRAINED.format(**{**usual, **IN_TRAINING[form]})
    (finding,) = findings(runner, generation, body, "BT308")
    assert "in `call`" not in finding.message
    if form == "a loss" and generation == "keras3":
        assert finding.fix.startswith("keras.ops.square(...)")
    else:
        assert "tf.reduce_sum(y)" in finding.fix or generation == "keras3"
        assert "keras.ops.sum(y)" in finding.fix or generation == "keras2"
        assert "run_eagerly=True" in finding.fix
    assert "AddLoss" not in finding.fix
    assert "MyOperation" not in finding.fix
    assert ("in the metric `off_by`" in finding.message) == (form == "a metric")


@on_both
def test_a_metric_may_run_without_a_graph(runner, generation):
    """A loss may not: it would have no gradient."""
    usual = {"step": "    pass", "error": "0", "loss": "'mse'"}
    body = TRAINED.format(**usual, **IN_TRAINING["a metric"])
    assert lines_that_come(run(runner, generation, body), "BT308") == [
        "model.compile(\"sgd\", 'mse', metrics=[off_by], run_eagerly=True)"
    ]
