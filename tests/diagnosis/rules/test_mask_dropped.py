"""BT307, on traces made by hand."""

from __future__ import annotations

import msgspec
import pytest
from made_traces import Recording, chain, spec

from diagnosis.hand import line, said, state

SEQUENCE = spec(None, 5, 4)


def dropped(*after, own=True, mask_dropped=True, generation="keras3", out=SEQUENCE):
    """A layer drops a mask; layers of these classes come after it."""
    r = Recording(generation)
    scale = r.layer("scale", "Scale")
    with r.call(
        "Layer.__call__", scale, [SEQUENCE], [out], mask_dropped=mask_dropped, caller=line(6)
    ):
        pass
    rows = [(r.layer("input", "InputLayer"), SEQUENCE), (scale, out)]
    rows += [(r.layer(name.lower(), name), SEQUENCE) for name in after]
    r.graphs.append(chain(r.layer("model", "Functional"), *rows))
    states = [state(scale, 0, number=3, call=["x"])] if own else []
    return r, states


@pytest.mark.parametrize("after", [("LSTM",), ("Dropout", "Dense", "Bidirectional")])
def test_who_dropped_it_and_who_wanted_it(after):
    (finding,) = said("BT307", *dropped(*after))
    assert (finding.severity, finding.caller) == ("warning", line(6))
    assert "'scale' (Scale) dropped the mask" in finding.message
    assert f"({after[-1]}) in 'model'" in finding.message
    assert "class Scale(keras.layers.Layer)" in finding.fix
    assert "self.supports_masking = True" in finding.fix


@pytest.mark.parametrize(
    ("generation", "arguments"), [("keras2", "mask=None"), ("keras3", "previous_mask")]
)
def test_a_layer_that_changes_the_time_axis_has_to_change_the_mask(generation, arguments):
    (finding,) = said("BT307", *dropped("GRU", out=spec(None, 4, 4), generation=generation))
    assert f"compute_mask(self, inputs, {arguments})" in finding.fix


@pytest.mark.parametrize("after", [(), ("Dense",), ("Flatten", "Dense"), ("Conv1D", "LSTM")])
def test_nobody_wanted_it(after):
    assert said("BT307", *dropped(*after)) == []


def test_a_layer_of_keras_own_is_left_alone():
    assert said("BT307", *dropped("LSTM", own=False)) == []


def test_no_mask_was_there():
    assert said("BT307", *dropped("LSTM", mask_dropped=False)) == []


def test_a_layer_of_the_users_that_takes_a_mask_wants_it():
    r, states = dropped("Pool")
    pool = r.layer("pool", "Pool")
    assert said("BT307", r, [*states, state(pool, 0, call=["x"])]) == []
    assert said("BT307", r, [*states, state(pool, 0, call=["x", "mask"])])
    hands_on = msgspec.structs.replace(state(pool, 0, call=["x"]), supports_masking=True)
    assert said("BT307", r, [*states, hands_on]) == []
