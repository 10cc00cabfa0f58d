"""BT304, on traces made by hand and on Keras 3."""

from __future__ import annotations

import msgspec
import pytest
from made_traces import Recording, spec

from diagnosis.hand import said
from diagnosis.rules.running import alarms, findings, on


def promised(promise, real, given=(2, 8), module="__main__", symbolic=False):
    """A layer promises a shape for (None, 8), and is called on something."""
    r, layer = Recording(), None
    layer = r.layer("halve", "Halve")
    with r.call("Halve.compute_output_shape", layer, [spec(None, 8)], [spec(*promise)]) as made:
        pass
    with r.call("Layer.__call__", layer, [spec(*given)], [spec(*real)]):
        if symbolic:
            with r.call("Layer.symbolic_call", layer):
                pass
    r.calls[made] = msgspec.structs.replace(
        r.calls[made], module=module, landmark="Layer.compute_output_shape"
    )
    return said("BT304", r)


@pytest.mark.parametrize("promise", [(None, 8), (None, 4, 1), (4,)])
def test_promise_and_outcome_are_told(promise):
    (finding,) = promised(promise, (2, 4))
    assert str(promise) in finding.message
    assert "gives (2, 4) for (2, 8)" in finding.message
    assert "return (input_shape[0], 4)" in finding.fix
    assert finding.calls == (0, 1)


@pytest.mark.parametrize(
    "change",
    [
        {"promise": (None, 4)},
        {"promise": (None, None)},
        {"promise": (1, 4)},
        {"promise": (None, 8), "given": (2, 9)},
        {"promise": (None, 8), "symbolic": True},
        {"promise": (None, 8), "module": "keras.src.layers.core.dense"},
    ],
)
def test_what_proves_nothing(change):
    assert promised(**{"real": (2, 4), **change}) == []


LAYER = """\
class Halve(keras.layers.Layer):
    def call(self, x):
        return x[:, ::2]
    def compute_output_shape(self, input_shape):
        return {}
inputs = keras.Input((8,))
model = keras.Model(inputs, keras.layers.Dense(2)(Halve()(inputs)))
model(np.ones((1, 8)))
"""


@on("keras3")
@pytest.mark.parametrize(
    ("returned", "found"), [("input_shape", 1), ("(input_shape[0], (4,))", 1), ("(None, 4)", 0)]
)
def test_layers_that_promise(runner, generation, returned, found):
    assert len(findings(runner, generation, LAYER.format(returned), "BT304")) == found


RNNS = "keras.layers.SimpleRNN(4), backward_layer=keras.layers.SimpleRNN({}, go_backwards=True)"
OWN = {
    "a Bidirectional of two sizes": (
        "(9, 2)",
        f"keras.layers.Bidirectional({RNNS.format(6)})",
        "Bidirectional.compute_output_shape of 'bidirectional' (Bidirectional) promises (None, 8), "
        "but its `call` gives (1, 10) for (1, 9, 2); 'head' (Dense) was built for what",
        "as many units in both directions (they are 4 and 6)",
    ),
    "one in a wrapper": (
        "(5, 9, 2)",
        f"keras.layers.TimeDistributed(keras.layers.Bidirectional({RNNS.format(3)}))",
        "promises (None, 5, 8), but its `call` gives (1, 5, 7)",
        "as many units in both directions (they are 4 and 3)",
    ),
    "a Lambda that was told another shape": (
        "(6,)",
        "keras.layers.Lambda(lambda x: x[:, :4], output_shape=(3,))",
        "'lambda' (Lambda) promises (None, 3), but its `call` gives (1, 4) for (1, 6)",
        "keras.layers.Lambda(..., output_shape=(4,))",
    ),
}


def own(shape, layer):
    """A model with a layer of Keras' own, which is called on data."""
    return f"""
start = keras.Input({shape})
middle = {layer}(start)
model = keras.Model(start, keras.layers.Dense(2, name="head")(middle))
model(np.ones((1, *{shape}), "float32"))
"""


@on("keras3")
@pytest.mark.parametrize("form", OWN)
def test_a_layer_of_keras_breaks_its_promise(runner, generation, form):
    shape, layer, text, fix = OWN[form]
    (finding,) = findings(runner, generation, own(shape, layer), "BT304")
    assert text in finding.message
    assert fix in finding.fix
    assert alarms(runner, generation, own(shape, layer)) == ["BT304"]


KEPT = {
    "two directions of one size": own("(9, 2)", f"keras.layers.Bidirectional({RNNS.format(4)})"),
    "a Lambda that was told its shape": own(
        "(6,)", "keras.layers.Lambda(lambda x: x[:, :4], output_shape=(4,))"
    ),
}


@on("keras3")
@pytest.mark.parametrize("form", KEPT)
def test_a_layer_of_keras_keeps_its_promise(runner, generation, form):
    assert alarms(runner, generation, KEPT[form]) == []


@on("keras3")
def test_another_size_of_data_is_no_broken_promise(runner, generation):
    body = own("(9, 2)", f"keras.layers.Bidirectional({RNNS.format(4)})")
    body += "model.get_layer('head')(np.ones((1, 3), 'float32'))\n"
    assert alarms(runner, generation, body) == ["BT302"]
