"""BT707 on metrics that are given in another form than the outputs, and on those that fit."""

from __future__ import annotations

import pytest

from diagnosis.rules.running import findings, lines_that_come, on, on_both, run

CODE = "BT707"

FIT = """
inputs = keras.Input((3,))
size = keras.layers.Dense(4, activation="softmax", name="size")(inputs)
kind = keras.layers.Dense(4, activation="softmax", name="kind")(inputs)
model = keras.Model(inputs, {outputs}, name="net")
loss = "sparse_categorical_crossentropy"
model.compile("sgd", {losses}, {metrics})
model.fit(x, {targets}, verbose=0)
"""
LIST = {"outputs": "[size, kind]", "losses": "[loss, loss]", "targets": "[np.ones(2)] * 2"}
ONE = {"outputs": "kind", "losses": "loss", "targets": "np.ones(2)"}

SHORT = {
    "one for two": ('metrics=["accuracy"]', 'metrics=["accuracy", "accuracy"]'),
    "three for two": (
        'metrics=["accuracy", "mse", "mae"]',
        'metrics=[["accuracy", "mse", "mae"], ["accuracy", "mse", "mae"]]',
    ),
    "weighted": ('weighted_metrics=["accuracy"]', 'weighted_metrics=["accuracy", "accuracy"]'),
}


@on("keras3")
@pytest.mark.parametrize(("metrics", "instead"), SHORT.values(), ids=SHORT)
def test_a_list_of_another_length(runner, generation, metrics, instead):
    ran = run(runner, generation, FIT.format(metrics=metrics, **LIST))
    first = ran.trace.findings[0]
    assert (first.code, first.severity) == (CODE, "error")
    assert f"is a list of {metrics.count(',') + 1}, and 'net' (Functional)" in first.message
    assert "'size' and 'kind'" in first.message
    assert first.caller.line == ran.line_of("model.compile(")
    assert lines_that_come(ran, CODE) == [f'model.compile("sgd", [loss, loss], {instead})']


@on("keras3")
def test_an_object_is_not_given_twice(runner, generation):
    body = FIT.format(metrics="metrics=[keras.metrics.MeanSquaredError()]", **LIST)
    (finding,) = findings(runner, generation, body, CODE)
    assert finding.fix.startswith("net.compile(..., metrics=[..., ...])")
    assert finding.edits == ()


@on_both
def test_a_key_that_is_no_output(runner, generation):
    ran = run(runner, generation, FIT.format(metrics='metrics={"kinds": "accuracy"}', **LIST))
    first = ran.trace.findings[0]
    assert (first.code, first.caller.line) == (CODE, ran.line_of("model.compile("))
    assert "names 'kinds', and 'net' (Functional) has the outputs" in first.message
    assert lines_that_come(ran, CODE) == [
        'model.compile("sgd", [loss, loss], metrics={"kind": "accuracy"})'
    ]


@on("keras2")
def test_keras_2_has_a_list_of_lists_for_each_output(runner, generation):
    body = FIT.format(metrics='metrics=[["mse"], ["mse"], ["mse"]]', **LIST)
    assert findings(runner, generation, body, CODE)[0].edits == ()


WELL = {
    "one for each": FIT.format(
        metrics='metrics=["accuracy", "sparse_categorical_crossentropy"]', **LIST
    ),
    "a list for each": FIT.format(
        metrics='metrics=[["accuracy", "sparse_categorical_crossentropy"], []]', **LIST
    ),
    "by name, one left out": FIT.format(metrics='metrics={"kind": ["accuracy"]}', **LIST),
    "one output, two metrics": FIT.format(
        metrics='metrics=["accuracy", "sparse_categorical_crossentropy"]', **ONE
    ),
    "none": FIT.format(metrics="metrics=None", **LIST),
}


@on_both
@pytest.mark.parametrize("body", WELL.values(), ids=WELL)
def test_what_goes_with_the_outputs(runner, generation, body):
    ran = run(runner, generation, body)
    assert ran.code == 0
    assert [finding for finding in ran.trace.findings if finding.code == CODE] == []


@on("keras2")
def test_keras_2_gives_each_output_all_metrics(runner, generation):
    body = FIT.format(metrics=SHORT["one for two"][0], **LIST)
    assert findings(runner, generation, body, CODE) == []
