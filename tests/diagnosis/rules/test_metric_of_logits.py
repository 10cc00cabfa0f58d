"""BT709 on metrics that get logits and want probabilities, and on those that are well."""

from __future__ import annotations

import pytest

from diagnosis.rules.running import findings, lines_that_come, on_both, run

CODE = "BT709"

FIT = """
model = keras.Sequential([keras.Input((3,)), keras.layers.Dense({units})])
model.compile("sgd", keras.losses.{loss}, metrics=[{metric}])
model.fit(x, {targets}, verbose=0)
"""
BINARY = {
    "units": "1",
    "loss": "BinaryCrossentropy(from_logits=True)",
    "targets": "np.array([0.0, 1.0])",
}

WRONG = {
    "by name": (
        '"accuracy"',
        "with 0.5",
        'keras.metrics.BinaryAccuracy("accuracy", threshold=0.0)',
    ),
    "by its own name": (
        '"binary_accuracy"',
        "with 0.5",
        'keras.metrics.BinaryAccuracy("binary_accuracy", threshold=0.0)',
    ),
    "an object": (
        "keras.metrics.BinaryAccuracy()",
        "with 0.5",
        "keras.metrics.BinaryAccuracy(threshold=0.0)",
    ),
    "another threshold": (
        'keras.metrics.BinaryAccuracy("sure", threshold=0.9)',
        "with 0.9",
        'keras.metrics.BinaryAccuracy("sure", threshold=0.0)',
    ),
    "a curve": ("keras.metrics.AUC()", "for probabilities", "keras.metrics.AUC(from_logits=True)"),
}


@on_both
@pytest.mark.parametrize(("metric", "does", "instead"), WRONG.values(), ids=WRONG)
def test_a_metric_of_probabilities(runner, generation, metric, does, instead):
    ran = run(runner, generation, FIT.format(metric=metric, **BINARY))
    (finding,) = [f for f in ran.trace.findings if f.code == CODE]
    assert finding.severity == "warning"
    assert does in finding.message
    assert "of 'sequential' (Sequential)" in finding.message
    assert finding.caller.line == ran.line_of("model.compile(")
    (line,) = lines_that_come(ran, CODE)
    assert f"metrics=[{instead}])" in line


@on_both
def test_a_metric_that_knows_no_logits(runner, generation):
    body = FIT.format(metric="keras.metrics.Precision()", **BINARY)
    (finding,) = findings(runner, generation, body, CODE)
    assert 'activation="sigmoid"' in finding.fix
    assert finding.edits == ()


@on_both
def test_a_loss_as_a_metric(runner, generation):
    """There is no edit: the line makes another one that is called the same."""
    body = FIT.format(metric="keras.metrics.BinaryCrossentropy()", **BINARY)
    (finding,) = findings(runner, generation, body, CODE)
    assert finding.fix == "keras.metrics.BinaryCrossentropy(from_logits=True)"
    assert finding.edits == ()


@on_both
def test_the_output_that_it_is_of(runner, generation):
    body = """
inputs = keras.Input((3,))
sure = keras.layers.Dense(1, activation="sigmoid", name="sure")(inputs)
raw = keras.layers.Dense(1, name="raw")(inputs)
model = keras.Model(inputs, [sure, raw])
losses = {"sure": "binary_crossentropy", "raw": keras.losses.BinaryCrossentropy(from_logits=True)}
model.compile("sgd", losses, metrics={"sure": "accuracy", "raw": "accuracy"})
model.fit(x, [np.array([0.0, 1.0])] * 2, verbose=0)
"""
    (finding,) = findings(runner, generation, body, CODE)
    assert "the output 'raw' of" in finding.message


CLASSES = {"units": "4", "targets": "np.array([0, 3])"}
WELL = {
    "probabilities": FIT.format(metric='"accuracy"', **BINARY)
    .replace("Dense(1)", 'Dense(1, activation="sigmoid")')
    .replace("from_logits=True", ""),
    "0 for a threshold": FIT.format(metric="keras.metrics.BinaryAccuracy(threshold=0.0)", **BINARY),
    "told so": FIT.format(metric="keras.metrics.AUC(from_logits=True)", **BINARY),
    "the largest of some classes": FIT.format(
        metric='"accuracy"', loss="SparseCategoricalCrossentropy(from_logits=True)", **CLASSES
    ),
    "of any numbers": FIT.format(metric='"mse"', **BINARY),
    "one's own": """
class Mine(keras.metrics.Precision):
    def update_state(self, target, output, sample_weight=None):
        return super().update_state(target, tf.sigmoid(output), sample_weight)
"""
    + FIT.format(metric="Mine()", **BINARY),
}


@on_both
@pytest.mark.parametrize("body", WELL.values(), ids=WELL)
def test_what_is_well(runner, generation, body):
    assert findings(runner, generation, body, CODE) == []
