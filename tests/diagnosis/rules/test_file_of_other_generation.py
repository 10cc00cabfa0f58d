"""BT502 on real files: which ones of the other generation are read, and which are not."""

from __future__ import annotations

import pytest

from diagnosis.rules.running import on, on_both, run

START = """
import keras as keras3
import tf_keras as keras2
other = keras2 if keras.Model is keras3.Model else keras3
def functional(keras):
    inputs = keras.Input((3,))
    return keras.Model(inputs, keras.layers.Dense(2)(inputs))
def sequential(keras):
    return keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
"""

FAILS = {
    "functional .keras": 'functional(other).save("m.keras")\nkeras.models.load_model("m.keras")',
    "json": "text = sequential(other).to_json()\nkeras.models.model_from_json(text)",
}

FAILS_IN_KERAS_2 = {
    "sequential .h5": 'sequential(other).save("m.h5")\nkeras.models.load_model("m.h5")',
    "sequential .keras": 'sequential(other).save("m.keras")\nkeras.models.load_model("m.keras")',
    "functional .h5": 'functional(other).save("m.h5")\nkeras.models.load_model("m.h5")',
}

WELL = {
    "its own": 'functional(keras).save("m.keras")\nkeras.models.load_model("m.keras")',
    "weights": 'functional(other).save_weights("m.weights.h5")\n'
    'functional(keras).load_weights("m.weights.h5")',
    "not there": 'keras.models.load_model("nowhere.keras")',
    "a class that is not registered": """
class Mine(keras.layers.Layer):
    def call(self, x):
        return x
keras.Sequential([keras.Input((3,)), Mine()]).save("m.keras")
keras.models.load_model("m.keras")
""",
}


@on_both
@pytest.mark.parametrize("end", FAILS.values(), ids=FAILS)
def test_what_cannot_be_loaded(runner, generation, end):
    _is_found(run(runner, generation, START + end), end)


@on("keras2")
@pytest.mark.parametrize("end", FAILS_IN_KERAS_2.values(), ids=FAILS_IN_KERAS_2)
def test_what_keras_2_cannot_load(runner, generation, end):
    _is_found(run(runner, generation, START + end), end)


def _is_found(ran, end):
    assert ran.code == 1
    first = ran.trace.findings[0]
    assert (first.code, first.severity) == ("BT502", "error")
    assert first.caller.line == ran.line_of(end.splitlines()[-1])


@on("keras3")
@pytest.mark.parametrize("end", FAILS_IN_KERAS_2.values(), ids=FAILS_IN_KERAS_2)
def test_what_keras_3_translates(runner, generation, end):
    ran = run(runner, generation, START + end)
    assert ran.code == 0
    assert [finding.code for finding in ran.trace.findings] == []


@on_both
@pytest.mark.parametrize("end", WELL.values(), ids=WELL)
def test_what_is_no_other_generations(runner, generation, end):
    found = run(runner, generation, START + end).trace.findings
    assert [finding.code for finding in found if finding.code.startswith("BT5")] == []
