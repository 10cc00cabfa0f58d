"""BT302, on traces made by hand and on real layers."""

from __future__ import annotations

from contextlib import nullcontext

import pytest
from made_traces import Recording, spec

from diagnosis.hand import error, line, said
from diagnosis.rules.running import findings, on, on_both

SAID = "expected axis -1 of input shape to have value 192, but received input with shape (2, 768)"


def called_twice(text=SAID, weights=((192, 4),), second=(2, 768), ended=True, around=None):
    """A model is called on two shapes; the second call fails in its Dense."""
    r, raised = Recording(), error("ValueError", text)
    model, dense = r.layer("net", "Net"), r.layer("dense", "Dense")
    outer = r.call(around, step="load", error=raised) if around else nullcontext()
    with outer:
        with (
            r.call("Layer.__call__", model, [spec(2, 8, 8, 3)], caller=line(4)),
            r.call("Layer.__call__", dense, [spec(2, 192)]),
            r.call("Dense.build", dense, [spec(2, 192)]),
        ):
            for shape in weights:
                r.add_weight(dense, "kernel", shape)
        with (
            r.call("Layer.__call__", model, [spec(2, 16, 16, 3)], error=raised),
            r.call("Layer.__call__", dense, [spec(*second)], error=raised, caller=line(6)),
        ):
            pass
    return said("BT302", r, ended=raised if ended else None)


def test_expectation_and_input_and_where_the_size_came_from():
    (finding,) = called_twice()
    assert finding.caller == line(6)
    assert "'dense' (Dense) was built for (2, 192)" in finding.message
    assert "'net' (Net) was first called on (2, 8, 8, 3) at model.py:4" in finding.message
    assert "got (2, 768)" in finding.message
    assert 2 in finding.calls, "the build that fixed it"


@pytest.mark.parametrize(
    "change",
    [
        {"text": "another fault"},
        {"weights": ()},
        {"weights": ((7, 4),)},
        {"second": (2, 192)},
        {"second": (2, 5, 768)},
        {"ended": False},
        {"around": "load_model"},  # the config has lost an argument
    ],
)
def test_it_needs_both_sizes_and_a_weight(change):
    assert called_twice(**change) == []


TWO_CALLS = {
    "BatchNormalization": ("keras.layers.BatchNormalization()", (2, 3), (2, 5)),
    "Conv2D": ("keras.layers.Conv2D(4, 3)", (2, 8, 8, 3), (2, 9, 9, 1)),
    "LSTM": ("keras.layers.LSTM(4)", (2, 3, 3), (2, 5, 7)),
    "Bidirectional": ("keras.layers.Bidirectional(keras.layers.LSTM(4))", (2, 3, 3), (2, 5, 7)),
}


@on_both
@pytest.mark.parametrize("name", TWO_CALLS)
def test_layers_of_keras(runner, generation, name):
    made, first, second = TWO_CALLS[name]
    body = (
        f"model = keras.Sequential([{made}])\nmodel(np.ones({first}))\nmodel(np.ones({second}))\n"
    )
    (finding,) = findings(runner, generation, body, "BT302")
    assert f"({name}) was built for {first}" in finding.message
    assert f"got {second}" in finding.message


@on_both
def test_the_input_that_a_shared_layer_was_built_by(runner, generation):
    body = 'd = keras.layers.Dense(4)\nd(keras.Input((3,), name="a"))\nd(keras.Input((5,)))\n'
    (finding,) = findings(runner, generation, body, "BT302")
    assert "because of the Input 'a'" in finding.message
    assert finding.fix.startswith("dense_5 = keras.layers.Dense(")


@on("keras3")
def test_what_the_user_checks_himself_says_enough(runner, generation):
    body = (
        "class Checked(keras.layers.Layer):\n"
        "    def call(self, x):\n"
        "        if x.shape[-1] != 3: raise ValueError('want 3, not 5')\n"
        "        return x\n"
        "c = Checked()\nc(np.ones((2, 3)))\nc(np.ones((2, 5)))\n"
    )
    assert findings(runner, generation, body, "BT302") == []
