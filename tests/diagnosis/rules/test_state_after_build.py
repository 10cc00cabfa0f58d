"""BT206 on real layers of Keras 3: what is added too late, and from where."""

from __future__ import annotations

from diagnosis.rules.running import alarms, on, run

SCALE = """
class Scale(keras.layers.Layer):
    def build(self, input_shape):
        self.w = self.add_weight(name="w", shape=(3,), initializer="ones")
    def call(self, x):
        return x * self.w
    def grow(self):
        self.v = self.add_weight(name="v", shape=(3,), initializer="ones")
layer = Scale()
layer(x)  # the first build
"""


@on("keras3")
def test_a_weight_that_another_method_adds(runner, generation):
    ran = run(runner, generation, SCALE + "layer.grow()\n")
    first = ran.trace.findings[0]
    assert first.code == "BT206"
    assert first.caller.line == ran.line_of('name="v"')
    assert "'scale' (Scale)" in first.message
    assert f"model.py:{ran.line_of('the first build')}" in first.message


@on("keras3")
def test_a_second_build(runner, generation):
    ran = run(runner, generation, SCALE + "layer.build((None, 3))\n")
    first = ran.trace.findings[0]
    assert first.code == "BT206"
    assert first.caller.line == ran.line_of("layer.build")
    assert "Scale.build ran again" in first.message
    assert first.fix.startswith("if not scale.built:")
    builds = [call.id for call in ran.trace.find("Scale.build")]
    assert set(builds) <= set(first.calls)


@on("keras3")
def test_the_same_layer_again_is_well(runner, generation):
    body = SCALE + "layer.w = layer.w\nlayer.note = 'a text'\nlayer.numbers = [1, 2]\n"
    assert alarms(runner, generation, body) == []


@on("keras3")
def test_a_sequential_may_grow(runner, generation):
    body = """
model = keras.Sequential([keras.layers.Dense(4)])
model(x)
model.add(keras.layers.Dense(2))
model(x)
"""
    assert alarms(runner, generation, body) == []


@on("keras2")
def test_keras_2_locks_nothing(runner, generation):
    assert alarms(runner, generation, SCALE + "layer.grow()\n") == []


@on("keras3")
def test_a_script_may_try(runner, generation):
    body = SCALE + "try:\n    layer.grow()\nexcept ValueError:\n    pass\n"
    assert alarms(runner, generation, body) == []
