"""BT708 on callbacks that look for what is not logged, and on those that find it."""

from __future__ import annotations

import pytest

from diagnosis.rules.running import findings, lines_that_come, on_both, run

CODE = "BT708"

FIT = """
model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, activation="sigmoid")])
model.compile("sgd", "binary_crossentropy", metrics=["{metric}"])
watch = keras.callbacks.{watch}
model.fit(x, np.array([0, 1]), callbacks=[watch], verbose=0{more})
"""
VALIDATED = ", validation_data=(x, np.array([0, 1]))"

MISSED = {
    "a checkpoint": (
        'ModelCheckpoint("a.keras", monitor="val_acc", mode="max", save_best_only=True)',
        "accuracy",
        "val_accuracy",
    ),
    "by place": (
        'ModelCheckpoint("a.keras", "val_acc", mode="max", save_best_only=True)',
        "accuracy",
        "val_accuracy",
    ),
    "a stop": ('EarlyStopping(monitor="val_accuracy", mode="max")', "acc", "val_acc"),
    "a rate": ('ReduceLROnPlateau("accurracy", mode="max")', "accuracy", "accuracy"),
}


@on_both
@pytest.mark.parametrize(("watch", "metric", "near"), MISSED.values(), ids=MISSED)
def test_a_name_that_is_not_logged(runner, generation, watch, metric, near):
    ran = run(runner, generation, FIT.format(watch=watch, metric=metric, more=VALIDATED))
    (finding,) = [f for f in ran.trace.findings if f.code == CODE]
    assert finding.severity == "warning"
    assert f"have 'loss', '{metric}', 'val_loss' and 'val_{metric}'" in finding.message
    assert f"in the logs of the fit at model.py:{ran.line_of('model.fit(')}," in finding.message
    assert finding.caller.line == ran.line_of("watch = ")
    (line,) = lines_that_come(ran, CODE)
    assert f'"{near}"' in line


@on_both
def test_there_is_no_validation(runner, generation):
    body = FIT.format(watch="EarlyStopping(patience=2)", metric="accuracy", more="")
    (finding,) = findings(runner, generation, body, CODE)
    assert "EarlyStopping looks for 'val_loss'" in finding.message
    assert "there is no validation" in finding.message
    assert finding.fix.startswith("sequential.fit(..., validation_split=0.2)")
    assert 'monitor="loss"' in finding.fix
    assert finding.edits == ()


@on_both
def test_nothing_is_like_it(runner, generation):
    body = FIT.format(watch='EarlyStopping("val_f1", mode="max")', metric="acc", more=VALIDATED)
    (finding,) = findings(runner, generation, body, CODE)
    assert 'monitor="..."' in finding.fix
    assert finding.edits == ()


@on_both
def test_it_may_be_meant_of_several_outputs(runner, generation):
    body = """
inputs = keras.Input((3,))
ends = [keras.layers.Dense(1, activation="sigmoid", name=name)(inputs) for name in ("a", "b")]
model = keras.Model(inputs, ends)
model.compile("sgd", ["mse", "mse"], metrics={"a": "accuracy", "b": "accuracy"})
watch = keras.callbacks.EarlyStopping("accuracy", mode="max")
model.fit(x, [np.ones((2, 1))] * 2, callbacks=[watch], verbose=0)
"""
    (finding,) = findings(runner, generation, body, CODE)
    assert "'a_accuracy'" in finding.message
    assert finding.edits == ()


FOUND = {
    "by the metric's name": ('EarlyStopping("val_acc", mode="max")', "acc", VALIDATED),
    "the loss": ('EarlyStopping("loss")', "acc", ""),
    "a checkpoint of each epoch": ('ModelCheckpoint("a.keras", "val_x")', "acc", VALIDATED),
    "the rate": ('EarlyStopping("learning_rate", mode="min")', "acc", ""),
    "one's own, which may log more": (
        'LambdaCallback(on_epoch_end=lambda n, logs: None), keras.callbacks.EarlyStopping("f1")',
        "acc",
        "",
    ),
}


@on_both
@pytest.mark.parametrize(("watch", "metric", "more"), FOUND.values(), ids=FOUND)
def test_a_name_that_is_logged(runner, generation, watch, metric, more):
    body = FIT.format(watch=watch, metric=metric, more=more)
    body = body.replace("callbacks=[watch]", "callbacks=[*np.ravel(watch)]")
    assert findings(runner, generation, body, CODE) == []


@on_both
def test_a_step_of_ones_own(runner, generation):
    """It may log anything."""
    body = """
class Net(keras.Sequential):
    def train_step(self, data):
        loss = super().train_step(data)["loss"]
        return {"loss": loss, "f1": loss}

model = Net([keras.Input((3,)), keras.layers.Dense(1)])
model.compile("sgd", "mse")
watch = keras.callbacks.EarlyStopping("f1", mode="max")
model.fit(x, np.ones((2, 1)), callbacks=[watch], verbose=0)
"""
    assert findings(runner, generation, body, CODE) == []
