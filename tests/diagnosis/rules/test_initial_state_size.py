"""BT345 on real layers: states that fit, and states that do not."""

from __future__ import annotations

import pytest

from diagnosis.rules.running import findings, lines_that_come, on_both, run

HEAD = "n = 4\nwords = keras.Input((6, 3))\ntarget = keras.Input((5, 3))\n"
JOINED = HEAD + "state = keras.layers.Bidirectional(keras.layers.GRU(n))(words)\n"

MISFIT = {
    "of both directions": (
        JOINED + "decoder = keras.layers.GRU(n)\ndecoder(target, initial_state=state)",
        "4 units",
        "8 numbers",
        ["decoder = keras.layers.GRU(2 * n)"],
    ),
    "of a Dense": (
        HEAD + "state = keras.layers.Dense(7)(keras.Input((2,)))\n"
        "keras.layers.LSTM(n)(target, initial_state=[state, state])",
        "4 units",
        "7 numbers",
        [],
    ),
    "made where it is called": (
        JOINED + "keras.layers.SimpleRNN(3)(target, initial_state=state)",
        "3 units",
        "8 numbers",
        ["keras.layers.SimpleRNN(8)(target, initial_state=state)"],
    ),
}

FIT = {
    "twice as many units": JOINED + "keras.layers.GRU(2 * n)(target, initial_state=state)",
    "summed": JOINED.replace("GRU(n))", "GRU(n), merge_mode='sum')")
    + "keras.layers.GRU(n)(target, initial_state=state)",
    "of another one": HEAD + "_, h, c = keras.layers.LSTM(n, return_state=True)(words)\n"
    "keras.layers.LSTM(n)(target, initial_state=[h, c])",
    "a mask": HEAD + "keras.layers.LSTM(n)(target, mask=keras.Input((5,), dtype='bool'))",
    "none": HEAD + "keras.layers.LSTM(n)(target)",
}


@on_both
@pytest.mark.parametrize("form", MISFIT)
def test_states_of_another_size(runner, generation, form):
    body, units, size, lines = MISFIT[form]
    ran = run(runner, generation, body)
    (finding,) = [f for f in ran.trace.findings if f.code == "BT345"]
    assert units in finding.message
    assert size in finding.message
    assert ("both directions" in finding.message) == (form == "of both directions")
    assert lines_that_come(ran, "BT345") == lines


@on_both
@pytest.mark.parametrize("form", FIT)
def test_states_that_fit(runner, generation, form):
    assert findings(runner, generation, FIT[form], "BT345") == []
