"""BT221 on real layers: those that drop, and when."""

from __future__ import annotations

import pytest

from diagnosis.rules.running import findings, lines_that_come, on_both, run

LAYER = """
class {name}(keras.layers.Layer):
    def call(self, x{more}):
        {body}

model = keras.Sequential([keras.Input((3,)), {name}()])
"""
USUAL = {"name": "Drop", "more": "", "body": "return tf.nn.dropout(x, 0.5)"}

ALWAYS = {
    "given back": (USUAL, "return tf.nn.dropout(x, 0.5) if training else x"),
    "in a sum": (
        USUAL | {"body": "return x + tf.nn.dropout(x, 0.5)"},
        "return x + (tf.nn.dropout(x, 0.5) if training else x)",
    ),
    "kept by a name": (
        USUAL | {"body": "x = tf.nn.dropout(x, rate=0.5)\n        return x"},
        "x = tf.nn.dropout(x, rate=0.5) if training else x",
    ),
}

ASKED = {
    "told": USUAL
    | {"more": ", training=None", "body": "return tf.nn.dropout(x, 0.5) if training else x"},
    "told and not asked": USUAL | {"more": ", training=None"},
    "on purpose": USUAL | {"name": "MCDropout"},
    "perhaps never": USUAL | {"body": "return tf.nn.dropout(x, 0.5) if self.trainable else x"},
    "random for another reason": USUAL | {"body": "return x + tf.random.normal((3,))"},
}


@on_both
@pytest.mark.parametrize("form", ALWAYS)
def test_drops_always(runner, generation, form):
    parts, line = ALWAYS[form]
    ran = run(runner, generation, LAYER.format(**parts))
    assert lines_that_come(ran, "BT221") == ["def call(self, x, training=None):", line]


@on_both
@pytest.mark.parametrize("form", ASKED)
def test_not_for_sure(runner, generation, form):
    assert findings(runner, generation, LAYER.format(**ASKED[form]), "BT221") == []


@on_both
def test_the_layer_knows_itself(runner, generation):
    body = (
        "class Block(keras.layers.Layer):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.dropout = keras.layers.Dropout(0.5)\n"
        "    def call(self, x):\n"
        "        return self.dropout(x)\n"
        "keras.Sequential([keras.Input((3,)), Block()])"
    )
    assert findings(runner, generation, body, "BT221") == []
