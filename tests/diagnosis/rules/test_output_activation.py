"""BT703 on real models: activations and losses that do not go together, and those that do."""

from __future__ import annotations

import pytest

from diagnosis.rules.running import findings, on_both


def fitted(last, loss, targets="np.array([0, 1])"):
    return f"""
model = keras.Sequential([keras.Input((3,)), {last}], name="net")
model.compile("sgd", {loss})
model.fit(x, {targets}, verbose=0)
"""


DENSE = 'keras.layers.Dense({}, activation="{}")'
LOGITS = "keras.losses.{}(from_logits=True)"
SPARSE = "SparseCategoricalCrossentropy"


@on_both
@pytest.mark.parametrize(
    ("last", "loss"),
    [
        (DENSE.format(4, "softmax"), LOGITS.format(SPARSE)),
        ("keras.layers.Dense(4), keras.layers.Softmax()", LOGITS.format(SPARSE)),
        ('keras.layers.Dense(4), keras.layers.Activation("softmax")', LOGITS.format(SPARSE)),
        (DENSE.format(1, "sigmoid"), LOGITS.format("BinaryCrossentropy")),
    ],
)
def test_an_activation_that_the_loss_applies_once_more(runner, generation, last, loss):
    (finding,) = findings(runner, generation, fitted(last, loss), "BT703")
    assert "with from_logits=True applies" in finding.message
    assert finding.severity == "warning"  # TensorFlow finds the logits


@on_both
@pytest.mark.parametrize(
    ("last", "loss"),
    [
        ("keras.layers.Dense(4)", '"sparse_categorical_crossentropy"'),
        (DENSE.format(4, "relu"), '"sparse_categorical_crossentropy"'),
        ("keras.layers.Dense(1)", '"binary_crossentropy"'),
        (DENSE.format(1, "tanh"), "keras.losses.BinaryCrossentropy()"),
        (
            "keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])",
            "keras.losses.BinaryCrossentropy()",
        ),
    ],
)
def test_numbers_that_are_no_probabilities(runner, generation, last, loss):
    (finding,) = findings(runner, generation, fitted(last, loss), "BT703")
    assert "takes them for probabilities" in finding.message
    assert finding.severity == "error"
    assert finding.caller is not None
    assert finding.caller.line == 8  # that of `compile`, after the five lines of the beginning


@on_both
def test_softmax_over_one_number(runner, generation):
    body = fitted(DENSE.format(1, "softmax"), '"mse"')
    (finding,) = findings(runner, generation, body, "BT703")
    assert "it is 1 for every input" in finding.message


WELL = {
    "softmax": fitted(DENSE.format(4, "softmax"), '"sparse_categorical_crossentropy"'),
    "logits": fitted("keras.layers.Dense(4)", LOGITS.format(SPARSE)),
    "sigmoid": fitted(DENSE.format(1, "sigmoid"), '"binary_crossentropy"'),
    "binary logits": fitted("keras.layers.Dense(1)", LOGITS.format("BinaryCrossentropy")),
    "a column": fitted("keras.layers.Dense(1)", '"mse"'),
    "something of one's own": fitted(
        "keras.layers.Dense(4), keras.layers.Lambda(lambda y: y / 9)",
        '"sparse_categorical_crossentropy"',
    ),
    "not by layers": """
class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(4)

    def call(self, x):
        return tf.nn.softmax(self.dense(x))


model = Net()
model.compile("sgd", "sparse_categorical_crossentropy")
model.fit(x, np.array([0, 1]), verbose=0)
""",
    "of the second of two outputs": """
inputs = keras.Input((3,))
first = keras.layers.Dense(2, name="first")(inputs)
second = keras.layers.Dense(4, activation="softmax", name="second")(inputs)
model = keras.Model(inputs, [first, second])
model.compile("sgd", ["mse", "sparse_categorical_crossentropy"])
model.fit(x, [np.ones((2, 2)), np.array([0, 1])], verbose=0)
""",
}


@on_both
@pytest.mark.parametrize("body", WELL.values(), ids=WELL)
def test_what_is_legal_is_left_alone(runner, generation, body):
    assert findings(runner, generation, body, "BT703") == []
