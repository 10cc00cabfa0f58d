"""BT504 on real layers: keywords that only the other generation has."""

from __future__ import annotations

import pytest

from diagnosis.rules.running import lines_that_come, on, on_both, run

GONE = {
    "batch_input_shape": "keras.layers.LSTM(2, batch_input_shape=(2, 3, 1))",
    "weights": "keras.layers.Dense(2, weights=[])",
    "dynamic": "keras.layers.Layer(dynamic=True)",
    "time_major": "keras.layers.LSTM(2, time_major=True)",
    "lr": "keras.optimizers.SGD(lr=0.1)",
    "experimental_autocast": "keras.layers.Layer()"
    '.add_weight(name="w", shape=(3,), experimental_autocast=False)',
}

OF_MODELS = {
    "workers": "model.fit(x, x, workers=2)",
    "max_queue_size": "model.predict(x, max_queue_size=2)",
    "use_multiprocessing": "model.evaluate(x, x, use_multiprocessing=True)",
    "reset_metrics": "model.train_on_batch(x, x, reset_metrics=False)",
    "save_format": 'model.save("folder", save_format="tf")',
    "sample_weight_mode": 'model.compile("sgd", "mse", sample_weight_mode="temporal")',
}

ELSEWHERE = {
    "batch_size": "keras.layers.LSTM(2, batch_size=3)",
    "period": 'keras.callbacks.ModelCheckpoint("a.keras", period=2)',
    "y": "keras.utils.to_categorical(y=[1])",
    "alpha": "keras.activations.relu(x, alpha=0.1)",
    "decay": "keras.optimizers.SGD(lr=0.1, decay=0.1)",
}

MODEL = """
model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3)])
model.compile("sgd", "mse")
"""

NEW = {
    "shape": "keras.layers.InputLayer(shape=(3,))",
    "batch_shape": "keras.layers.Dense(2, batch_shape=(2, 3))",
}


@on("keras3")
@pytest.mark.parametrize(("name", "line"), GONE.items(), ids=GONE)
def test_what_keras_3_gave_up(runner, generation, name, line):
    _is_found(run(runner, generation, line), name)


@on("keras3")
@pytest.mark.parametrize(("name", "line"), OF_MODELS.items(), ids=OF_MODELS)
def test_what_methods_do_not_take(runner, generation, name, line):
    _is_found(run(runner, generation, MODEL + line), name)


@on("keras3")
@pytest.mark.parametrize(("name", "line"), ELSEWHERE.items(), ids=ELSEWHERE)
def test_what_others_do_not_take(runner, generation, name, line):
    _is_found(run(runner, generation, line), "lr" if name == "decay" else name)


@on_both
def test_what_is_of_keras_1(runner, generation):
    found = run(runner, generation, 'keras.layers.Conv2D(2, 3, border_mode="same")').trace.findings
    assert [finding.code for finding in found] == ["BT504"]
    assert "since 2.4" in found[0].message
    assert found[0].fix == "padding='same'"


@on("keras3")
@pytest.mark.parametrize(
    ("name", "lines"), [("lr", ["keras.optimizers.SGD(learning_rate=0.1)"]), ("weights", [])]
)
def test_an_argument_of_another_name_by_now(runner, generation, name, lines):
    assert lines_that_come(run(runner, generation, GONE[name]), "BT504") == lines


@on("keras2")
@pytest.mark.parametrize(("name", "line"), NEW.items(), ids=NEW)
def test_what_keras_2_does_not_have(runner, generation, name, line):
    _is_found(run(runner, generation, line), name)


def _is_found(ran, name):
    first = ran.trace.findings[0]
    assert (first.code, first.severity) == ("BT504", "error")
    assert f"`{name}`" in first.message
    assert first.caller.line == ran.line_of(f"{name}=")


@on_both
def test_a_slip_of_the_pen(runner, generation):
    found = run(runner, generation, "keras.layers.Dense(2, wieghts=[])").trace.findings
    assert [finding.code for finding in found if finding.code == "BT504"] == []
