"""BT346 on real attentions: masks of each shape."""

from __future__ import annotations

import pytest

from diagnosis.rules.running import findings, lines_that_come, on, on_both, run

LAYERS = """
words, others = keras.Input((5, 8)), keras.Input((7, 8))
mask, pairs = keras.Input((7,), dtype="bool"), keras.Input((5, 7), dtype="bool")
attention = keras.layers.MultiHeadAttention(2, 4)
"""

FLAT = {
    "other keys": "attention(words, others, attention_mask=mask)",
    "without a name for the value": "attention(words, value=others, attention_mask=mask)",
}

WELL = {
    "a mask for each query": "attention(words, others, attention_mask=pairs)",
    "an axis put in": "attention(words, others, attention_mask=mask[:, None, :])",
    "the same for all samples": "attention(words, others, attention_mask=np.ones((5, 7), 'bool'))",
    "none": "attention(words, others)",
}


@on_both
@pytest.mark.parametrize("form", FLAT)
def test_a_mask_of_keys(runner, generation, form):
    ran = run(runner, generation, LAYERS + FLAT[form])
    (finding,) = [f for f in ran.trace.findings if f.code == "BT346"]
    assert "(None, 7)" in finding.message
    changed = FLAT[form].replace("=mask)", "=mask[:, None, :])")
    assert lines_that_come(ran, "BT346") == [changed]


@on_both
def test_on_data(runner, generation):
    """The batch and the queries are known there, and differ."""
    body = LAYERS + "attention(np.ones((3, 5, 8)), np.ones((3, 7, 8)), attention_mask={})"
    (finding,) = findings(runner, generation, body.format("np.ones((3, 7), 'bool')"), "BT346")
    assert "(3, 7)" in finding.message
    assert findings(runner, generation, body.format("np.ones((5, 7), 'bool')"), "BT346") == []


@on("keras3")
def test_a_mask_of_another_kind(runner, generation):
    body = LAYERS + "attention(words, others, key_mask=mask)"
    assert findings(runner, generation, body, "BT346") == []


@on_both
@pytest.mark.parametrize("form", WELL)
def test_other_masks(runner, generation, form):
    assert findings(runner, generation, LAYERS + WELL[form], "BT346") == []
