"""BT334, on real layers."""

from __future__ import annotations

import pytest

from diagnosis.rules.running import alarms, findings, on_both

CELL = """
class Cell(keras.layers.Layer):
    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(3)
        {}

    def build(self, input_shape):
        self.dense.build(input_shape)
        super().build(input_shape)

    def call(self, x, states):
        state = self.dense(x) + states[0]
        return state, {}

inputs = keras.Input((5, 8))
x = keras.layers.RNN(Cell())(inputs)
model = keras.Model(inputs, x)
model.compile(loss="mse")
model.fit(np.ones((2, 5, 8), "float32"), np.ones((2, 3), "float32"), verbose=0)
"""


@on_both
def test_no_size(runner, generation):
    (finding,) = findings(runner, generation, CELL.format("", "[state]"), "BT334")
    assert "The cell Cell has no `state_size`" in finding.message
    assert finding.fix.startswith("self.state_size = 32")


SIZES = {
    "one state": ("self.state_size = 1", "[state]", "(None, 1)", "(None, 3)", "3"),
    "two states": (
        "self.state_size = [1, 3]",
        "[state, states[1]]",
        "(None, 1) and (None, 3)",
        "(None, 3) and (None, 3)",
        "[3, 3]",
    ),
}


@on_both
@pytest.mark.parametrize("case", SIZES)
def test_another_size(runner, generation, case):
    line, back, given, returned, fix = SIZES[case]
    (finding,) = findings(runner, generation, CELL.format(line, back), "BT334")
    assert f"is started with the state {given}," in finding.message
    assert f"gives back {returned} after" in finding.message
    assert finding.fix.startswith(f"self.state_size = {fix}  #")


RIGHT = {"one state": ("3", "[state]"), "two states": ("[3, 7]", "[state, states[1]]")}


@on_both
@pytest.mark.parametrize("case", RIGHT)
def test_the_size_of_the_state(runner, generation, case):
    size, back = RIGHT[case]
    assert alarms(runner, generation, CELL.format(f"self.state_size = {size}", back)) == []
