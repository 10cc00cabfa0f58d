"""BT406 on real models: where a layer itself can stand."""

from __future__ import annotations

import pytest

from diagnosis.rules.running import findings, on_both, run

WRONG = {
    "in a list of outputs": (
        "keras.Model(inputs=i, outputs=[h, keras.layers.Dense(2)])",
        "among the outputs of a model",
        "dense(x)",
    ),
    "an InputLayer": (
        "keras.layers.Dense(2)(keras.layers.InputLayer(input_shape=(3,)))",
        "as an input of 'dense_1' (Dense)",
        "keras.Input(shape=",
    ),
    "the last layer of a model": (
        "keras.Model(i, base.layers[-1])",
        "among the outputs of a model",
        {"keras2": "dense(x)", "keras3": "dense.output"},
    ),
}

OTHERS = {
    "an object of the user's": "keras.Model(i, type('Tools', (), {})())",
}

HEAD = """
i = keras.Input((3,))
h = keras.layers.Dense(2)(i)
base = keras.Model(i, h)
"""


@on_both
@pytest.mark.parametrize(("line", "where", "fix"), WRONG.values(), ids=WRONG)
def test_where_a_layer_stands(runner, generation, line, where, fix):
    ran = run(runner, generation, HEAD + line + "\n")
    (found,) = ran.trace.findings
    assert (found.code, found.severity) == ("BT406", "error")
    assert f"itself stands {where}" in found.message
    assert (fix if isinstance(fix, str) else fix[generation]) in found.fix
    assert found.caller.line == ran.line_of(line)


@on_both
@pytest.mark.parametrize("line", OTHERS.values(), ids=OTHERS)
def test_what_is_no_layer_is_another_matter(runner, generation, line):
    assert findings(runner, generation, HEAD + line + "\n", "BT406") == []
