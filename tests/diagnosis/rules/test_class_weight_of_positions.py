"""BT712 on weights of classes that do not go with the targets, and on those that do."""

from __future__ import annotations

import pytest

from diagnosis.rules.running import findings, lines_that_come, on, on_both, run

CODE = "BT712"

FIT = """
model = keras.Sequential([keras.Input({shape}), keras.layers.Dense({units}, activation="{ends}")])
model.compile("sgd", "{loss}")
data, y = np.ones((4, *{shape})), {targets}
model.fit(data, y, class_weight={weights}, verbose=0)
"""
TWO = "{0: 0.1, 1: 0.9}"
SEQUENCE = {"shape": "(5, 3)", "units": "2", "ends": "softmax", "weights": TWO}
SAMPLE = {**SEQUENCE, "shape": "(3,)"}
SPARSE = "sparse_categorical_crossentropy"
TAGS = "np.arange(20).reshape(4, 5) % 2"


@on_both
@pytest.mark.parametrize("weights", [TWO, "{1: 0.9, 0: 0.1}"])
def test_a_class_for_each_step(runner, generation, weights):
    body = FIT.format(loss=SPARSE, targets=TAGS, **{**SEQUENCE, "weights": weights})
    ran = run(runner, generation, body)
    (finding,) = [f for f in ran.trace.findings if f.code == CODE]
    assert finding.severity == "error"
    assert "for targets of (4, 5)" in finding.message
    assert "the largest number along their last axis" in finding.message
    assert finding.caller.line == ran.line_of("model.fit(")
    assert lines_that_come(ran, CODE) == [
        "model.fit(data, y, sample_weight=np.array([0.1, 0.9])[y], verbose=0)"
    ]


@on_both
def test_weights_with_a_name(runner, generation):
    body = FIT.format(loss=SPARSE, targets=TAGS, **{**SEQUENCE, "weights": "weights"})
    ran = run(runner, generation, f"weights = {TWO}{body}")
    assert lines_that_come(ran, CODE) == [
        "model.fit(data, y, sample_weight=np.array([weights[n] for n in range(2)])[y], verbose=0)"
    ]


@on_both
def test_several_answers_of_each_sample(runner, generation):
    yes = {**SAMPLE, "ends": "sigmoid", "targets": "np.eye(4)[:, :2]"}
    (finding,) = findings(runner, generation, FIT.format(loss="binary_crossentropy", **yes), CODE)
    assert "for targets of (4, 2)" in finding.message
    assert "pos_weight" in finding.fix
    assert finding.edits == ()


@on("keras3")
def test_keras_3_has_no_weights_of_one_hot_steps(runner, generation):
    body = FIT.format(loss="categorical_crossentropy", targets=f"np.eye(2)[{TAGS}]", **SEQUENCE)
    ran = run(runner, generation, body)
    assert ran.code == 1
    first = ran.trace.findings[0]
    assert first.code == CODE
    assert "wants one class of each sample" in first.message


@on("keras2")
def test_a_class_without_a_weight(runner, generation):
    body = FIT.format(loss=SPARSE, targets="np.array([0, 1, 2, 0])", **{**SAMPLE, "units": "3"})
    (finding,) = findings(runner, generation, body, CODE)
    assert "for 0 and 1, and class 2 is among the targets" in finding.message
    assert "2: 1.0" in finding.fix


WELL = {
    "a class of each sample": FIT.format(loss=SPARSE, targets="np.array([0, 1, 1, 0])", **SAMPLE),
    "in a column": FIT.format(loss=SPARSE, targets="np.array([[0], [1], [1], [0]])", **SAMPLE),
    "one-hot": FIT.format(loss="categorical_crossentropy", targets="np.eye(4)[:, :2]", **SAMPLE),
    "yes or no": FIT.format(
        loss="binary_crossentropy",
        targets="np.array([[0], [1], [1], [0]])",
        **{**SAMPLE, "units": "1", "ends": "sigmoid"},
    ),
}


@on_both
@pytest.mark.parametrize("body", WELL.values(), ids=WELL)
def test_one_class_of_each_sample(runner, generation, body):
    assert findings(runner, generation, body, CODE) == []


@on("keras2")
def test_keras_2_has_weights_of_one_hot_steps(runner, generation):
    body = FIT.format(loss="categorical_crossentropy", targets=f"np.eye(2)[{TAGS}]", **SEQUENCE)
    assert findings(runner, generation, body, CODE) == []


@on("keras3")
def test_keras_3_takes_1_for_a_class_without_a_weight(runner, generation):
    body = FIT.format(loss=SPARSE, targets="np.array([0, 1, 2, 0])", **{**SAMPLE, "units": "3"})
    assert findings(runner, generation, body, CODE) == []
