"""BT310, on real layers."""

from __future__ import annotations

import pytest

from diagnosis.rules.running import findings, on_both

INPUTS = "a, b = keras.Input((7, 7, 3), name='a'), keras.Input((8, 8, 3), name='b')\n"
MERGES = {
    "Concatenate": "keras.layers.Concatenate()([a, b])",
    "Add": "keras.layers.Add()([a, b])",
    "operator": "a + b",
}


@on_both
@pytest.mark.parametrize("name", MERGES)
def test_both_ways_are_named(runner, generation, name):
    (finding,) = findings(runner, generation, INPUTS + MERGES[name], "BT310")
    assert "(None, 7, 7, 3) from the Input 'a' at model.py:6" in finding.message
    assert "(None, 8, 8, 3) from the Input 'b' at model.py:6" in finding.message
    assert "ZeroPadding2D(((0, 1), (0, 1)))" in finding.fix


@on_both
def test_other_channels(runner, generation):
    body = "keras.layers.Multiply()([keras.Input((8, 3)), keras.Input((8, 4))])"
    (finding,) = findings(runner, generation, body, "BT310")
    assert "keras.layers.Dense(3)" in finding.fix


@on_both
def test_shapes_that_fit(runner, generation):
    body = "c = keras.Input((8, 1, 3))\nkeras.layers.Add()([keras.Input((8, 8, 3)), c])"
    assert findings(runner, generation, body, "BT310") == []
