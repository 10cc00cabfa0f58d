"""BT403, on real layers."""

from __future__ import annotations

import pytest

from diagnosis.rules.running import findings, on, on_both

SHARED = """\
d = keras.layers.Conv1D(4, 3, name="shared")
a, b = keras.Input((8, 3)), keras.Input((6, 3))
p = keras.layers.GlobalMaxPooling1D()
keras.Model([a, b], keras.layers.Concatenate()([p(d(a)), p(d(b))]))
"""
NET = """\
class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.inner = keras.layers.Dense(3, name="inner")
    def call(self, x):
        return self.inner(x)
net = Net()
net(x)
"""


@on_both
def test_several(runner, generation):
    (finding,) = findings(runner, generation, SHARED + "d.output_shape", "BT403")
    assert "'shared' (Conv1D)" in finding.message
    assert "(None, 6, 4) and (None, 4, 4)" in finding.message


@on("keras2")
def test_the_remedy_of_keras_2_runs(runner, generation):
    (finding,) = findings(runner, generation, SHARED + "d.output_shape", "BT403")
    ran = runner(generation).run(
        "from tensorflow import keras\n"
        + SHARED
        + f"shared = d\nassert '(None, 6, 4)' in str({finding.fix}\n)"
    )
    assert ran.code == 0


@on_both
@pytest.mark.parametrize("what", ["net.inner.output", "net.output", "net.inner.input"])
def test_none_because_of_data(runner, generation, what):
    (finding,) = findings(runner, generation, NET + what, "BT403")
    assert "called on data alone, (2, 3)" in finding.message
    assert "keras.Model(inputs, net.call(inputs))" in finding.fix


@on("keras3")
def test_a_sequential_has_the_ends_of_its_graph(runner, generation):
    body = "s = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])\ns.output"
    (finding,) = findings(runner, generation, body, "BT403")
    assert finding.fix.startswith("sequential.outputs[0]")


@on("keras3")
def test_an_attribute_that_is_gone(runner, generation):
    body = "d = keras.layers.Dense(2)\nd(keras.Input((3,)))\nd.input_shape"
    (finding,) = findings(runner, generation, body, "BT403")
    assert finding.fix == "dense.input.shape"


@on_both
@pytest.mark.parametrize(
    "body",
    [
        "d = keras.layers.Dense(2)\nd(keras.Input((3,)))\nd.no_such",
        "keras.layers.Dense(2)(x)\n''.output_shape",
    ],
)
def test_another_attribute_is_another_matter(runner, generation, body):
    assert findings(runner, generation, body, "BT403") == []
