"""BT509 on slashes in the names of layers, models and weights."""

from __future__ import annotations

import pytest

from diagnosis.rules.running import findings, on, run

CODE = "BT509"

REFUSED = {
    "a layer": 'keras.layers.Dense(2, name="a/b")',
    "an input": 'keras.Input((2,), name="a/b")',
    "a weight": 'keras.layers.Layer().add_weight(name="a/b", shape=(2,))',
    "a name that is made": 'name = "/".join("ab")\nkeras.layers.Dense(2, name=name)',
}


@on("keras3")
@pytest.mark.parametrize("body", REFUSED.values(), ids=REFUSED)
def test_a_slash(runner, generation, body):
    ran = run(runner, generation, body)
    first = ran.trace.findings[0]
    assert (first.code, first.severity) == (CODE, "error")
    assert first.caller.line == len(ran.source.splitlines())
    assert "a_b" in first.fix


@on("keras3")
def test_no_slash(runner, generation):
    body = 'keras.layers.Dense(2, name=3)\nkeras.layers.Dense(2, name="a.b")'
    assert findings(runner, generation, body, CODE) == []
