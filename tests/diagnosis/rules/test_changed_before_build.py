"""BT333, on real layers."""

from __future__ import annotations

import pytest

from diagnosis.rules.running import alarms, findings, on

NET = """
class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(4)
        {init}

    def call(self, x):
        return self.dense(x)

net = Net()
{then}
"""
CASES = {
    "a layer": (
        "dense = keras.layers.Dense(4)\ndense.quantize('int8')",
        "'dense' (Dense) is to be quantized",
        "dense.build((None, ...))  # the shape of a batch of its inputs; or build the whole model\n"
        "dense.quantize('int8')",
    ),
    "a model": (
        "model = keras.Sequential([keras.layers.Dense(4)])\nmodel.quantize('int8')",
        "'sequential' (Sequential) is to be quantized",
        "model.build((None, ...))",
    ),
    "a layer of a model": (
        "model = keras.Sequential([keras.layers.Embedding(9, 4)])\nmodel.layers[0].enable_lora(2)",
        "`model.layers[0]` is to get LoRA weights",
        "model.layers[0].build((None, ...))",
    ),
    "in a constructor": (
        NET.format(init="self.dense.enable_lora(2)", then="net(x)"),
        "`self.dense` is to get LoRA weights",
        "def build(self, input_shape):  # not in __init__\n    self.dense.build(input_shape)",
    ),
}


@on("keras3")
@pytest.mark.parametrize("case", CASES)
def test_before_the_build(runner, generation, case):
    body, message, fix = CASES[case]
    (finding,) = findings(runner, generation, body, "BT333")
    assert message in finding.message
    assert finding.fix.startswith(fix)


@on("keras3")
def test_after_the_build(runner, generation):
    body = NET.format(init="pass", then="net(x)\nnet.dense.enable_lora(2)\nnet(x)")
    body += "dense = keras.layers.Dense(4)\ndense.build((None, 3))\ndense.quantize('int8')\n"
    body += "dense(x)\n"
    assert alarms(runner, generation, body) == []
