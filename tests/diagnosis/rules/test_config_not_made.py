"""BT806 on classes that are asked for a config that they cannot give, and on those that can."""

from __future__ import annotations

import pytest

from diagnosis.rules.running import findings, lines_that_come, on, on_both, run

CODE = "BT806"

LAYER = """
class Options:
    units = 4


class Wide(keras.layers.Layer):
    def __init__(self, options):
        super().__init__()
        self.dense = keras.layers.Dense(options.units)

    def build(self, input_shape):
        self.dense.build(input_shape)
        super().build(input_shape)

    def call(self, x):
        return self.dense(x)


inputs = keras.Input((3,))
model = keras.Model(inputs, Wide(Options())(inputs))
"""
NET = """
class Options:
    units = 4


class Net(keras.Model):
    def __init__(self, options):
        super().__init__()
        self.dense = keras.layers.Dense(options.units)

    def call(self, x):
        return self.dense(x)


model = Net(Options())
model(x)
"""
CLONE = "again = keras.models.clone_model(model)"

ASKED = {
    "a clone of a model with such a layer": (LAYER + CLONE, "Wide", "options"),
    "a file": (LAYER + 'model.save("m.keras")', "Wide", "options"),
    "a text": (LAYER + "text = model.to_json()", "Wide", "options"),
    "a clone of such a model": (NET + CLONE, "Net", "options"),
}


@on_both
@pytest.mark.parametrize(("body", "name", "argument"), ASKED.values(), ids=ASKED)
def test_an_object_in_the_constructor(runner, generation, body, name, argument):
    ran = run(runner, generation, body)
    assert ran.code == 1
    first = ran.trace.findings[0]
    assert (first.code, first.severity) == (CODE, "error")
    assert f"{name} has no get_config" in first.message
    assert f"takes `{argument}`" in first.message
    assert f"model.py:{ran.line_of('def __init__')} " in first.message
    assert first.caller.line == len(ran.source.splitlines())
    assert f'"{argument}": self.{argument}' in first.fix
    assert (f"again = {name}(...)" in first.fix) == (name == "Net")
    assert first.edits == ()


@on("keras3")
def test_keras_3_keeps_nothing_of_a_model(runner, generation):
    kept = NET.replace("options.units", "units").replace("options", "units")
    kept = kept.replace("self.dense =", "self.units = units\n        self.dense =", 1)
    body = kept.replace("Net(Options())", "Net(4)") + 'model.save("m.keras")'
    ran = run(runner, generation, body)
    (finding,) = [f for f in ran.trace.findings if f.code == CODE]
    assert "does not keep for a model" in finding.message
    assert lines_that_come(ran, CODE) == [
        "def __init__(self, units, **kwargs):",
        "super().__init__(**kwargs)",
        "def get_config(self):",
        'return {**super().get_config(), "units": self.units}',
    ]


PLAIN = LAYER.replace("options.units", "units").replace("options", "units")
KNOWN = {
    "plain values": PLAIN.replace("Options()", "4") + CLONE,
    "caught": f"{LAYER}try:\n    {CLONE}\nexcept NotImplementedError:\n    pass",
}


@on_both
@pytest.mark.parametrize("body", KNOWN.values(), ids=KNOWN)
def test_a_config_that_can_be_made(runner, generation, body):
    assert findings(runner, generation, body, CODE) == []
