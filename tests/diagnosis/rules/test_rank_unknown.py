"""BT341 on real data: where their shape is lost."""

from __future__ import annotations

import pytest

from diagnosis.rules.running import findings, on_both, run

HEAD = """
def samples():
    yield np.ones((1, 3), "float32")

def change(x):
    return x

types = tf.float32
arrays = tf.data.Dataset.from_tensor_slices(x[:, None])
model = keras.Sequential([keras.layers.Dense(1)])
model.compile("sgd", "mse")
"""
FIT = "\nmodel.fit(data.map(lambda x: (x, tf.ones((1, 1)))), verbose=0)"

LOST = {
    "a generator": "data = tf.data.Dataset.from_generator(samples, types)  # here",
    "Python code": "data = arrays.map(lambda x: tf.py_function(change, [x], types))  # here",
    "NumPy code": "data = arrays.map(lambda x: tf.numpy_function(change, [x], types))  # here",
}

KNOWN = {
    "a shape": "data = tf.data.Dataset.from_generator(samples, types, output_shapes=(1, 3))",
    "a signature": "data = tf.data.Dataset.from_generator(samples, output_signature="
    "tf.TensorSpec((1, 3), types))",
    "arrays": "data = arrays",
}


@on_both
@pytest.mark.parametrize("form", LOST)
def test_where_it_is_lost(runner, generation, form):
    ran = run(runner, generation, HEAD + LOST[form] + FIT)
    (finding,) = [f for f in ran.trace.findings if f.severity == "error"]
    assert finding.code == "BT341"
    assert finding.caller.line == ran.line_of("# here")


@on_both
@pytest.mark.parametrize("form", KNOWN)
def test_where_it_is_known(runner, generation, form):
    assert findings(runner, generation, HEAD + KNOWN[form] + FIT, "BT341") == []


@on_both
def test_of_two_places_none_is_named(runner, generation):
    body = HEAD + LOST["a generator"] + "\n" + LOST["Python code"] + FIT
    assert findings(runner, generation, body, "BT341") == []
