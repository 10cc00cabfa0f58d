"""BT702 on real models: targets that are stretched, refused, and those that fit."""

from __future__ import annotations

import pytest

from diagnosis.rules.running import findings, on_both


def fitted(units, targets, loss='"mse"'):
    return f"""
model = keras.Sequential([keras.Input((3,)), keras.layers.Dense({units})])
model.compile("sgd", {loss})
model.fit(x, {targets}, verbose=0)
"""


@on_both
@pytest.mark.parametrize("loss", ['"mse"', '"mae"', "keras.losses.Huber()", '"hinge"'])
def test_targets_that_are_stretched_without_a_word(runner, generation, loss):
    body = fitted(3, "np.ones((2, 1))", loss)
    (finding,) = findings(runner, generation, body, "BT702")
    assert "of (None, 3), with targets of (None, 1). They are stretched" in finding.message
    assert finding.fix.startswith("keras.layers.Dense(1)")


@on_both
def test_an_output_that_is_stretched(runner, generation):
    (finding,) = findings(runner, generation, fitted(1, "np.ones((2, 3))"), "BT702")
    assert "of (None, 1), with targets of (None, 3). They are stretched" in finding.message
    assert finding.fix.startswith("keras.layers.Dense(3)")


@on_both
def test_what_cannot_be_stretched_is_explained(runner, generation):
    (finding,) = findings(runner, generation, fitted(3, "np.ones((2, 2))"), "BT702")
    assert "of (None, 3), with targets of (None, 2)." in finding.message
    assert "stretched" not in finding.message
    assert finding.fix.startswith("keras.layers.Dense(2)")


WELL = {
    "a column": fitted(1, "np.ones((2, 1))"),
    "a list of numbers": fitted(1, "np.ones((2,))"),
    "several": fitted(3, "np.ones((2, 3))"),
    "binary": fitted(1, "np.ones((2,))", "keras.losses.BinaryCrossentropy(from_logits=True)"),
    "one's own loss": fitted(3, "np.ones((2, 1))", "lambda t, p: (t - p[:, :1]) ** 2"),
    "a sequence": """
model = keras.Sequential([keras.Input((5, 3)), keras.layers.Dense(1)])
model.compile("sgd", "mse")
model.fit(np.ones((2, 5, 3), "float32"), np.ones((2, 5)), verbose=0)
""",
}


@on_both
@pytest.mark.parametrize("body", WELL.values(), ids=WELL)
def test_what_is_legal_is_left_alone(runner, generation, body):
    assert findings(runner, generation, body, "BT702") == []
