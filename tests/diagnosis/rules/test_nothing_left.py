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
