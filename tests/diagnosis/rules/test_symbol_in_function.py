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
