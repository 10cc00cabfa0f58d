"""BT503 on real layers: arguments in the other generation's order."""

from __future__ import annotations

import pytest

from diagnosis.rules.running import alarms, lines_that_come, on, on_both, run

SCALE = """
class Scale(keras.layers.Layer):
    def build(self, input_shape):
        self.w = self.add_weight({})
        super().build(input_shape)
    def call(self, x):
        return x * self.w
Scale()(x)
"""

NAME_FIRST = ['"w", (3,)', '"w", shape=(3,)', '"w", [3], initializer="ones"']
SHAPE_FIRST = ["(3,)", '(3,), initializer="ones"', '(3,), initializer="ones", name="w"']
NAMED = ['name="w", shape=(3,)', 'shape=(3,), name="w", initializer="ones"']
WRONG = ['name="w", shape=(3,), initializer="nonsense"', 'name="w", shape=(-3,)']


@on("keras3")
@pytest.mark.parametrize("arguments", NAME_FIRST)
def test_the_name_before_the_shape(runner, generation, arguments):
    _is_found(run(runner, generation, SCALE.format(arguments)))


@on("keras2")
@pytest.mark.parametrize("arguments", SHAPE_FIRST)
def test_the_shape_before_the_name(runner, generation, arguments):
    _is_found(run(runner, generation, SCALE.format(arguments)))


def _is_found(ran):
    first = ran.trace.findings[0]
    assert (first.code, first.severity) == ("BT503", "error")
    assert first.caller.line == ran.line_of("self.add_weight")
    assert "'scale' (Scale)" in first.message or "add_weight" in first.message
    assert first.fix.startswith('self.add_weight(name="w"')


@on_both
@pytest.mark.parametrize("arguments", [*NAMED, *WRONG])
def test_another_fault_is_another_matter(runner, generation, arguments):
    found = run(runner, generation, SCALE.format(arguments)).trace.findings
    assert [finding.code for finding in found if finding.code == "BT503"] == []


OTHERS = {
    "compile": "model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])\n"
    'model.compile("sgd", "mse", "mae")\nmodel.fit(x, np.ones((2, 1)), verbose=0)\n',
    "Sequential": 'model = keras.Sequential([keras.layers.Dense(1)], "mine")\nmodel(x)\n',
}


@on("keras3")
@pytest.mark.parametrize("body", OTHERS.values(), ids=OTHERS)
def test_functions_without_a_landmark(runner, generation, body):
    first = run(runner, generation, body).trace.findings[0]
    assert first.code == "BT503"


@on("keras3")
@pytest.mark.parametrize(
    ("body", "line"),
    [
        ("compile", 'model.compile("sgd", "mse", metrics=["mae"])'),
        ("Sequential", 'model = keras.Sequential([keras.layers.Dense(1)], name="mine")'),
    ],
)
def test_they_get_their_names(runner, generation, body, line):
    assert lines_that_come(run(runner, generation, OTHERS[body]), "BT503") == [line]


@on("keras2")
@pytest.mark.parametrize("body", OTHERS.values(), ids=OTHERS)
def test_where_the_order_is_right(runner, generation, body):
    assert alarms(runner, generation, body) == []
