"""BT320, on real layers."""

from __future__ import annotations

import pytest

from diagnosis.rules.running import alarms, findings, on, on_both

RATINGS = """
a, b = keras.Input((1,), dtype="int32"), keras.Input((1,), dtype="int32")
users = keras.layers.Embedding(6, 4, name="users")(a)
books = keras.layers.Embedding(6, 4, name="books")(b)
model = keras.Model([a, b], keras.layers.Flatten()(keras.layers.Dot(-1)([users, books])))
model.compile("sgd", "mse")
model.fit([np.array([[1], [2]]), np.array([[5], [{0}]])], np.ones((2, 1)), verbose=0)
"""
PLACES = """
class Tokens(keras.layers.Layer):
    def __init__(self, length):
        super().__init__()
        self.words, self.places = keras.layers.Embedding(10, 8), keras.layers.Embedding(length, 8)

    def call(self, tokens):
        return self.words(tokens) + self.places(tf.range(tokens.shape[-1]))

Tokens({0})(np.ones((2, 6), "int32"))
"""
WORDS = """
words = keras.layers.TextVectorization(output_sequence_length=4)
words.adapt(["a b c d e f g"])
model = keras.Sequential([words, keras.layers.Embedding({0}, 4)])
model(tf.constant([["a b g f"]]))
"""
CASES = {
    "called on data": (
        "keras.layers.Embedding(5, 4)(np.array([[1, 7]]))",
        "'embedding' (Embedding), built at model.py:6, has 5 rows, for the indices 0 to 4, "
        "but got 7.",
        "keras.layers.Embedding(8, 4)  # the largest index + 1",
    ),
    "counted from 1, two tables": (RATINGS.format(6), "'books' (Embedding)", "Embedding(7, 4)"),
    "places": (PLACES.format(4), "'embedding_1' (Embedding)", "Embedding(6, 8)  # a row for each"),
    "words": (
        WORDS.format("words.vocabulary_size() - 2"),
        "has 7 rows",
        "Embedding(text_vectorization.vocabulary_size(), 4)",
    ),
}


@on_both
@pytest.mark.parametrize("case", CASES)
def test_no_row_for_an_index(runner, generation, case):
    body, message, fix = CASES[case]
    (finding,) = findings(runner, generation, body, "BT320")
    assert message in finding.message
    assert fix in finding.fix


@on_both
def test_what_is_the_last_word_is_said_of_words_only(runner, generation):
    """Places are counted from 0, whatever the first one is that has no row."""
    (finding,) = findings(runner, generation, PLACES.format(4), "BT320")
    assert "counted from 1" not in finding.message
    (finding,) = findings(runner, generation, RATINGS.format(6), "BT320")
    assert "counted from 1" in finding.message


MODEL = """
model = keras.Sequential([keras.Input((3,){dtype}), keras.layers.Embedding(5, 4)])
{call}
"""


@on_both
@pytest.mark.parametrize("dtype", ["", ", dtype='int32'"])
def test_the_data_says_the_largest_index(runner, generation, dtype):
    body = MODEL.format(dtype=dtype, call="model.predict(np.array([[1, 6, 8]]), verbose=0)")
    (finding,) = findings(runner, generation, body, "BT320")
    assert "for the indices 0 to 4, but got 8." in finding.message
    assert finding.fix.startswith("keras.layers.Embedding(9, 4)")
    assert finding.caller.line == 8


@on_both
def test_data_that_the_layer_never_gets(runner, generation):
    """A GPU and a compiled step say nothing of it, and a dry fit runs on symbols alone."""
    body = MODEL.format(
        dtype="",
        call="model.compile('sgd', 'mse')\n"
        "model.make_train_function = lambda force=False: exit()\n"
        "model.fit(np.array([[1, 2, 5]]), np.ones((1, 3, 4)), verbose=0)",
    )
    (finding,) = findings(runner, generation, body, "BT320")
    assert finding.caller.line == 10
    assert "counted from 1" in finding.message


@on("keras2")
def test_an_index_below_0(runner, generation):
    """Keras 3 counts it from the end."""
    body = "keras.layers.Embedding(5, 4)(np.array([[1, -1]]))"
    (finding,) = findings(runner, generation, body, "BT320")
    assert "got -1." in finding.message
    assert finding.fix.splitlines()[0].startswith("x = x + 1")


@on_both
@pytest.mark.parametrize(
    "body",
    [RATINGS.format(4), PLACES.format(6), WORDS.format("words.vocabulary_size()")],
    ids=["ratings", "places", "words"],
)
def test_enough_rows(runner, generation, body):
    assert alarms(runner, generation, body) == []


@on_both
def test_data_that_an_embedding_has_rows_for(runner, generation):
    body = MODEL.format(dtype="", call="model.predict(np.array([[0, 1.0, 4]]), verbose=0)")
    body += "other = keras.Model(model.inputs, keras.layers.Dense(2)(model.inputs[0]))\n"
    body += "other.predict(np.array([[1, 2, 9]]), verbose=0)\n"
    assert alarms(runner, generation, body) == []


@on("keras3")
def test_an_index_from_the_end(runner, generation):
    body = MODEL.format(dtype="", call="model.predict(np.array([[0, 1, -1]]), verbose=0)")
    assert alarms(runner, generation, body) == []


@on_both
def test_a_lookup_that_is_no_embedding(runner, generation):
    body = "keras.layers.Embedding(5, 4)(np.array([[1]]))\ntf.gather(tf.zeros((5, 4)), [5])"
    assert findings(runner, generation, body, "BT320") == []
