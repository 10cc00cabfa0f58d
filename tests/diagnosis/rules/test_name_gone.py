"""BT506 on names that are gone, and on what else such a script has to change."""

from __future__ import annotations

import pytest

from diagnosis.rules.running import findings, on, on_both, run

CODE = "BT506"

GONE_IN_KERAS_3 = {
    "legacy": (
        "from tensorflow.keras.optimizers.legacy import Nadam",
        "tf.keras.optimizers.legacy.Nadam",
        "keras.optimizers.Nadam",
    ),
    "stub": (
        "optimizer = keras.optimizers.legacy.Adam(0.1)",
        "tf.keras.optimizers.legacy.Adam",
        "keras.optimizers.Adam",
    ),
    "experimental": (
        "flip = tf.keras.layers.experimental.preprocessing.RandomFlip()",
        "tf.keras.layers.experimental.preprocessing.RandomFlip",
        "keras.layers.RandomFlip",
    ),
    "loss": (
        "loss = tf.keras.losses.mean_squared_error(x, x)",
        "tf.keras.losses.mean_squared_error",
        "tf.keras.losses.MSE",
    ),
    "layer": (
        "from tensorflow.keras.layers import Dense, LocallyConnected1D",
        "tf.keras.layers.LocallyConnected1D",
        "own code",
    ),
}

GONE_IN_BOTH = {
    "module": (
        "from keras.layers.embeddings import Embedding",
        "keras.layers.embeddings.Embedding",
        "keras.layers.Embedding",
    ),
    "backend": (
        "from keras import backend as K\ny = K.mean(x)",
        "keras.backend.mean",
        "keras.ops.mean(x)",
    ),
    "wrapper": (
        "from tensorflow.keras.wrappers.scikit_learn import KerasClassifier",
        "tf.keras.wrappers.scikit_learn",
        "SKLearnClassifier",
    ),
}
"""With `tf.keras` as Keras 2 `keras` is Keras 3 all the same, where both are installed."""

SEVERAL = """
from keras import backend as K

def block(y):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.compile(keras.optimizers.Adam(lr=0.1), "mse")
    model.fit_generator(y)
    return K.square(y)

z = K.sum(x)
"""

WELL = {
    "a name that nobody has": "keras.layers.Denze",
    "one of another package": "tf.nothing",
    "tried": "try:\n    from keras.utils import np_utils\nexcept ImportError:\n    pass",
}


def is_found(ran, name, instead):
    first = ran.trace.findings[0]
    assert (first.code, first.severity) == (CODE, "error")
    assert f"`{name}" in first.message
    assert instead in first.fix
    assert first.caller.line == len(ran.source.splitlines())


@on("keras3")
@pytest.mark.parametrize("case", GONE_IN_KERAS_3.values(), ids=GONE_IN_KERAS_3)
def test_what_keras_3_does_not_have(runner, generation, case):
    is_found(run(runner, generation, case[0]), *case[1:])


@on("keras2")
@pytest.mark.parametrize("case", GONE_IN_KERAS_3.values(), ids=GONE_IN_KERAS_3)
def test_keras_2_has_it(runner, generation, case):
    assert run(runner, generation, case[0]).code == 0
    assert findings(runner, generation, case[0], CODE) == []


@on_both
@pytest.mark.parametrize("case", GONE_IN_BOTH.values(), ids=GONE_IN_BOTH)
def test_what_keras_does_not_have_any_more(runner, generation, case):
    is_found(run(runner, generation, case[0]), *case[1:])


@on_both
@pytest.mark.parametrize("body", WELL.values(), ids=WELL)
def test_what_is_another_matter(runner, generation, body):
    assert findings(runner, generation, body, CODE) == []


@on("keras3")
def test_what_would_fail_next_is_told_as_well(runner, generation):
    ran = run(runner, generation, SEVERAL)
    told = [
        (f.code, f.severity, ran.source.splitlines()[f.caller.line - 1].strip())
        for f in ran.trace.findings
    ]
    assert told[0] == (CODE, "error", "z = K.sum(x)")
    assert sorted(told[1:]) == [
        ("BT504", "warning", 'model.compile(keras.optimizers.Adam(lr=0.1), "mse")'),
        ("BT506", "warning", "return K.square(y)"),
        ("BT507", "warning", "model.fit_generator(y)"),
    ]
