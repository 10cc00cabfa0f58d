"""BT214 on real models: layers that only a Lambda knows, and others that it may call."""

from __future__ import annotations

import pytest

from diagnosis.rules.running import findings, on_both, run

HIDDEN = {
    "a function": """
dense = keras.layers.Dense(4)
def double(t):
    return 2 * dense(t)
i = keras.Input((3,))
model = keras.Model(i, keras.layers.Lambda(double)(i))
""",
    "made in the function": """
def block(t):
    return keras.layers.Dense(4)(t)
i = keras.Input((3,))
model = keras.Model(i, keras.layers.Lambda(block)(i))
""",
    "a whole model": """
inner = keras.Sequential([keras.layers.Dense(4)])
i = keras.Input((3,))
model = keras.Model(i, keras.layers.Lambda(lambda t: inner(t))(i))
""",
}
LINES = {"a function": "2 * dense", "made in the function": "(t)\n", "a whole model": "lambda t"}

LEGAL = {
    "a layer of the model": """
dense = keras.layers.Dense(3)
i = keras.Input((3,))
h = dense(i)
model = keras.Model(i, keras.layers.Lambda(lambda t: dense(t))(h))
""",
    "a teacher": """
teacher = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3)])
i = keras.Input((3,))
h = keras.layers.Dense(3)(i)
model = keras.Model(i, keras.layers.Lambda(lambda t: t - teacher(t))(h))
""",
    "nothing to train": """
flatten = keras.layers.Flatten()
i = keras.Input((3, 2))
model = keras.Model(i, keras.layers.Lambda(lambda t: flatten(t))(i))
""",
}


@on_both
@pytest.mark.parametrize("form", HIDDEN)
def test_a_layer_that_only_a_lambda_calls(runner, generation, form):
    ran = run(runner, generation, HIDDEN[form])
    found = ran.trace.findings[0]
    assert (found.code, found.severity) == ("BT214", "error")
    assert "2 weights (16 parameters) are in no model" in found.message
    assert ("Keras refuses" in found.message) == (generation == "keras2")
    lines = ran.source.splitlines(keepends=True)
    assert LINES[form] in lines[found.caller.line - 1]


@on_both
@pytest.mark.parametrize("body", LEGAL.values(), ids=LEGAL)
def test_what_is_legal_is_left_alone(runner, generation, body):
    assert findings(runner, generation, body, "BT214") == []
