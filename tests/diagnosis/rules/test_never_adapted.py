"""BT209 on real models: layers that were never adapted, and those that know enough."""

from __future__ import annotations

import pytest

from diagnosis.rules.running import findings, on, on_both, run

FORMS = {
    "in the user's model": """
class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.prepare = keras.layers.Normalization(name="prepare")
        self.head = keras.layers.Dense(1)

    def call(self, x):
        return self.head(self.prepare(x))

model = Net()
model.compile("sgd", "mse")
model.fit(x, np.ones((2, 1), "float32"), verbose=0)  # here
""",
    "in a pipeline of data": """
prepare = keras.layers.Normalization(name="prepare")
prepare.build((None, 3))
data = tf.data.Dataset.from_tensor_slices(x).batch(2).map(prepare)  # here
""",
    "another one was adapted": """
other, prepare = keras.layers.Normalization(), keras.layers.Normalization(name="prepare")
other.adapt(x)
inputs = keras.Input((3,))
model = keras.Model(inputs, keras.layers.Concatenate()([other(inputs), prepare(inputs)]))
model.predict(x, verbose=0)  # here
""",
    "a clone of an adapted one": """
prepare = keras.layers.Normalization(name="prepare")
prepare.adapt(x)
model = keras.models.clone_model(keras.Sequential([keras.Input((3,)), prepare]))
model(x)  # here
""",
    "without a vocabulary": """
prepare = keras.layers.StringLookup(name="prepare")
prepare(tf.constant(["a"]))  # here
""",
    "without a vocabulary, in a model": """
inputs = keras.Input((1,), dtype="string")
prepare = keras.layers.TextVectorization(name="prepare")
model = keras.Model(inputs, prepare(inputs))
model.predict(tf.constant([["a b"]]), verbose=0)  # here
""",
    "without boundaries": """
prepare = keras.layers.Discretization(num_bins=3, name="prepare")
prepare(x)  # here
""",
}

WELL = {
    "adapted after the model was made": """
norm = keras.layers.Normalization()
model = keras.Sequential([keras.Input((3,)), norm, keras.layers.Dense(1)])
norm.adapt(x)
model(x)
""",
    "adapted in the end": """
norm = keras.layers.Normalization()
norm(x)
norm.adapt(x)
norm(x)
""",
    "given": """
keras.layers.Normalization(mean=0.0, variance=1.0)(x)
keras.layers.Discretization(bin_boundaries=[0.0, 1.0])(x)
keras.layers.StringLookup(vocabulary=["a"])(tf.constant(["a"]))
""",
    "loaded": """
def make():
    norm = keras.layers.Normalization()
    return norm, keras.Sequential([keras.Input((3,)), norm, keras.layers.Dense(1)])
norm, model = make()
norm.adapt(x)
model.save("model.keras")
model.save_weights("model.weights.h5")
keras.models.load_model("model.keras").predict(x, verbose=0)
_, other = make()
other.load_weights("model.weights.h5")
other.predict(x, verbose=0)
""",
    "not used": "keras.layers.Normalization()\nkeras.layers.Normalization().build((None, 3))\n",
}


@on_both
@pytest.mark.parametrize("body", FORMS.values(), ids=FORMS)
def test_what_was_never_adapted_is_found(runner, generation, body):
    ran = run(runner, generation, body)
    (finding,) = ran.trace.findings
    assert (finding.code, finding.severity) == ("BT209", "error")
    here = "self.prepare(x))" if "class Net" in body else "# here"
    assert finding.caller.line == ran.line_of(here)
    assert finding.message.startswith("'prepare' ")
    assert finding.fix.startswith("prepare.adapt(x)")


@on_both
@pytest.mark.parametrize("body", WELL.values(), ids=WELL)
def test_what_is_legal_is_left_alone(runner, generation, body):
    ran = run(runner, generation, body)
    assert ran.code == 0, ran.output
    assert [f.code for f in ran.trace.findings] == []


@on_both
def test_without_data_it_is_a_note(runner, generation):
    body = "keras.Sequential([keras.Input((3,)), keras.layers.Normalization()])\n"
    (finding,) = findings(runner, generation, body, "BT209")
    assert finding.severity == "note"


SET = """
norm, other = keras.layers.Normalization(), keras.layers.Normalization()
norm.adapt(np.arange(12.0).reshape(4, 3))
other.build((None, 3))
other.set_weights(norm.get_weights())
reached = not np.allclose(other(x), x)
assert reached is {reached}
"""


@on("keras2")
def test_keras_2_takes_over_weights_that_are_set(runner, generation):
    ran = run(runner, generation, SET.format(reached=True))
    assert (ran.code, ran.trace.findings) == (0, ())


@on("keras3")
def test_keras_3_does_not(runner, generation):
    ran = run(runner, generation, SET.format(reached=False))
    assert ran.code == 0, ran.output
    assert [finding.code for finding in ran.trace.findings] == ["BT209"]
