"""BT347 on real models: what they begin with."""

from __future__ import annotations

import pytest

from diagnosis.rules.running import findings, lines_that_come, on, run

LOOKUP = "lookup = keras.layers.StringLookup()\nlookup.adapt(['a', 'b'])\n"
CALLED = "\nmodel(tf.constant([['a'], ['b']]))"

FORMS = {
    "in a list": (
        "model = keras.Sequential([lookup, keras.layers.Embedding(3, 2)])" + CALLED,
        'model = keras.Sequential([keras.Input((1,), dtype="string"), lookup, '
        "keras.layers.Embedding(3, 2)])",
    ),
    "added": (
        "model = keras.Sequential()\nmodel.add(lookup)" + CALLED,
        'model.add(keras.Input((1,), dtype="string"))',
    ),
    "the layer has a shape": (
        "model = keras.Sequential([keras.layers.Hashing(4, input_shape=(1,))])" + CALLED,
        'model = keras.Sequential([keras.Input((1,), dtype="string"), '
        "keras.layers.Hashing(4, input_shape=(1,))])",
    ),
}

WELL = {
    "an Input of texts": "model = keras.Sequential([keras.Input((1,), dtype='string'), lookup])"
    + CALLED,
    "never adapted: it is built for what it is given": "model = keras.Sequential("
    "[keras.layers.StringLookup(vocabulary=['a', 'b'])])" + CALLED,
    "numbers": "model = keras.Sequential([keras.layers.Dense(2)])\nmodel(x)",
}


@on("keras2")
@pytest.mark.parametrize("form", FORMS)
def test_texts_that_are_cast(runner, generation, form):
    body, line = FORMS[form]
    ran = run(runner, generation, LOOKUP + body)
    (finding,) = [f for f in ran.trace.findings if f.severity == "error"]
    assert finding.code == "BT347"
    assert lines_that_come(ran, "BT347") == [line]


@on("keras2")
@pytest.mark.parametrize("form", WELL)
def test_what_is_taken(runner, generation, form):
    assert findings(runner, generation, LOOKUP + WELL[form], "BT347") == []
