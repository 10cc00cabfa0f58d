"""BT213 on real models: variables that Keras counts, and those that it does not."""

from __future__ import annotations

from diagnosis.rules.running import findings, lines_that_come, on, on_both, run

MADE = "tf.Variable(tf.ones((3,)))"

NOWHERE = {
    "in_object": ("self.tools = Tools()", "self.tools.w"),
    "in_object_in_list": ("self.tools = [Tools()]", "self.tools[0].w"),
}
"""Where neither generation finds a variable."""

NOT_IN_3 = {
    "added_to_list": (f"self.ws = []; self.ws.append({MADE})", "self.ws[0]"),
    "attribute": (f"self.w = {MADE}", "self.w"),
    "private": (f"self._w = {MADE}", "self._w"),
    "in_dict_of_lists": (f"self.ws = {{'a': [{MADE}]}}", "self.ws['a'][0]"),
    "in_module": ("self.module = Module()", "self.module.w"),
}
"""Where Keras 2 finds one, and Keras 3 does not."""

CLASSES = """
class Tools:
    def __init__(self):
        self.w = tf.Variable(tf.ones((3,)), name="w")
class Module(tf.Module):
    def __init__(self):
        super().__init__()
        self.w = tf.Variable(tf.ones((3,)), name="w")
"""

LAYER = """
class {0}(keras.layers.Layer):
    def __init__(self):
        super().__init__(name="{0}")
        {1}  # {0}
    def call(self, x):
        return x * {2}
{0}()(x)
"""

COUNTER = LAYER.format("counter", "self.ws = []; self.ws.append(tf.Variable(0))", "2.0")

HOLDING = (
    CLASSES
    + "".join(LAYER.format(name, *how) for name, how in {**NOWHERE, **NOT_IN_3}.items())
    + COUNTER
)


@on_both
def test_where_keras_does_not_look(runner, generation):
    ran = run(runner, generation, HOLDING)
    alarms = [found for found in ran.trace.findings if found.severity == "error"]
    wanted = NOWHERE if generation == "keras2" else {**NOWHERE, **NOT_IN_3}
    assert [found.code for found in alarms] == ["BT213"] * len(wanted)
    for found, (name, (place, way)) in zip(alarms, wanted.items(), strict=True):
        what = f"'{name}' ({name}) keeps `{way}`, a tf.Variable of shape (3,)"
        assert what in found.message
        assert found.caller.line == ran.line_of(f"{place}  # {name}")


@on("keras3")
def test_a_variable_of_keras_in_its_place(runner, generation):
    ran = run(runner, generation, LAYER.format("Scale", f"self.w = {MADE}", "self.w"))
    assert lines_that_come(ran, "BT213") == ["self.w = keras.Variable(tf.ones((3,)))  # Scale"]


def test_a_counter_is_no_alarm(runner):
    """It is trainable for TensorFlow, but nobody would train it."""
    (found,) = [f for f in findings(runner, "keras3", HOLDING, "BT213") if f.severity == "note"]
    assert found.message.startswith("'counter'")
    assert found.message.endswith("it is not saved.")
    assert 'dtype="int32"' in found.fix


KNOWN = """
class Tied(keras.layers.Layer):
    def __init__(self, embedding):
        super().__init__()
        self.kernel = embedding.embeddings
        self.raw = getattr(self.kernel, "_value", self.kernel)
    def call(self, x):
        return tf.matmul(x, self.raw, transpose_b=True)
class Telling(keras.layers.Layer):
    def __init__(self):
        super().__init__()
        self.ws = []
        self.ws.append(tf.Variable(tf.ones((3,))))
    @property
    def trainable_weights(self):
        return self.ws
    def call(self, x):
        return x * self.ws[0]
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
Telling()(x)
model = Net()
model(x)
model.compile("adam", "mse")
model.fit(x, np.ones((2, 5)), verbose=0)
"""


@on_both
def test_what_is_a_weight_of_some_layer_is_none(runner, generation):
    """Tied weights, tables, seeds, metrics, and layers that tell their weights themselves."""
    assert findings(runner, generation, KNOWN, "BT213") == []
