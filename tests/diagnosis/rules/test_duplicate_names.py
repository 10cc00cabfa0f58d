"""BT401, on real models."""

from __future__ import annotations

import pytest

from diagnosis.rules.running import findings, on_both, run

SEQUENTIAL = "s = keras.Sequential([keras.Input((3,)), {}])\n"
FC = 'keras.layers.Dense(3, name="fc")'


@on_both
def test_both_lines_are_named(runner, generation):
    body = f"i = keras.Input((3,))\na = {FC}(i)\nb = {FC}(a)\nkeras.Model(i, b)\n"
    ran = run(runner, generation, body)
    (finding,) = [f for f in ran.trace.findings if f.code == "BT401"]
    assert finding.caller.line == ran.line_of("b = ")
    assert f"model.py:{ran.line_of('a = ')} and model.py:{ran.line_of('b = ')}" in finding.message
    assert 'name="fc_2"' in finding.fix


@on_both
def test_the_new_name_is_free(runner, generation):
    more = 'keras.layers.Dense(3, name="fc_2")'
    body = f"i = keras.Input((3,))\nkeras.Model(i, {FC}({more}({FC}(i))))\n"
    (finding,) = findings(runner, generation, body, "BT401")
    assert 'name="fc_3"' in finding.fix


@on_both
def test_inputs(runner, generation):
    body = "a, b = keras.Input((3,), name='x'), keras.Input((3,), name='x')\n"
    body += "keras.Model([a, b], keras.layers.Add()([a, b]))\n"
    (finding,) = findings(runner, generation, body, "BT401")
    assert finding.fix.startswith('keras.Input(..., name="x_2")')


@on_both
def test_a_sequential(runner, generation):
    (finding,) = findings(runner, generation, SEQUENTIAL.format(f"{FC}, {FC}"), "BT401")
    assert "'fc'" in finding.message


@on_both
@pytest.mark.parametrize(
    "body", [f"i = keras.Input((3,))\nd = {FC}\nkeras.Model(i, d(d(i)))\n", SEQUENTIAL.format(FC)]
)
def test_one_layer_is_one(runner, generation, body):
    assert findings(runner, generation, body, "BT401") == []
