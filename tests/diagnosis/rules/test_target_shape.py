"""BT702 on real models: targets that are stretched, refused, and those that fit."""

from __future__ import annotations

import pytest

from diagnosis.rules.running import findings, on, on_both


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
    assert (
        "of (None, 3), with targets of (None, 1). The smaller of them is repeated"
        in finding.message
    )
    assert finding.fix.startswith("keras.layers.Dense(1)")


@on_both
def test_an_output_that_is_stretched(runner, generation):
    (finding,) = findings(runner, generation, fitted(1, "np.ones((2, 3))"), "BT702")
    assert (
        "of (None, 1), with targets of (None, 3). The smaller of them is repeated"
        in finding.message
    )
    assert finding.fix.startswith("keras.layers.Dense(3)")


@on("keras3")
@pytest.mark.parametrize("more", ["", ", sample_weight=np.ones(3)"])
def test_another_number_of_examples(runner, generation, more):
    """Keras 2 counts them before it computes anything, and says both numbers."""
    body = fitted(1, "np.ones((2 if MORE else 3, 1))").replace("fit(", "train_on_batch(")
    body = f"MORE = {more!r}\n" + body.replace(", verbose=0", more)
    (finding,) = findings(runner, generation, body, "BT702")
    assert "for 2 examples, and 3 " in finding.message
    assert finding.fix.startswith("sample_weight = ..." if more else "y = ...  # 2 of them")


@on_both
def test_what_cannot_be_stretched_is_explained(runner, generation):
    (finding,) = findings(runner, generation, fitted(3, "np.ones((2, 2))"), "BT702")
    assert "of (None, 3), with targets of (None, 2)." in finding.message
    assert "cannot be paired off" in finding.message
    assert finding.fix.startswith("keras.layers.Dense(2)")


OWN = """
class Own(keras.losses.Loss):
    def call(self, target, output):
        target = tf.cast(target, output.dtype)
        return {}


"""


@on("keras3")
@pytest.mark.parametrize(
    "computed",
    [
        "tf.reduce_mean(tf.square(target - output), axis=-1)",
        "tf.reduce_mean(tf.math.squared_difference(output, target))",
        "tf.sqrt(tf.reduce_mean(keras.ops.square(output - target)))",
    ],
)
def test_a_loss_of_ones_own_that_compares_each_with_each(runner, generation, computed):
    """Keras 2 adds the axis before it calls any loss."""
    body = OWN.format(computed) + fitted(1, "np.ones((2,))", "Own()")
    (finding,) = findings(runner, generation, body, "BT702")
    assert "Own pairs the targets, of (None,), with the output" in finding.message
    assert finding.fix == "sequential.fit(x, y[..., None])"
    assert finding.severity == "error"


WELL = {
    "one's own, a column": OWN.format("tf.square(target - output)")
    + fitted(1, "np.ones((2, 1))", "Own()"),
    "one's own, which adds the axis": OWN.format("tf.square(target[:, None] - output)")
    + fitted(1, "np.ones((2,))", "Own()"),
    "one's own, which drops it": OWN.format("tf.square(target - output[:, 0])")
    + fitted(1, "np.ones((2,))", "Own()"),
    "one's own, of several quantiles": OWN.format("tf.square(target - output)")
    + fitted(3, "np.ones((2, 1))", "Own()"),
    "a function, for which Keras adds it": fitted(
        1, "np.ones((2,))", "lambda t, p: tf.reduce_mean((tf.cast(t, p.dtype) - p) ** 2)"
    ),
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
