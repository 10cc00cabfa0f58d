"""BT213 on real models: variables that Keras counts, and those that it does not."""

from __future__ import annotations

import pytest

from diagnosis.rules.running import findings, on_both, run

HOLDER = """
class Tools:
    def __init__(self):
        self.w = tf.Variable(tf.ones((3,)), name="w")
class Module(tf.Module):
    def __init__(self):
        super().__init__()
        self.w = tf.Variable(tf.ones((3,)), name="w")
class Scale(keras.layers.Layer):
    def __init__(self):
        super().__init__()
        {}
    def call(self, x):
        return x * {}
i = keras.Input((3,))
model = keras.Model(i, Scale()(i))
"""
MADE = "tf.Variable(tf.ones((3,)))"

NOWHERE = {
    "in an object": ("self.tools = Tools()", "self.tools.w"),
    "in an object in a list": ("self.tools = [Tools()]", "self.tools[0].w"),
    "added to a list": (f"self.ws = []; self.ws.append({MADE})", "self.ws[0]"),
}
"""Where neither generation finds a variable."""

NOT_IN_3 = {
    "an attribute": (f"self.w = {MADE}", "self.w"),
    "a private attribute": (f"self._w = {MADE}", "self._w"),
    "in a dict of lists": (f"self.ws = {{'a': [{MADE}]}}", "self.ws['a'][0]"),
    "in a module": ("self.module = Module()", "self.module.w"),
}
"""Where Keras 2 finds one, and Keras 3 does not."""


@on_both
@pytest.mark.parametrize(("place", "way"), NOWHERE.values(), ids=NOWHERE)
def test_where_no_keras_looks(runner, generation, place, way):
    ran = run(runner, generation, HOLDER.format(place, way))
    (found,) = ran.trace.findings
    assert (found.code, found.severity) == ("BT213", "error")
    assert f"'scale' (Scale) keeps `{way}`, a tf.Variable of shape (3,)" in found.message
    assert found.caller.line == ran.line_of(place)


@pytest.mark.parametrize(("place", "way"), NOT_IN_3.values(), ids=NOT_IN_3)
def test_where_keras_3_does_not_look(runner, place, way):
    body = HOLDER.format(place, way)
    (found,) = findings(runner, "keras3", body, "BT213")
    assert (found.severity, f"`{way}`" in found.message) == ("error", True)
    assert findings(runner, "keras2", body, "BT213") == []


KNOWN = """
class Tied(keras.layers.Layer):
    def __init__(self, embedding):
        super().__init__()
        self.kernel = embedding.embeddings
        self.raw = getattr(self.kernel, "_value", self.kernel)
    def call(self, x):
        return tf.matmul(x, self.raw, transpose_b=True)
class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.embedding = keras.layers.Embedding(5, 3)
        self.embedding.build((None,))
        self.tied = Tied(self.embedding)
        self.own = []
        for _ in range(2):
            self.own.append(self.add_weight(name="own", shape=(3,)))
        self.drop = keras.layers.Dropout(0.5)
        self.norm = keras.layers.BatchNormalization()
        self.mean = keras.metrics.Mean()
        self.lookup = keras.layers.StringLookup(vocabulary=["a", "b"])
        pairs = tf.lookup.KeyValueTensorInitializer(["a"], [1])
        self.table = tf.lookup.StaticHashTable(pairs, 0)
        self.constant = tf.ones((3,))
    def call(self, x):
        return self.tied(self.norm(self.drop(x)) * self.own[0] * self.own[1] * self.constant)
model = Net()
model(x)
model.compile("adam", "mse")
model.fit(x, np.ones((2, 5)), verbose=0)
"""

TELLS = """
class Scale(keras.layers.Layer):
    def __init__(self):
        super().__init__()
        self.ws = []
        self.ws.append(tf.Variable(tf.ones((3,))))
    @property
    def trainable_weights(self):
        return self.ws
    def call(self, x):
        return x * self.ws[0]
Scale()(x)
"""


@on_both
@pytest.mark.parametrize("body", [KNOWN, TELLS], ids=["weights of layers", "own property"])
def test_what_is_a_weight_of_some_layer_is_none(runner, generation, body):
    assert findings(runner, generation, body, "BT213") == []


COUNTER = HOLDER.format("self.ws = []; self.ws.append(tf.Variable(0))", "tf.cast(self.ws[0], 'f')")


@on_both
def test_a_counter_is_no_alarm(runner, generation):
    """It is trainable for TensorFlow, but nobody would train it."""
    (found,) = findings(runner, generation, COUNTER, "BT213")
    assert found.severity == "note"
    assert found.message.endswith("it is not saved.")
    assert 'dtype="int32"' in found.fix
