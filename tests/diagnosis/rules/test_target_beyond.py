"""BT706 on real models: class numbers beyond the outputs, and those that are legal."""

from __future__ import annotations

import pytest

from diagnosis.rules.running import findings, on_both

SPARSE = '"sparse_categorical_crossentropy"'


def fitted(targets, loss=SPARSE, units=4, more=""):
    return f"""
last = keras.layers.Dense({units}, activation="{"softmax" if units > 1 else "sigmoid"}")
model = keras.Sequential([keras.Input((3,)), last], name="net")
model.compile("sgd", {loss}{more})
model.fit(x, np.array({targets}), verbose=0)
"""


@on_both
@pytest.mark.parametrize("more", ["", ", run_eagerly=True"])
def test_classes_that_are_counted_from_1(runner, generation, more):
    (finding,) = findings(runner, generation, fitted("[1, 4]", more=more), "BT706")
    assert "targets from 1 to 4" in finding.message
    assert "the classes 0 to 3. They seem to be counted from 1" in finding.message
    assert finding.fix == "net.fit(x, y - 1)"
    assert finding.caller is not None
    assert finding.caller.line == 10  # that of `fit`, after the five lines of the beginning


@on_both
def test_more_classes_than_units(runner, generation):
    (finding,) = findings(runner, generation, fitted("[0, 7]"), "BT706")
    assert "targets from 0 to 7" in finding.message
    assert "counted" not in finding.message
    assert finding.fix.startswith('keras.layers.Dense(int(y.max()) + 1, activation="softmax")')


@on_both
def test_a_number_that_stands_for_no_class(runner, generation):
    (finding,) = findings(runner, generation, fitted("[-1, 3]"), "BT706")
    assert finding.fix.startswith("keras.losses.SparseCategoricalCrossentropy(ignore_class=-1)")


@on_both
def test_yes_or_no_with_one_unit(runner, generation):
    (finding,) = findings(runner, generation, fitted("[0, 1]", units=1), "BT706")
    assert finding.fix == 'net.compile(..., loss="binary_crossentropy")'


@on_both
@pytest.mark.parametrize("by_name", [False, True])
def test_of_one_of_two_outputs(runner, generation, by_name):
    targets = '{"a": np.ones((2, 1)), "b": np.array([1, 4])}'
    body = f"""
inputs = keras.Input((3,))
a = keras.layers.Dense(1, name="a")(inputs)
b = keras.layers.Dense(4, activation="softmax", name="b")(inputs)
model = keras.Model(inputs, [a, b], name="net")
model.compile("sgd", {{"a": "mse", "b": {SPARSE}}})
y = {targets if by_name else f"list({targets}.values())"}
model.fit(x, y, verbose=0)
"""
    (finding,) = findings(runner, generation, body, "BT706")
    assert "the output 'b' of 'net'" in finding.message
    part = 'y["b"]' if by_name else "y[1]"
    assert finding.fix == f"{part} = {part} - 1"


WELL = {
    "from 0": fitted("[0, 3]"),
    "numbers with a point": fitted("[0.0, 3.0]"),
    "a class that is ignored": fitted(
        "[-1, 3]", "keras.losses.SparseCategoricalCrossentropy(ignore_class=-1)"
    ),
    "yes or no": fitted("[0, 1]", '"binary_crossentropy"', units=1),
}


@on_both
@pytest.mark.parametrize("body", WELL.values(), ids=WELL)
def test_what_is_legal_is_left_alone(runner, generation, body):
    assert findings(runner, generation, body, "BT706") == []
