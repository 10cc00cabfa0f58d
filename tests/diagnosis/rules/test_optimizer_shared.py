"""BT207 on real models: one optimizer, two models, and what goes well."""

from __future__ import annotations

import pytest

from diagnosis.rules.running import findings, on_both

START = """
y = np.ones((2, 1), "float32")
def make():
    return keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
optimizer = keras.optimizers.Adam()
first, second = make(), make()
first.compile(optimizer, "mse")
first.fit(x, y, verbose=0)
"""

WELL = {
    "compiled, not trained": 'second.compile(optimizer, "mse")\n',
    "one of its own": 'second.compile("adam", "mse")\nsecond.fit(x, y, verbose=0)\n',
    "compiled again": 'first.compile(optimizer, "mse")\nfirst.fit(x, y, verbose=0)\n',
    "of the same weights": "second = keras.Sequential([keras.Input((3,)), *first.layers])\n"
    'second.compile(optimizer, "mse")\nsecond.fit(x, y, verbose=0)\n',
    "refused, but not shared": "optimizer.apply_gradients([(tf.ones((3, 1)), second.weights[0])])",
}


@on_both
def test_the_second_model_is_named(runner, generation):
    body = START + 'second.compile(optimizer, "mse")\nsecond.fit(x, y, verbose=0)\n'
    (finding,) = findings(runner, generation, body, "BT207")
    assert "'sequential' (Sequential) and to 'sequential_1' (Sequential)" in finding.message
    assert finding.fix.startswith("sequential_1.compile(keras.optimizers.Adam(")


@on_both
@pytest.mark.parametrize("end", WELL.values(), ids=WELL)
def test_what_is_legal_is_left_alone(runner, generation, end):
    assert findings(runner, generation, START + end, "BT207") == []
