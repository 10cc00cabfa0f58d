"""BT344 on real datasets."""

from __future__ import annotations

import pytest

from diagnosis.rules.running import findings, lines_that_come, on_both, run

HEAD = """
one = tf.data.Dataset.from_tensor_slices((x, np.ones((2, 1), "float32")))
model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
model.compile("sgd", "mse")
"""
FIT = "model.fit({}, validation_data={}, verbose=0)"

WELL = {
    "both batched": FIT.format("one.batch(2)", "one.batch(1)"),
    "arrays": FIT.format("one.batch(2)", "(x, np.ones((2, 1)))"),
    "no validation": "model.fit(one.batch(2), verbose=0)",
}


@on_both
def test_the_validation_data(runner, generation):
    ran = run(runner, generation, HEAD + FIT.format("one.batch(2)", "one"))
    (finding,) = [f for f in ran.trace.findings if f.severity == "error"]
    assert finding.code == "BT344"
    assert "validation data that are not batched: one element is (3,)" in finding.message
    assert lines_that_come(ran, "BT344") == [FIT.format("one.batch(2)", "one.batch(32)")]


@on_both
def test_the_training_data(runner, generation):
    ran = run(runner, generation, HEAD + FIT.format("one", "one.batch(2, drop_remainder=True)"))
    (finding,) = [f for f in ran.trace.findings if f.severity == "error"]
    assert finding.code == "BT344"
    changed = FIT.format("one.batch(2)", "one.batch(2, drop_remainder=True)")
    assert lines_that_come(ran, "BT344") == [changed]


@on_both
@pytest.mark.parametrize("form", WELL)
def test_what_fits(runner, generation, form):
    assert findings(runner, generation, HEAD + WELL[form], "BT344") == []
