"""BT413, on scripts."""

from __future__ import annotations

import pytest

from diagnosis.rules.running import findings, on

START = """\
class Scale(keras.layers.Layer):
    def call(self, x, factor=1.0, shift=0.0):
        return x * factor + shift


"""

FORMS = {
    "a Sequential": "net = keras.Sequential([keras.Input((3,)), Scale()])\nnet(x, factor=2.0)\n",
    "a part of another model": """\
h = keras.Input((3,))
net = keras.Model(h, Scale()(h))
again = keras.Model(h, net(h, training=True, factor=2.0))
""",
}


@on("keras3")
@pytest.mark.parametrize("form", FORMS)
def test_other_forms(runner, generation, form):
    (finding,) = findings(runner, generation, START + FORMS[form], "BT413")
    assert "gives `factor` to" in finding.message
    assert "def call(self, inputs, factor=None):" in finding.fix


WELL = {
    "a subclass": """\
class Net(keras.Sequential):
    def call(self, inputs, factor=1.0):
        return inputs * factor


net = Net([Scale()])
net(x, factor=2.0)
scale = Scale()
scale(x, factor=2.0)
""",
    "what is handed on": """\
net = keras.Sequential([keras.Input((3,)), Scale()])
net(inputs=x, training=True, mask=None)
net.predict(x, verbose=0)
""",
}


@on("keras3")
@pytest.mark.parametrize("case", WELL)
def test_nothing_is_said(runner, generation, case):
    assert findings(runner, generation, START + WELL[case], "BT413") == []
