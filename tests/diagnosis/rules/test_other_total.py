"""BT321, on real layers."""

from __future__ import annotations

import pytest

from diagnosis.rules.running import alarms, findings, on_both

IMAGE = "x = keras.Input((28, 28, 1))\n"
SHAPES = {
    "two convolutions": (
        IMAGE + "x = keras.layers.Conv2D(8, 3)(keras.layers.Conv2D(8, 3)(x))\n"
        "keras.layers.Reshape((28, 28, 8))(x)",
        "4,608 numbers a sample, for the shape (28, 28, 8), which takes 6,272; on the way there it "
        "shrank: ",
        'keras.layers.Conv2D(..., padding="same")  # model.py:7: keeps (None, 28, 28, 1)',
    ),
    "a pooling": (
        IMAGE + "keras.layers.Reshape((28 * 28,))(keras.layers.MaxPooling2D(2)(x))",
        "'max_pooling2d' (model.py:7) (None, 14, 14, 1)",
        "keras.layers.Flatten()  # 196 numbers",
    ),
    "too few units": (
        "x = keras.layers.Dense(7 * 7 * 128)(keras.Input((100,)))\n"
        "keras.layers.Reshape((7, 7, 256))(x)",
        "it came from 'dense' (Dense) (model.py:6)",
        "keras.layers.Dense(12544)  # 'dense': 7 * 7 * 256",
    ),
    "the samples in it": (
        "keras.layers.Reshape((32, 3, 4))(keras.Input((12,)))",
        "it came from the Input ",
        "keras.layers.Reshape((3, 4))  # the shape of one sample: without 32",
    ),
    "other features": (
        "x = keras.layers.MaxPooling2D(4)(keras.Input((200, 50, 64)))\n"
        "keras.layers.Reshape((50, 1000))(x)",
        "38,400 numbers a sample",
        "keras.layers.Reshape((50, 768))  # 768 for 1000",
    ),
    "more steps": (
        "keras.layers.Reshape((4, 4))(np.ones((2, 12), 'float32'))",
        "12 numbers a sample, for the shape (4, 4), which takes 16.",
        "keras.layers.Reshape((-1, 4))  # -1: as many as there are, here 3",
    ),
    "none to divide it": (
        "keras.layers.Reshape((3, -1))(keras.Input((10,)))",
        "for the shape (3, -1), which takes a multiple of 3",
        "keras.layers.Reshape(...)  # sizes whose product is 10; or an input of a multiple of 3",
    ),
}


@on_both
@pytest.mark.parametrize("case", SHAPES)
def test_another_total(runner, generation, case):
    body, message, fix = SHAPES[case]
    (finding,) = findings(runner, generation, body, "BT321")
    assert message in finding.message
    assert finding.fix.startswith(fix)


HEADS = """
class Heads(keras.layers.Layer):
    def call(self, x):
        return tf.reshape(x, (-1, 5, {0}, 4))

Heads()(np.ones((2, 5, 8), "float32"))
"""


@on_both
def test_in_the_users_own_code(runner, generation):
    (finding,) = findings(runner, generation, HEADS.format(3), "BT321")
    assert "`tf.reshape((2, 5, 8), (-1, 5, 3, 4))`" in finding.message
    assert finding.caller.line == 9
    assert alarms(runner, generation, HEADS.format(2)) == []


@on_both
def test_strides_are_no_edge(runner, generation):
    body = IMAGE + "keras.layers.Reshape((28, 28))(keras.layers.Conv2D(1, 3, strides=2)(x))"
    (finding,) = findings(runner, generation, body, "BT321")
    assert "padding" not in finding.fix


@on_both
def test_shapes_that_fit(runner, generation):
    body = IMAGE + (
        "x = keras.layers.Conv2D(8, 3, padding='same')(x)\n"
        "keras.layers.Reshape((28 * 28, 8))(x)\nkeras.layers.Reshape((14, -1))(x)\n"
        "keras.layers.Reshape((-1, 8))(keras.Input((None, 16)))"
    )
    assert alarms(runner, generation, body) == []
