"""BT343 on real layers: what they are adapted to."""

from __future__ import annotations

import pytest

from diagnosis.rules.running import findings, lines_that_come, on, on_both, run

HEAD = "column = np.array([1.0, 2.0, 4.0], 'float32')\nlayer = keras.layers.Normalization({})\n"

FLAT = {
    "an array": "layer.adapt(column)",
    "a column of a table": "layer.adapt(np.ones((4, 2), 'float32')[:, 0])",
    "a tensor": "layer.adapt(tf.constant(column))",
}

WELL = {
    "a column": "layer.adapt(column[:, None])",
    "a table": "layer.adapt(np.ones((4, 2), 'float32'))",
    "batches of samples": "layer.adapt(tf.data.Dataset.from_tensor_slices(x).batch(2))",
    "a single number": "layer.build((1,))",
}


@on_both
@pytest.mark.parametrize("form", FLAT)
def test_a_flat_column(runner, generation, form):
    ran = run(runner, generation, HEAD.format("") + FLAT[form])
    (finding,) = [f for f in ran.trace.findings if f.code == "BT343"]
    assert finding.caller.line == ran.line_of("layer.adapt")
    assert lines_that_come(ran, "BT343") == ["layer = keras.layers.Normalization(axis=None)"]


@on("keras3")
def test_how_many_means_it_has(runner, generation):
    (finding,) = findings(runner, generation, HEAD.format("") + FLAT["an array"], "BT343")
    assert "one sample of 3 features" in finding.message


@on_both
@pytest.mark.parametrize("form", WELL)
def test_what_has_features(runner, generation, form):
    assert findings(runner, generation, HEAD.format("") + WELL[form], "BT343") == []


@on_both
def test_one_mean_for_all(runner, generation):
    body = HEAD.format("axis=None") + FLAT["an array"]
    ran = run(runner, generation, body)
    assert ran.code == 0, ran.output
    assert ran.trace.findings == ()
