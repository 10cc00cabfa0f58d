"""BT501 on real models of two packages."""

from __future__ import annotations

import pytest

from buildtrace.diagnosis.packages import classes_in, generation_of
from buildtrace.traces.schema import Environment, KerasInfo
from buildtrace.traces.trace import Trace
from diagnosis.rules.running import on_both, run

START = """
import keras as keras3
import tf_keras as keras2
other = keras2 if keras.Model is keras3.Model else keras3
"""

REFUSED = {
    "add": "model = keras.Sequential()\nmodel.add(other.layers.Dense(2))",
    "input": "keras.Sequential([other.Input((3,)), keras.layers.Dense(2)])",
    "optimizer": "keras.Sequential([keras.layers.Dense(1)]).compile(other.optimizers.Adam())",
    "layer on a tensor": "keras.layers.Dense(2)(other.Input((3,)))",
}

HELD = """
class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.head = keras.layers.Dense(2)
        self.inner = other.layers.Dense(3)
    def call(self, x):
        return self.head(self.inner(x))
Net()(x)
"""

WELL = {
    "side by side": "keras.Sequential([keras.layers.Dense(1)])(x)\nother.layers.Dense(2)(x)",
    "one that only calculates": "class Net(keras.layers.Layer):\n"
    "    def call(self, x):\n"
    "        return other.activations.relu(x)\n"
    "Net()(x)",
    "tried": "try:\n    keras.Sequential([other.layers.Dense(2)])\nexcept Exception:\n    pass",
    "another error": "keras.Sequential([keras.layers.Dense])",
}


@on_both
@pytest.mark.parametrize("end", REFUSED.values(), ids=REFUSED)
def test_what_is_refused(runner, generation, end):
    ran = run(runner, generation, START + end)
    first = ran.trace.findings[0]
    assert (first.code, first.severity) == ("BT501", "error")
    assert first.caller.line == ran.line_of(end.splitlines()[-1])
    mine, others = ("Keras 3", "Keras 2") if generation == "keras3" else ("Keras 2", "Keras 3")
    assert mine in first.message
    assert others in first.message


@on_both
def test_a_layer_of_the_other_inside(runner, generation):
    ran = run(runner, generation, START + HELD)
    assert ran.code == 0
    (finding,) = [f for f in ran.trace.findings if f.severity != "note"]
    assert finding.code == "BT501"
    assert finding.caller.line == ran.line_of("return self.head")


@on_both
@pytest.mark.parametrize("end", WELL.values(), ids=WELL)
def test_what_is_legal_is_left_alone(runner, generation, end):
    found = run(runner, generation, START + end).trace.findings
    assert [finding.code for finding in found if finding.code == "BT501"] == []


def test_classes_in_a_text():
    text = "Received: <tf_keras.src.layers.Dense object at 0x7f> (of type <class 'keras.src.A.B'>)"
    assert classes_in(text) == ["tf_keras.src.layers.Dense", "keras.src.A.B"]
    assert classes_in("<Dense name=dense> <class 'list'> keras.src.A") == []


def test_the_generation_of_a_class():
    old = KerasInfo(generation="keras2", package="keras", version="2.15.0")
    before = Trace(environment=Environment(keras=(old,)))
    assert generation_of(before, "keras.src.layers.Dense") == "keras2"
    assert generation_of(Trace(), "keras.src.layers.Dense") == "keras3"
    assert generation_of(Trace(), "tensorflow_hub.keras_layer.KerasLayer") == "keras2"
    assert generation_of(Trace(), "numpy.ndarray") is None
