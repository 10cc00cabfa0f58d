"""BT301, on traces made by hand and on real layers."""

from __future__ import annotations

import pytest
from made_traces import Recording, spec

from diagnosis.hand import error, line, said
from diagnosis.rules.running import findings, on_both

SAID = "Shapes used to initialize variables must be fully-defined (no `None` dimensions)."


def built_on(given, message=SAID, inputs=(("features", 5),), ended=True):
    """A Dense fails in its build; before it there are Inputs of these names, on these lines."""
    r, raised = Recording(), error("ValueError", message)
    for name, number in inputs:
        layer = r.layer(name, "InputLayer")
        with r.call("InputLayer.__init__", layer, [], [given], caller=line(number)):
            pass
    dense = r.layer("dense", "Dense")
    with (
        r.call("Layer.__call__", dense, [given], error=raised),
        r.call("Dense.build", dense, [given], error=raised, caller=line(8)),
    ):
        pass
    return said("BT301", r, ended=raised if ended else None)


def test_the_input_that_left_it_open_is_named():
    (finding,) = built_on(spec(None, 7, None))
    assert finding.caller == line(8)
    assert "'dense' (Dense)" in finding.message
    assert "(None, 7, None)" in finding.message
    assert "the Input 'features' at model.py:5" in finding.message
    assert finding.fix.startswith("keras.Input(shape=(7, 16))")
    assert 0 in finding.calls


def test_of_two_that_it_may_be_both_are_named():
    (finding,) = built_on(spec(None, None), inputs=[("a", 3), ("b", 4)])
    assert "'a' at model.py:3" in finding.message
    assert "'b' at model.py:4" in finding.message


def test_a_known_shape_is_not_the_cause():
    assert built_on(spec(None, 7)) == []


def test_another_fault_is_not_the_cause():
    assert built_on(spec(None, None), message="shape (None, None): units must be positive") == []


def test_what_the_user_caught_was_foreseen():
    assert built_on(spec(None, None), ended=False) == []


LAYERS = {
    "Conv2D": "keras.layers.Conv2D(3, 3)(keras.Input((8, 8, None)))",
    "LSTM": "keras.layers.LSTM(3)(keras.Input((8, None)))",
    "PReLU": "keras.layers.PReLU()(keras.Input((8, None)))",
    "LayerNormalization": "keras.layers.LayerNormalization()(keras.Input((8, None)))",
    "EinsumDense": 'keras.layers.EinsumDense("ab,bc->ac", 4)(keras.Input((None,)))',
    "Dense": "keras.layers.Dense(3)(keras.layers.Flatten()(keras.Input((None, 4, 3))))",
}


@on_both
@pytest.mark.parametrize("body", LAYERS.values(), ids=LAYERS)
def test_layers_of_keras(runner, generation, body):
    (finding,) = findings(runner, generation, body, "BT301")
    assert "the Input '" in finding.message


@on_both
def test_an_open_axis_without_weights_is_fine(runner, generation):
    body = "keras.layers.Conv2D(3, 3)(keras.Input((None, None, 3)))\nraise ValueError(None)"
    assert findings(runner, generation, body, "BT301") == []
