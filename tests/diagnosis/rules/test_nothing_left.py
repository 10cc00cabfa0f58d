"""BT309, on real layers."""

from __future__ import annotations

import pytest

from diagnosis.rules.running import findings, on_both

LAYERS = {
    "Conv2D": "keras.layers.Conv2D(4, 5)(keras.layers.MaxPooling2D(2, name='p')(keras.Input(({0}, "
    "{0}, 3))))",
    "AveragePooling1D": "keras.layers.AveragePooling1D(5)(keras.layers.Conv1D(2, 4, name='p')("
    "keras.Input(({0}, 3))))",
}


@on_both
@pytest.mark.parametrize("name", LAYERS)
def test_what_made_it_so_small(runner, generation, name):
    (finding,) = findings(runner, generation, LAYERS[name].format(7), "BT309")
    assert f"({name})" in finding.message
    assert "→ 'p' (model.py:6)" in finding.message
    assert f'{name}(..., padding="same")' in finding.fix


@on_both
@pytest.mark.parametrize("name", LAYERS)
def test_enough_is_left(runner, generation, name):
    assert findings(runner, generation, LAYERS[name].format(20), "BT309") == []


@on_both
def test_channels_in_the_place_of_the_height(runner, generation):
    body = "keras.layers.Conv2D(4, 5)(keras.Input((3, 32, 32)))"
    (finding,) = findings(runner, generation, body, "BT309")
    assert finding.fix.startswith("keras.Input(shape=(32, 32, 3))")


@on_both
def test_the_channels_are_in_the_place_of_the_height_from_the_start(runner, generation):
    """What a layer in the middle makes of them is no shape for an Input."""
    body = (
        "x = keras.layers.Conv2D(64, 3, strides=3)(keras.Input((3, 224, 224)))\n"
        "keras.layers.MaxPooling2D(2)(keras.layers.Conv2D(64, 3, padding='same')(x))"
    )
    (finding,) = findings(runner, generation, body, "BT309")
    assert finding.fix.startswith("keras.Input(shape=(224, 224, 3))")


@on_both
def test_a_window_that_is_written_as_two_sizes(runner, generation):
    body = (
        "x = keras.layers.Conv2D(4, 3, 3)(keras.Input((28, 28, 1)))\n"
        "x = keras.layers.Conv2D(4, 3, 3)(x)\n"
        "keras.layers.Conv2D(4, 5)(x)"
    )
    (finding,) = findings(runner, generation, body, "BT309")
    assert finding.fix.startswith("keras.layers.Conv2D(..., (3, 3))  # model.py:6: a third")
