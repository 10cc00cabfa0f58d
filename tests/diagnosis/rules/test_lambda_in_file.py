"""BT805 on lambdas that are saved and loaded, and on what is loaded all the same."""

from __future__ import annotations

import pytest

from diagnosis.rules.running import findings, lines_that_come, on_both, run

CODE = "BT805"

TWICE = """
twice = keras.layers.Lambda(lambda t: t * 2.0, output_shape=(3,), name="twice")
model = keras.Sequential([keras.Input((3,)), twice, keras.layers.Dense(1)])
"""
READ = "keras.models.model_from_json(model.to_json())"
LOAD = 'model.save("m.keras")\nkeras.models.load_model("m.keras"{more})'

LOADED = {
    "a text": TWICE + READ,
    "a file": TWICE + LOAD.format(more=""),
    "a config": TWICE + "keras.Sequential.from_config(model.get_config())",
}


@on_both
@pytest.mark.parametrize("body", LOADED.values(), ids=LOADED)
def test_a_lambda_in_a_layer(runner, generation, body):
    ran = run(runner, generation, body)
    first = ran.trace.findings[0]
    assert (first.code, first.severity) == (CODE, "error")
    assert f"the Lambda made at model.py:{ran.line_of('Lambda(')}" in first.message
    assert first.caller.line == len(ran.source.splitlines())
    assert ("safe_mode=False" in first.fix) == ("load_model(" in body)
    assert lines_that_come(ran, CODE) == [
        "@keras.utils.register_keras_serializable()",
        "class MyLambda(keras.layers.Layer):",
        "def call(self, t):",
        "return t * 2.0",
        'twice = MyLambda(name="twice")',
    ]


@on_both
def test_two_of_them(runner, generation):
    body = TWICE.replace("keras.layers.Dense(1)", "keras.layers.Lambda(lambda t: t + 1.0)")
    lines = lines_that_come(run(runner, generation, body + READ), CODE)
    assert "class MyLambda2(keras.layers.Layer):" in lines
    assert "model = keras.Sequential([keras.Input((3,)), twice, MyLambda2()])" in lines


WORDS = {
    "made in a function": """
def make(factor):
    return keras.layers.Lambda(lambda t: t * factor)


model = keras.Sequential([keras.Input((3,)), make(2.0)])
""",
    "more arguments": """
times = keras.layers.Lambda(lambda t, by: t * by, arguments={"by": 2.0})
model = keras.Sequential([keras.Input((3,)), times])
""",
}


@on_both
@pytest.mark.parametrize("body", WORDS.values(), ids=WORDS)
def test_there_is_no_edit_for_what_is_more_than_that(runner, generation, body):
    (finding,) = findings(runner, generation, body + READ, CODE)
    assert "class MyLambda(keras.layers.Layer):" in finding.fix
    assert finding.edits == ()


@on_both
def test_a_lambda_as_the_loss(runner, generation):
    body = """
model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
model.compile("sgd", lambda target, output: tf.reduce_mean(tf.abs(target - output)))
"""
    (finding,) = findings(runner, generation, body + LOAD.format(more=""), CODE)
    assert "a lambda, as a loss" in finding.message
    assert "def my_function(...)" in finding.fix


@on_both
def test_a_file_that_is_trusted(runner, generation):
    assert findings(runner, generation, TWICE + LOAD.format(more=", safe_mode=False"), CODE) == []
