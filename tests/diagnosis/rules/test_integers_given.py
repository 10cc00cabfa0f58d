"""BT331, on real layers."""

from __future__ import annotations

import pytest

from diagnosis.rules.running import alarms, findings, on, on_both

COLORS = "x = keras.layers.Rescaling(1 / 255)(x)"


@on_both
def test_colors(runner, generation):
    body = "keras.layers.Conv2D(3, 3)(np.ones((2, 8, 8, 3), 'uint8'))"
    (finding,) = findings(runner, generation, body, "BT331")
    assert "'conv2d' (Conv2D) computes with floats" in finding.message
    assert "(2, 8, 8, 3) uint8" in finding.message
    assert finding.fix.startswith(COLORS)


LAYERS = {
    "Conv2D": ("keras.layers.Conv2D(3, 3)(keras.Input((8, 8, 3), dtype='uint8'))", COLORS),
    "LSTM": (
        "keras.layers.LSTM(3)(keras.Input((8, 3), dtype='int32'))",
        'keras.Input((8, 3), dtype="float32")',
    ),
    "MultiHeadAttention": (
        "i = keras.Input((8, 3), dtype='int64')\nkeras.layers.MultiHeadAttention(2, 3)(i, i)",
        'keras.Input((8, 3), dtype="float32")',
    ),
    "AveragePooling1D": (
        "keras.layers.AveragePooling1D(2)(np.ones((2, 8, 3), 'int32'))",
        'x = x.astype("float32")',
    ),
}


@on("keras2")
@pytest.mark.parametrize("name", LAYERS)
def test_what_only_keras2_refuses(runner, generation, name):
    body, fix = LAYERS[name]
    (finding,) = findings(runner, generation, body, "BT331")
    assert f"({name}) computes with floats" in finding.message
    assert finding.fix.startswith(fix)


@on_both
def test_integers_that_are_taken(runner, generation):
    body = (
        "i = keras.Input((8,), dtype='int32')\n"
        "keras.layers.Embedding(9, 4)(i)\nkeras.layers.Dense(3)(i)\nkeras.layers.Flatten()(i)\n"
        "images = np.ones((2, 8, 8, 3), 'uint8')\n"
        "keras.layers.Conv2D(3, 3)(keras.layers.Rescaling(1 / 255)(images))\n"
        "model = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(3, 3)])\n"
        "model(images)\nmodel.predict(images, verbose=0)"
    )
    assert alarms(runner, generation, body) == []
