"""BT325, on real layers."""

from __future__ import annotations

import pytest

from diagnosis.rules.running import alarms, findings, on, on_both

LAYERS = {
    "an Input": "keras.layers.LSTM(4, stateful=True)(keras.Input((10, 8)))",
    "input_shape": "keras.Sequential([keras.layers.GRU(4, stateful=True, input_shape=(10, 8))])",
    "Bidirectional": "keras.layers.Bidirectional(keras.layers.LSTM(4, stateful=True))("
    "keras.Input((10, 8)))",
    "behind another layer": "x = keras.layers.Conv1D(6, 3)(keras.Input((10, 8)))\n"
    "keras.layers.SimpleRNN(4, stateful=True)(x)",
}


@on_both
@pytest.mark.parametrize("case", LAYERS)
def test_rows_of_unknown_number(runner, generation, case):
    (finding,) = findings(runner, generation, LAYERS[case], "BT325")
    assert "from the Input at model.py:6" in finding.message
    assert finding.fix.startswith("keras.Input(shape=(10, 8), batch_size=32)")


FIXED = """
inputs = keras.Input((10, 8), batch_size=4)
model = keras.Model(inputs, keras.layers.LSTM(3, stateful=True)(inputs))
model(np.ones(({0}, 10, 8), "float32"))
"""


@on("keras3")
def test_another_number_of_rows(runner, generation):
    (finding,) = findings(runner, generation, FIXED.format(1), "BT325")
    assert "each of the 4 rows of a batch, but got a batch of 1" in finding.message
    assert finding.fix.startswith("x = x[:len(x) // 4 * 4]")


@on_both
def test_as_many_rows(runner, generation):
    body = FIXED.format(4) + "keras.layers.LSTM(3, stateful=True)(np.ones((2, 5, 3), 'float32'))"
    assert alarms(runner, generation, body) == []
