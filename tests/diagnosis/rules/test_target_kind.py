"""BT701 on real models: class numbers, one-hot targets, and what goes well."""

from __future__ import annotations

import pytest

from diagnosis.rules.running import findings, on_both

START = """
numbers, hot = np.array([0, 3]), np.eye(4, dtype="float32")[[0, 3]]
model = keras.Sequential(
    [keras.Input((3,)), keras.layers.Dense(4, activation="softmax", name="kinds")], name="net"
)
"""


def fitted(loss, targets):
    return f'{START}model.compile("sgd", {loss})\nmodel.fit(x, {targets}, verbose=0)\n'


@on_both
@pytest.mark.parametrize("targets", ["numbers", "numbers[:, None]"])
def test_class_numbers_for_a_loss_of_one_hot_targets(runner, generation, targets):
    (finding,) = findings(
        runner, generation, fitted('"categorical_crossentropy"', targets), "BT701"
    )
    assert "of 'net' (Sequential), of (None, 4)" in finding.message
    assert finding.fix.startswith('net.compile(..., loss="sparse_categorical_crossentropy")')
    assert "to_categorical(y, 4)" in finding.fix
    assert finding.severity == "error"


@on_both
def test_one_hot_targets_for_a_loss_of_class_numbers(runner, generation):
    body = fitted('"sparse_categorical_crossentropy"', "hot")
    (finding,) = findings(runner, generation, body, "BT701")
    assert "got targets of (None, 4)" in finding.message
    assert finding.fix == 'net.compile(..., loss="categorical_crossentropy")'


WELL = {
    "class numbers": fitted('"sparse_categorical_crossentropy"', "numbers"),
    "class numbers in a column": fitted('"sparse_categorical_crossentropy"', "numbers[:, None]"),
    "one-hot": fitted('"categorical_crossentropy"', "hot"),
    "one-hot, a class": fitted("keras.losses.CategoricalCrossentropy()", "hot"),
    "a loss of one's own": fitted(
        "lambda t, p: keras.losses.sparse_categorical_crossentropy(t, p)", "numbers"
    ),
    "of an image's points": """
model = keras.Sequential([keras.Input((2, 2, 3)), keras.layers.Dense(4, activation="softmax")])
model.compile("sgd", "sparse_categorical_crossentropy")
model.fit(np.ones((2, 2, 2, 3), "float32"), np.zeros((2, 2, 2), "int32"), verbose=0)
""",
}


@on_both
@pytest.mark.parametrize("body", WELL.values(), ids=WELL)
def test_what_is_legal_is_left_alone(runner, generation, body):
    assert findings(runner, generation, body, "BT701") == []
