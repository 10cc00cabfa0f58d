"""BT508 on file names whose end Keras 3 does not take, and on those that it does."""

from __future__ import annotations

import pytest

from diagnosis.rules.running import findings, on, run

CODE = "BT508"

MAKE = """
model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
model.compile("sgd", "mse")
"""

REFUSED = {
    "weights": ('model.save_weights("a.h5")', 'save_weights("a.weights.h5")'),
    "weights of a checkpoint": ('model.load_weights("a.ckpt")', "tf_keras"),
    "a SavedModel": ('model.save("folder")', 'model.save("folder.keras")'),
    "a SavedModel to load": (
        'tf.saved_model.save(model, "folder")\nkeras.models.load_model("folder")',
        "TFSMLayer",
    ),
    "a checkpoint": ('keras.callbacks.ModelCheckpoint("best")', '"best.keras"'),
    "a name that is made": (
        'name = "-".join(["a", "b"])\nmodel.save_weights(name)',
        '"a-b.weights.h5"',
    ),
}

TAKEN = {
    "weights": 'model.save_weights("a.weights.h5")\nmodel.load_weights("a.weights.h5")',
    "models": 'model.save("a.keras")\nmodel.save("a.h5")\nkeras.models.load_model("a.keras")',
    "a checkpoint": 'keras.callbacks.ModelCheckpoint("a.{epoch}.keras")',
    "no such file": 'keras.models.load_model("nowhere.keras")',
}


@on("keras3")
@pytest.mark.parametrize(("body", "instead"), REFUSED.values(), ids=REFUSED)
def test_a_name_that_ends_otherwise(runner, generation, body, instead):
    ran = run(runner, generation, MAKE + body)
    assert ran.code == 1
    first = ran.trace.findings[0]
    assert (first.code, first.severity) == (CODE, "error")
    assert first.caller.line == len(ran.source.splitlines())
    assert instead in first.fix


@on("keras3")
@pytest.mark.parametrize("body", TAKEN.values(), ids=TAKEN)
def test_a_name_that_ends_right(runner, generation, body):
    assert findings(runner, generation, MAKE + body, CODE) == []
