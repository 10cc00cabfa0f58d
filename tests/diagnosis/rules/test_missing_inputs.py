"""BT402, on real models."""

from __future__ import annotations

from diagnosis.rules.running import findings, on_both, run

INPUTS = "a, b, c = (keras.Input((3,), name=name) for name in 'abc')\n"
OUTPUT = "o = keras.layers.Add()([a, b, c])\n"


@on_both
def test_all_that_are_missing_are_named(runner, generation):
    ran = run(runner, generation, INPUTS + OUTPUT + "m = keras.Model(b, o)\n")
    finding = ran.trace.findings[0]
    assert finding.code == "BT402"
    assert finding.caller.line == ran.line_of("m = ")
    assert "the Input 'a'" in finding.message
    assert "the Input 'c'" in finding.message
    assert "the Input 'b'" not in finding.message
    assert finding.fix.startswith("keras.Model([b, a, c], outputs)")


@on_both
def test_a_new_input_is_another_one(runner, generation):
    body = INPUTS + "o = keras.layers.Dense(3)(a)\nkeras.Model(keras.Input((3,), name='z'), o)\n"
    (finding,) = findings(runner, generation, body, "BT402")
    assert "the Input 'a' (model.py:6" in finding.message
    assert finding.fix.startswith("keras.Model(a, outputs)")


@on_both
def test_with_all_of_them(runner, generation):
    body = INPUTS + OUTPUT + "keras.Model([a, b, c], o)\nraise ValueError\n"
    assert findings(runner, generation, body, "BT402") == []


@on_both
def test_what_the_user_caught_was_foreseen(runner, generation):
    body = INPUTS + OUTPUT + "try: keras.Model(a, o)\nexcept ValueError: pass\n"
    assert findings(runner, generation, body, "BT402") == []
