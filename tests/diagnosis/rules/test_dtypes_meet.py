"""BT330, on real layers."""

from __future__ import annotations

import pytest

from diagnosis.rules.running import alarms, findings, on, on_both

MIXED = "keras.mixed_precision.set_global_policy('mixed_float16')\n"
LAYER = """
class Own(keras.layers.Layer):
    def __init__(self, **options):
        super().__init__(**options)
        self.table = {table}

    def call(self, x):
        return {call}

Own({options})({given})
"""


def own(call, table="None", given="keras.Input((8,))", options=""):
    return LAYER.format(call=call, table=table, given=given, options=options)


HALF = "The layer computes in float16"
DATA = "np.ones((2, 8), 'float32')"
CASES = {
    "a variable of TensorFlow": (
        MIXED + own("x * self.table", "tf.Variable(tf.ones((8,)))"),
        ("float16 for `x` and float32 for `self.table`", HALF),
        "x * {cast}(self.table, x.dtype)",
    ),
    "on data": (
        MIXED + own("self.table * x", "tf.ones((8,))", DATA),
        ("float32 for `self.table` and float16 for `x`", HALF),
        "{cast}(self.table, x.dtype) * x",
    ),
    "joined": (
        MIXED + own("tf.concat([x, tf.zeros_like(x, tf.float32)], -1)"),
        ("float16 for `x`", HALF),
        "tf.concat([x, {cast}(tf.zeros_like(x, tf.float32), x.dtype)], -1)",
    ),
    "NumPy's floats": (
        own("x * self.table", "tf.constant(np.ones(8))"),
        ("float32 for `x` and float64 for `self.table`",),
        "x * {cast}(self.table, x.dtype)",
    ),
    "a size": (
        own("x / tf.shape(x)[1]"),
        ("float32 for `x` and int32 for `tf.shape(x)[1]`",),
        "x / {cast}(tf.shape(x)[1], x.dtype)",
    ),
    "places": (
        own("x + tf.range(8)", given=DATA),
        ("int32 for `tf.range(8)`",),
        "x + {cast}(tf.range(8), x.dtype)",
    ),
    "a layer of float64": (
        own("tf.abs(x) + self.table", "tf.ones((8,))", options="dtype='float64'"),
        ("float64 for `tf.abs(x)` and float32 for `self.table`",),
        'tf.abs(x) + {cast}(self.table, "float64")',
    ),
}


@on_both
@pytest.mark.parametrize("case", CASES)
def test_two_dtypes(runner, generation, case):
    body, said, fix = CASES[case]
    (finding,) = findings(runner, generation, body, "BT330")
    assert all(text in finding.message for text in said)
    assert (HALF in finding.message) == (HALF in said)
    assert finding.fix == fix.format(cast="tf.cast" if generation == "keras2" else "keras.ops.cast")
    assert "'own' (Own)" in finding.message


LAMBDA = "keras.layers.Lambda(lambda t: t * tf.constant([1.0], tf.float64))(keras.Input((8,)))"


@on_both
def test_in_a_lambda(runner, generation):
    (finding,) = findings(runner, generation, LAMBDA, "BT330")
    assert "(tf.constant([1.0], tf.float64), t.dtype)" in finding.fix


@on_both
def test_in_a_train_step(runner, generation):
    body = """
class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(1)

    def call(self, x):
        return self.dense(x)

    def train_step(self, data):
        x, y = data
        return {"loss": tf.reduce_mean((self(x) - y) ** 2)}

net = Net()
net.compile("sgd")
net.fit(x, np.ones((2, 1), "int64"), verbose=0)
"""
    (finding,) = findings(runner, generation, body, "BT330")
    assert finding.fix == 'self(x) - tf.cast(y, "float32")'
    assert finding.caller.line == 17


@on("keras2")
def test_in_a_loss(runner, generation):
    """Keras 3 casts the targets."""
    body = (
        "def loss(y, p):\n    return tf.reduce_mean(tf.square(y - p))\n"
        "model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])\n"
        "model.compile('sgd', loss)\n"
        "model.fit(x, np.ones((2, 1), 'int64'), verbose=0)"
    )
    (finding,) = findings(runner, generation, body, "BT330")
    assert "int64 for `y` and float32 for `p`" in finding.message


@on_both
def test_what_is_cast(runner, generation):
    body = MIXED + own("x + tf.cast(self.table, x.dtype)", "tf.ones((8,))")
    body += own("x * self.table + 1", "np.ones(8, 'float32')")
    body += own("keras.layers.Dense(2)(x) if False else x * 2.5")
    assert alarms(runner, generation, body) == []


@on_both
def test_an_exception_that_the_script_raises(runner, generation):
    """Its words alone are none of Keras'."""
    body = "keras.layers.Dense(2)(x)\nraise TypeError('tensors of two dtypes, float32 and int64')"
    assert findings(runner, generation, body, "BT330") == []
