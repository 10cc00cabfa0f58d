"""BT342 on real layers: what becomes of indices on their way to a table."""

from __future__ import annotations

import pytest

from diagnosis.rules.running import findings, lines_that_come, on_both, run

LAYER = """
class Table(keras.layers.Layer):
    def build(self, shape):
        self.table = self.add_weight(name="table", shape=({rows}, 2), initializer="zeros")

    def call(self, ids):
        return {call}

ids = keras.Input((3,){kind})
Table(dtype="{policy}")(ids)
"""
GATHER = 'tf.gather(self.table, tf.cast(ids, "int32"))'
USUAL = {"rows": 3000, "call": GATHER, "kind": "", "policy": "mixed_float16"}

ROUNDED = {
    "gathered": USUAL,
    "by TensorFlow's names": USUAL | {"call": "tf.gather(self.table, tf.cast(ids, tf.int64))"},
    "bfloat16": USUAL | {"rows": 300, "policy": "mixed_bfloat16"},
}

WELL = {
    "integers": USUAL | {"kind": ", dtype='int32'"},
    "a small table": USUAL | {"rows": 300},
    "full floats": USUAL | {"policy": "float32"},
    "no indices": USUAL | {"call": "tf.matmul(ids, self.table[:3])"},
}


@on_both
@pytest.mark.parametrize("form", ROUNDED)
def test_rounded(runner, generation, form):
    ran = run(runner, generation, LAYER.format(**ROUNDED[form]))
    (finding,) = [f for f in ran.trace.findings if f.code == "BT342"]
    beyond = "257 becomes 256" if form == "bfloat16" else "2,049 becomes 2,048"
    assert beyond in finding.message
    assert lines_that_come(ran, "BT342") == ['ids = keras.Input((3,), dtype="int32")']


@on_both
@pytest.mark.parametrize("form", WELL)
def test_not_rounded(runner, generation, form):
    assert findings(runner, generation, LAYER.format(**WELL[form]), "BT342") == []


@on_both
def test_keras_own_table_takes_them_as_they_are(runner, generation):
    body = (
        "table = keras.layers.Embedding(3000, 2, dtype='mixed_bfloat16')\n"
        "keras.Sequential([keras.Input((3,)), table])"
    )
    assert findings(runner, generation, body, "BT342") == []
