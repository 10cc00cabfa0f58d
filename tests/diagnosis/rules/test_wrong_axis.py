"""BT323, on real layers."""

from __future__ import annotations

import pytest

from diagnosis.rules.running import alarms, findings, on_both

LAYER = """
class Linear(keras.layers.Layer):
    def build(self, input_shape):
        {build}

    def call(self, x):
        return {call}

Linear()({given})
"""


def linear(size, call="tf.matmul(x, self.w)", given="keras.Input((5, 8))"):
    build = f"self.w = self.add_weight(name='w', shape=({size}, 4))"
    return LAYER.format(build=build, call=call, given=given)


ONES = "np.ones((2, 5, 8), 'float32')"
IMAGES = "np.ones((2, 16, 16, 32), 'float32')"
FIXED = "self.w = self.add_weight(name='w', shape=(input_shape[-1], 4))"
CASES = {
    "on symbols": (linear("input_shape[1]"), "of its input (None, 5, 8) that is axis 1, of size 5"),
    "on data": (linear("input_shape[1]", given=ONES), "of its input (2, 5, 8) that is axis 1"),
    "by einsum": (linear("input_shape[-2]", 'tf.einsum("btf,fu->btu", x, self.w)'), "axis 1"),
    "of an image": (
        linear(
            "input_shape[1]", "keras.backend.dot(tf.reduce_mean(x, axis=(1, 2)), self.w)", IMAGES
        ),
        "that is axis 1, of size 16, and not the 32 features",
    ),
    "not known": (
        linear("input_shape[1]", given="keras.Input((None, 8))"),
        "that is axis 1, of size unknown, and not the 8 features",
    ),
    "the batch": (
        linear("input_shape[0]", given="keras.Input((8,))"),
        "that is the batch, of size unknown",
    ),
}


@on_both
@pytest.mark.parametrize("case", CASES)
def test_the_wrong_axis(runner, generation, case):
    body, message = CASES[case]
    (finding,) = findings(runner, generation, body, "BT323")
    assert message in finding.message
    assert finding.fix == FIXED
    assert finding.caller.line == 9


@on_both
def test_by_way_of_a_name(runner, generation):
    body = LAYER.format(
        build="steps = input_shape[1]; self.w = self.add_weight(name='w', shape=(steps, 4))",
        call="tf.matmul(x, self.w)",
        given=ONES,
    ).replace("; self", "\n        self")
    (finding,) = findings(runner, generation, body, "BT323")
    assert finding.fix.startswith("input_shape[-1]  # in the place of input_shape[1]")


def scores(given):
    """A layer that has a bias for each step: the size of axis 1 is right for that."""
    build = "self.b = self.add_weight(name='b', shape=(input_shape[1], 1))"
    return LAYER.format(build=build, call="tf.reduce_sum(x + self.b, axis=1)", given=given)


@on_both
def test_what_is_right(runner, generation):
    assert alarms(runner, generation, linear("input_shape[-1]")) == []
    flat = linear("input_shape[1]", given="keras.Input((8,))")
    assert alarms(runner, generation, flat) == []
    assert alarms(runner, generation, scores(ONES)) == []


@on_both
def test_another_fault_than_a_weight_of_that_size(runner, generation):
    """The first is of another number of steps, the second of something else in `call`."""
    later = scores(ONES).replace(f"Linear()({ONES})", f"layer = Linear()\nlayer({ONES})")
    later += "layer(np.ones((2, 7, 8), 'float32'))\n"
    assert findings(runner, generation, later, "BT323") == []
    other = scores(ONES).replace("x + self.b, axis=1", "x + tf.ones((5,)), axis=1")
    assert findings(runner, generation, other, "BT323") == []
