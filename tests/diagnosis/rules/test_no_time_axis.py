"""BT324, on real layers."""

from __future__ import annotations

import pytest

from diagnosis.rules.running import alarms, findings, on_both

WRAPPED = "keras.layers.TimeDistributed(keras.layers.{})"
LAYERS = {
    "no features left": (
        WRAPPED.format("Dense(4)") + "(keras.Input((8,)))",
        "got (None, 8) from the Input ",
        "keras.layers.Dense(...)  # the layer as it is, without TimeDistributed",
    ),
    "an image": (
        WRAPPED.format("Conv2D(4, 3)") + "(keras.Input((28, 28, 3)))",
        "'conv2d' (Conv2D), the layer inside, lacks an axis",
        "keras.layers.Conv2D(...)  # the layer as it is",
    ),
    "a sequence": (
        WRAPPED.format("LSTM(4)") + "(keras.Input((10, 8)))",
        "'lstm' (LSTM), the layer inside, lacks an axis",
        "keras.layers.LSTM(...)",
    ),
    "the last step": (
        "x = keras.layers.Dropout(0.1)(keras.layers.GRU(4, name='gru_a')(keras.Input((10, 8))))\n"
        + WRAPPED.format("Dense(1)")
        + "(x)",
        "got (None, 4) from 'dropout' at model.py:6",
        "keras.layers.GRU(..., return_sequences=True)  # 'gru_a'",
    ),
}


@on_both
@pytest.mark.parametrize("case", LAYERS)
def test_no_axis_for_the_time(runner, generation, case):
    body, message, fix = LAYERS[case]
    (finding,) = findings(runner, generation, body, "BT324")
    assert message in finding.message
    assert finding.fix.startswith(fix)
    assert "BT306" not in alarms(runner, generation, body)


@on_both
def test_enough_axes(runner, generation):
    body = (
        WRAPPED.format("Dense(4)") + "(keras.Input((None, 8)))\n"
        f"{WRAPPED.format('Conv2D(4, 3)')}(keras.Input((5, 28, 28, 3)))\n"
        f"{WRAPPED.format('LSTM(4)')}(keras.Input((5, 10, 8)))\n"
    )
    assert alarms(runner, generation, body) == []


@on_both
def test_another_fault_of_the_layer_inside(runner, generation):
    """Two axes too few are no question of the time."""
    body = WRAPPED.format("Conv2D(4, 3)") + "(keras.Input((28, 3)))"
    assert findings(runner, generation, body, "BT324") == []
