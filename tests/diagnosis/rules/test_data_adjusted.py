"""BT704 on real models: data that Keras adds an axis to, meant and not meant."""

from __future__ import annotations

import pytest

from diagnosis.rules.running import findings, on_both


def fitted(shape, data, first="keras.layers.Dense(2)"):
    return f"""
model = keras.Sequential([keras.Input({shape}), {first}], name="net")
model.compile("sgd", "mse")
model.fit({data}, np.ones((4, 2)), verbose=0)
"""


@on_both
def test_an_input_made_from_the_shape_of_all_the_data(runner, generation):
    body = fitted("(4, 1)", "np.ones((4, 1))", "keras.layers.Dense(2)")
    (finding,) = findings(runner, generation, body, "BT704")
    assert "'net' (Sequential) has an input for (None, 4, 1)" in finding.message
    assert "trained on (None, 1)" in finding.message
    assert finding.fix.startswith("keras.Input((1,))")


WELL = {
    "a list of numbers": fitted("(1,)", "np.ones((4,))"),
    "a column": fitted("(1,)", "np.ones((4, 1))"),
    "gray images": fitted(
        "(5, 5, 1)", "np.ones((4, 5, 5))", "keras.layers.Flatten(), keras.layers.Dense(2)"
    ),
    "an axis less": fitted("(5,)", "np.ones((4, 5, 1))"),
    "two inputs": """
inputs = [keras.Input((1,)), keras.Input((1,))]
model = keras.Model(inputs, keras.layers.Concatenate()(inputs))
model.compile("sgd", "mse")
model.fit([np.ones((4,)), np.ones((4, 1))], np.ones((4, 2)), verbose=0)
""",
}


@on_both
@pytest.mark.parametrize("body", WELL.values(), ids=WELL)
def test_what_is_legal_is_left_alone(runner, generation, body):
    assert findings(runner, generation, body, "BT704") == []
