"""BT414 on real layers: how many tensors they give, and how many names take them."""

from __future__ import annotations

import pytest

from diagnosis.rules.running import findings, lines_that_come, on_both, run

HEAD = "words = keras.Input((6, 3))\n"

WRONG = {
    "two states of an LSTM": (
        "output, state = keras.layers.LSTM(4, return_state=True)(words)",
        "gives 3 tensors",
        "takes 2",
    ),
    "one state of a GRU": (
        "output, h, c = keras.layers.GRU(4, return_state=True)(words)",
        "gives 2 tensors",
        "takes 3",
    ),
    "the scores of an attention": (
        "one, two, three = keras.layers.MultiHeadAttention(2, 2)(\n"
        "    words, words, return_attention_scores=True)",
        "gives 2 tensors",
        "takes 3",
    ),
}

OTHERS = {
    "well": "output, h, c = keras.layers.LSTM(4, return_state=True)(words)",
    "what is no layer": "first, second = [words, words, words]",
    "what is chosen of it": "h, c = keras.layers.LSTM(4, return_state=True)(words)[:1]",
    "a layer of the user's": "class A(keras.layers.Layer):\n"
    "    def call(self, x):\n        return x, x, x\nfirst, second = A()(words)",
}


@on_both
@pytest.mark.parametrize("form", WRONG)
def test_another_number(runner, generation, form):
    body, gives, takes = WRONG[form]
    (finding,) = findings(runner, generation, HEAD + body, "BT414")
    assert gives in finding.message
    assert takes in finding.message
    assert finding.edits == ()


@on_both
def test_states_of_both_directions(runner, generation):
    made = "layer = keras.layers.Bidirectional(keras.layers.GRU(4, return_state=True))\n"
    ran = run(runner, generation, HEAD + made + "output, state = layer(words)  # of both")
    assert lines_that_come(ran, "BT414") == [
        "output, forward_state, backward_state = layer(words)  # of both",
        "state = keras.layers.Concatenate()([forward_state, backward_state])",
    ]


@on_both
@pytest.mark.parametrize("form", OTHERS)
def test_other_things_are_unpacked(runner, generation, form):
    assert findings(runner, generation, HEAD + OTHERS[form], "BT414") == []
