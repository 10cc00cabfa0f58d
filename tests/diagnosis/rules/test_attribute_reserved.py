"""BT208 on real layers, and on the words of another Python."""

from __future__ import annotations

import pytest

from buildtrace.diagnosis import diagnose
from buildtrace.traces.schema import ErrorInfo
from buildtrace.traces.trace import Trace
from diagnosis.rules.running import findings, lines_that_come, on, on_both, run

ASSIGNS = """
class Net(keras.{}):
    def __init__(self):
        super().__init__()
        self.{} = keras.layers.Dense(2)
    def call(self, x):
        return x
Net()(x)
"""

RESERVED = ["input", "losses", "weights", "trainable_variables", "dtype"]


@on_both
@pytest.mark.parametrize("name", RESERVED)
def test_a_property_of_layers(runner, generation, name):
    ran = run(runner, generation, ASSIGNS.format("layers.Layer", name))
    (finding,) = ran.trace.findings
    assert finding.code == "BT208"
    assert f"`{name}`" in finding.message
    assert finding.caller.line == ran.line_of(f"self.{name} =")


@on_both
def test_layers_of_a_model(runner, generation):
    (finding,) = findings(runner, generation, ASSIGNS.format("Model", "layers"), "BT208")
    assert "`layers`" in finding.message


@on("keras2")
@pytest.mark.parametrize("name", ["name", "input_shape", "updates"])
def test_a_property_of_keras_2(runner, generation, name):
    assert findings(runner, generation, ASSIGNS.format("layers.Layer", name), "BT208")


@on_both
def test_a_name_that_is_free(runner, generation):
    assert findings(runner, generation, ASSIGNS.format("Model", "head"), "BT208") == []


@on_both
def test_a_property_of_the_users(runner, generation):
    body = """
class Box:
    @property
    def size(self):
        return 3
Box().size = 4
"""
    assert run(runner, generation, body).trace.findings == ()


def test_the_words_of_python_3_10():
    said = Trace(error=ErrorInfo(type="AttributeError", message="can't set attribute 'weights'"))
    assert [finding.code for finding in diagnose(said)] == ["BT208"]
    other = Trace(error=ErrorInfo(type="AttributeError", message="can't set attribute 'size'"))
    assert diagnose(other) == ()


KEPT = """
class Stack(keras.layers.Layer):
    def __init__(self):
        super().__init__()
        {line}

    def call(self, x):
        return x

stack = Stack()
stack(x)
"""


@on("keras3")
@pytest.mark.parametrize(
    ("line", "comes"),
    [
        ("self._layers = [keras.layers.Dense(2)]", "self.my_layers = [keras.layers.Dense(2)]"),
        ("self._metrics = {}", "self.my_metrics = {}"),
    ],
)
def test_what_keras_lists_is_overwritten(runner, generation, line, comes):
    ran = run(runner, generation, KEPT.format(line=line))
    (finding,) = [f for f in ran.trace.findings if f.code == "BT208"]
    assert finding.caller.line == ran.line_of(line)
    assert lines_that_come(ran, "BT208") == [comes]


@on("keras3")
@pytest.mark.parametrize(
    "line", ["self._dense_layers = [keras.layers.Dense(2)]", "self._layers.extend([])"]
)
def test_what_keras_lists_is_left(runner, generation, line):
    assert findings(runner, generation, KEPT.format(line=line), "BT208") == []
