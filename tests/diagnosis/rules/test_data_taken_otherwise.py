"""BT312 on real models: keys that lead to another input, values that an input changes."""

from __future__ import annotations

import pytest

from diagnosis.rules.running import lines_that_come, on, on_both, run

START = """
def make(*names):
    inputs = {name: keras.Input((3,), name=name) for name in names}
    merged = keras.layers.Concatenate()([*inputs.values(), *inputs.values()])
    return keras.Model(inputs, keras.layers.Dense(1)(merged))

def of(dtype):
    inputs = keras.Input((3,), name="numbers", dtype=dtype)
    return keras.Model(inputs, keras.layers.Rescaling(2.0)(inputs))
"""

KEYS = {
    "called": 'make("b", "a")({"b": x, "a": x, "Aid": x})  # here\n',
    "fitted": """
model = make("b")
model.compile("sgd", "mse")
model.fit({"b": x, "a": x}, np.ones((2, 1)), verbose=0)  # here
""",
    "from a pipeline": """
rows = tf.data.Dataset.from_tensor_slices({"b": x, "c": x, "a": x}).batch(2)
make("c", "b").predict(rows, verbose=0)  # here
""",
}

VALUES = {
    "fractions, called": ('of("int32")(x * 0.7)  # here\n', "0.7 becomes 0"),
    "fractions, evaluated": (
        'model = of("int32")\nmodel.compile(loss="mse")\n'
        "model.evaluate(x=x * 1.5, y=x, verbose=0)  # here\n",
        "1.5 becomes 1",
    ),
    "large numbers": (
        'of("int32").predict(np.full((2, 3), 2**33), verbose=0)  # here\n',
        "8589934592 does not fit into it",
    ),
    "negative ones, in a list": (
        'of("uint8").predict([np.full((2, 3), -1)], verbose=0)  # here\n',
        "-1 does not fit into it",
    ),
}

WELL = {
    "the same keys": 'make("b", "a")({"a": x, "b": x})\n',
    "whole numbers as floats": 'of("int32").predict(x * 3, verbose=0)\n',
    "rounded floats": 'of("float32").predict(x.astype("float64") / 3, verbose=0)\n',
    "small integers of a wide dtype": 'of("uint8").predict(np.full((2, 3), 255), verbose=0)\n',
    "integers for floats": 'of("float32").predict(np.full((2, 3), 2**30), verbose=0)\n',
    "the keys of a list of inputs": """
a, b = keras.Input((3,), name="b"), keras.Input((3,), name="a")
keras.Model([a, b], keras.layers.Subtract()([a, b]))({"a": x, "b": x, "Aid": x})
""",
    "a key that comes last": 'make("b", "a")({"b": x, "a": x, "id": x})\n',
    "said by Keras": """
try:
    make("b", "a")({"x": x, "y": x})
except ValueError:
    pass
""",
}


@on("keras3")
@pytest.mark.parametrize("body", KEYS.values(), ids=KEYS)
def test_another_key_is_found(runner, generation, body):
    ran = run(runner, generation, START + body)
    (finding,) = ran.trace.findings
    assert finding.code == "BT312"
    assert finding.caller.line == ran.line_of("# here")
    assert "'a' for its input 'b'" in finding.message


@on("keras2")
@pytest.mark.parametrize("body", KEYS.values(), ids=KEYS)
def test_keras_2_goes_by_the_names(runner, generation, body):
    ran = run(runner, generation, START + body)
    assert (ran.code, ran.trace.findings) == (0, ())


@on("keras2")
def test_keras_2_goes_by_sorted_keys_if_the_inputs_were_no_list(runner, generation):
    body = """\
inputs = {"w": keras.Input((3,), name="w"), "a": keras.Input((3,), name="a")}
model = keras.Model(inputs.values(), keras.layers.subtract([inputs["w"], inputs["a"]]))
model({"w": x, "a": x})
"""
    ran = run(runner, generation, body)
    (finding,) = ran.trace.findings
    assert finding.code == "BT312"
    assert "'a' for its input 'w'" in finding.message
    assert "'w' for its input 'a'" in finding.message
    assert "not given as a list or a dict" in finding.message
    assert lines_that_come(ran, "BT312") == [
        "model = keras.Model(list(inputs.values()), "
        'keras.layers.subtract([inputs["w"], inputs["a"]]))'
    ]


@on_both
@pytest.mark.parametrize(("body", "said"), VALUES.values(), ids=VALUES)
def test_another_value_is_found(runner, generation, body, said):
    ran = run(runner, generation, START + body)
    (finding,) = ran.trace.findings
    assert finding.code == "BT312"
    assert finding.caller.line == ran.line_of("# here")
    assert said in finding.message


@on_both
@pytest.mark.parametrize("body", WELL.values(), ids=WELL)
def test_what_is_legal_is_left_alone(runner, generation, body):
    ran = run(runner, generation, START + body)
    assert ran.code == 0, ran.output
    assert [f.code for f in ran.trace.findings] == []


@on_both
def test_an_embedding_wants_integers(runner, generation):
    body = """
inputs = keras.Input((3,), dtype="int32")
keras.Model(inputs, keras.layers.Embedding(9, 2)(inputs)).predict(x * 0.5, verbose=0)
"""
    (finding,) = run(runner, generation, body).trace.findings
    assert finding.fix.startswith('x = np.rint(x).astype("int32")')
