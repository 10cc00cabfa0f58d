"""BT340, on scripts."""

from __future__ import annotations

import pytest

from diagnosis.rules.running import findings, lines_that_come, on_both, run

START = """\
K = keras.backend
words = keras.Input((5,), dtype="int32")
h = keras.layers.Embedding(10, 4, mask_zero=True)(words)
"""

OPS = """\
mean = keras.ops.mean if hasattr(keras, "ops") else tf.reduce_mean
"""

FORMS = {
    "all steps pooled": (
        'h = keras.layers.AveragePooling1D(pool_size=5, name="mean")(h)\n',
        ['h = keras.layers.GlobalAveragePooling1D(keepdims=True, name="mean")(h)'],
    ),
    "a named function": (
        """\
def average(t):
    return K.mean(t, axis=1)


h = keras.layers.Dropout(0.5)(keras.layers.LSTM(3, return_sequences=True)(h))
h = keras.layers.Lambda(average, name="mean")(h)
""",
        ['h = keras.layers.GlobalAveragePooling1D(name="mean")(h)'],
    ),
    "more than an average": (
        "h = keras.layers.Lambda(lambda t: 2.0 * K.mean(t, axis=-2))(h)\n",
        [],
    ),
    "a layer of one's own": (
        """\
class Average(keras.layers.Layer):
    def call(self, inputs):
        return K.mean(inputs, axis=1)


h = Average()(h)
""",
        [],
    ),
    "a function on symbols": (
        f"{OPS}h = keras.layers.GRU(3, return_sequences=True)(keras.layers.Dropout(0.5)(h))\n"
        "h = mean(h, axis=1)\n"
        "keras.Model(words, h)\n",
        ["h = keras.layers.GlobalAveragePooling1D()(h)"],
    ),
}
"""Scripts with the fault, and the lines that the edits bring."""


@on_both
@pytest.mark.parametrize("form", FORMS)
def test_other_forms(runner, generation, form):
    body, come = FORMS[form]
    ran = run(runner, generation, START + body)
    assert lines_that_come(ran, "BT340") == come
    (finding,) = [finding for finding in ran.trace.findings if finding.code == "BT340"]
    assert "GlobalAveragePooling1D(" in finding.fix
    assert ("def call(self, x, mask=None):" in finding.fix) == (not come)


WELL = {
    "a mask taken": """\
class Average(keras.layers.Layer):
    def call(self, inputs, mask=None):
        return K.mean(inputs, axis=1)


h = Average()(h)
""",
    "the mask made anew": """\
class Average(keras.layers.Layer):
    def call(self, inputs):
        kept = inputs * self.my_mask(inputs)
        return K.mean(kept, axis=1)

    def my_mask(self, inputs):
        return 1.0


h = Average()(h)
""",
    "no mask there": """\
h = keras.layers.Embedding(10, 4)(words)
h = keras.layers.Lambda(lambda t: K.mean(t, axis=1))(h)
""",
    "over the features": """\
h = keras.layers.Lambda(lambda t: K.mean(t, axis=2))(h)
""",
    "pooled in parts": """\
h = keras.layers.AveragePooling1D(2)(h)
""",
    "no mask any more": OPS
    + """\
h = keras.layers.Conv1D(4, 3)(h)
h = mean(h, axis=1)
keras.Model(words, h)
""",
}
"""Scripts without the fault, or where nobody knows."""


@on_both
@pytest.mark.parametrize("case", WELL)
def test_nothing_is_said(runner, generation, case):
    assert findings(runner, generation, START + WELL[case], "BT340") == []
