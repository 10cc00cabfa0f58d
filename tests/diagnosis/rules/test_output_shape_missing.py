"""BT311 on real layers that are asked for a shape which they cannot tell."""

from __future__ import annotations

import pytest

from diagnosis.rules.running import alarms, findings, on, on_both

PAIRS = """
class Pairs(keras.layers.Layer):
    def __init__(self, **options):
        super().__init__(**OPTIONS, **options)
        self.mix = keras.layers.Dense(5, name="mix")
    def build(self, input_shape):
        self.mix.build(input_shape)
        super().build(input_shape)
    def call(self, x):
        return self.mix(x[:, ::2] + x[:, 1::2])
"""
WITHOUT_BUILD = PAIRS.replace("build(self, input_shape)", "unused(self, input_shape)")
INSIDE = """
frames = keras.Input((7, 4, 3))
movie = keras.layers.TimeDistributed(Pairs(name="pairs"))(frames)
"""
OF_THE_USERS = """
class Around(keras.layers.Layer):
    def __init__(self):
        super().__init__(name="around")
        self.inner = Pairs(name="pairs")
    def call(self, x):
        return self.inner(x)
    def compute_output_shape(self, input_shape):
        return self.inner.compute_output_shape(input_shape)
Around()(keras.Input((4, 3)))
"""
MODEL = (
    PAIRS.replace("keras.layers.Layer", "keras.Model")
    + """
clips = keras.Input((7, 4, 3))
keras.Model(clips, keras.layers.TimeDistributed(Pairs(name="pairs"))(clips))
"""
)
ALONE = """
keras.Model(rows := keras.Input((4, 3)), Pairs(name="pairs")(rows))
"""


def script(generation, body):
    """Keras 2 asks dynamic layers alone."""
    options = "dict(dynamic=True)" if generation == "keras2" else "{}"
    return f"OPTIONS = {options}\n{body}"


ASKED = {
    "in a wrapper": (PAIRS + INSIDE, "'time_distributed' (TimeDistributed)"),
    "a model in a wrapper": (MODEL, "'time_distributed' (TimeDistributed)"),
    "without a build": (WITHOUT_BUILD + INSIDE, "'time_distributed' (TimeDistributed)"),
}


@on_both
@pytest.mark.parametrize("form", ASKED)
def test_who_asks_whom_is_told_and_nothing_else(runner, generation, form):
    body, by = ASKED[form]
    body = script(generation, body)
    (finding,) = findings(runner, generation, body, "BT311")
    assert finding.message.startswith(f"{by} asks 'pairs' (Pairs) for the shape of its output at ")
    assert "def compute_output_shape(self, input_shape):" in finding.fix
    assert "for (None, 4, 3)" in finding.fix
    assert alarms(runner, generation, body) == ["BT311"]


@on("keras3")
def test_a_layer_of_the_users_asks(runner, generation):
    (finding,) = findings(runner, generation, script(generation, PAIRS + OF_THE_USERS), "BT311")
    assert finding.message.startswith("'around' (Around) asks 'pairs' (Pairs) ")


@on("keras2")
def test_a_dynamic_layer_alone(runner, generation):
    (finding,) = findings(runner, generation, script(generation, PAIRS + ALONE), "BT311")
    assert finding.message.startswith("Keras asks 'pairs' (Pairs) ")
    assert "dynamic=True" in finding.fix


@on("keras3")
def test_what_is_left_unbuilt_is_told_with_it(runner, generation):
    (finding,) = findings(runner, generation, script(generation, WITHOUT_BUILD + INSIDE), "BT311")
    assert "a `build` that builds 'mix' (Dense)" in finding.fix
    (finding,) = findings(runner, generation, script(generation, PAIRS + INSIDE), "BT311")
    assert "a `build`" not in finding.fix


@on("keras3")
def test_a_sequential_that_catches_it(runner, generation):
    """On data it works, so that it is of no use to see it fail there."""
    body = PAIRS + "wrapped = keras.layers.TimeDistributed(Pairs(name='pairs'))\n"
    body += "model = keras.Sequential([keras.Input((7, 4, 3)), wrapped])\n"
    body = script(generation, body + "print(model(np.ones((1, 7, 4, 3))).shape)\n")
    (finding,) = findings(runner, generation, body, "BT311")
    assert finding.severity == "warning"
    assert finding.message.endswith("; Sequential.build caught that, and left the model unbuilt.")
    assert alarms(runner, generation, body) == ["BT311"]


TELLS = """
    def compute_output_shape(self, input_shape):
        return (input_shape[0], input_shape[1] // 2, 5)
"""


@on_both
def test_a_layer_that_tells_its_shape_is_well(runner, generation):
    body = PAIRS + TELLS + INSIDE + "print(keras.Model(frames, movie)(np.ones((2, 7, 4, 3))))\n"
    assert alarms(runner, generation, script(generation, body)) == []


@on_both
def test_what_the_script_catches_is_not_told(runner, generation):
    body = PAIRS + "try:\n    keras.layers.TimeDistributed(Pairs())(keras.Input((7, 4, 3)))\n"
    body += "except NotImplementedError:\n    print('no shape')\n"
    assert findings(runner, generation, script(generation, body), "BT311") == []
