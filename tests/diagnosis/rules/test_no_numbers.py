"""BT332, on real models."""

from __future__ import annotations

import pytest

from diagnosis.rules.running import alarms, findings, on, on_both, run

MODEL = "model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])\n"
FIT = MODEL + "model.compile('sgd', 'mse')\nmodel.fit({}, {}, verbose=0)"
ROWS = "x = keras.utils.pad_sequences(x)"
NUMBERS = 'x = x.astype("float32")'
TEXTS = "classes, y = np.unique(y, return_inverse=True)"
ONES = "np.ones((2, 1))"
CASES = {
    "rows of several lengths": (FIT.format("np.array([[1, 2], [3]], object)", ONES), ROWS),
    "with None": (FIT.format("np.array([[1, 2.0], [3, None]], object)", ONES), NUMBERS),
    "targets": (FIT.format("np.ones((2, 2))", "np.array([1, 0], object)"), NUMBERS),
    "texts": (FIT.format("np.ones((2, 2))", "np.array(['cat', 'dog'])"), TEXTS),
    "predict": (MODEL + "model.predict(np.array([[1, 2]], object), verbose=0)", NUMBERS),
    "a call": (MODEL + "model(np.array([[1, 2]], object))", NUMBERS),
}


@on_both
@pytest.mark.parametrize("case", CASES)
def test_no_numbers(runner, generation, case):
    body, fix = CASES[case]
    (finding,) = findings(runner, generation, body, "BT332")
    assert ("an array of texts" if fix == TEXTS else "an array of objects") in finding.message
    assert fix in finding.fix
    assert finding.caller.line == len(("\n" * 5 + body).splitlines())


@on_both
def test_numbers_of_any_kind(runner, generation):
    body = FIT.format("np.array([[1, 2], [3, 4]])", "np.array([True, False])")
    assert alarms(runner, generation, body) == []


@on_both
def test_what_keras_did_not_get(runner, generation):
    body = MODEL + "tf.constant(np.array([1, None], object))"
    assert findings(runner, generation, body, "BT332") == []


@on("keras2")
def test_a_model_of_texts(runner, generation):
    """It lacks an Input for texts: it is no model of numbers."""
    body = "lookup = keras.layers.StringLookup()\nlookup.adapt(['a', 'b'])\n"
    body += "model = keras.Sequential([lookup, keras.layers.Embedding(4, 2)])\n"
    body += "model(tf.constant([['a'], ['b']]))"
    ran = run(runner, generation, body)
    assert "Cast string to" in ran.trace.error.message
    assert [finding.code for finding in ran.trace.findings] == ["BT347"]
