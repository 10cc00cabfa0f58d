"""BT306, on real layers."""

from __future__ import annotations

import pytest

from diagnosis.rules.running import findings, on_both

LAYERS = {
    "a channel is missing": (
        "keras.layers.Conv2D(3, 3)(keras.Input((28, 28)))",
        "(None, 28, 28) from the Input",
        "keras.Input(shape=(28, 28, 1))",
    ),
    "a batch is missing": (
        "keras.layers.Conv2D(3, 3)(np.ones((28, 28, 3)))",
        "got (28, 28, 3)",
        "x = x[None]",
    ),
    "LSTM after LSTM": (
        "s = keras.Sequential([keras.Input((20, 8)), keras.layers.LSTM(4, name='first'),\n"
        "    keras.layers.Dropout(0.1), keras.layers.LSTM(4)])",
        "got (None, 4) from 'dropout'",
        "keras.layers.LSTM(..., return_sequences=True)  # 'first'",
    ),
    "a sequence too much": (
        "i = keras.Input((4, 3))\n"
        "keras.layers.RepeatVector(3)(keras.layers.GRU(4, return_sequences=True)(i))",
        "takes 2 axes",
        "keras.layers.GRU(..., return_sequences=False)",
    ),
    "an axis too much": (
        "keras.layers.LSTM(3)(keras.Input((5, 4, 4)))",
        "takes 3 axes, but got (None, 5, 4, 4)",
        "x = keras.layers.Reshape((5, -1))(x)",
    ),
    "the samples in the shape": (
        "data = np.zeros((100, 10, 32))\nkeras.layers.LSTM(8)(keras.Input(data.shape))",
        "takes 3 axes, but got (None, 100, 10, 32)",
        "keras.Input(shape=(10, 32))  # x.shape[1:]: 100, the number of samples",
    ),
    "a part of a shape": (
        "data = np.zeros((100, 10, 8, 4))\nkeras.layers.LSTM(8)(keras.Input(data.shape[1:]))",
        "takes 3 axes, but got (None, 10, 8, 4)",
        "x = keras.layers.Reshape((10, -1))(x)",
    ),
    "an image to a layer of videos": (
        "keras.layers.Conv3D(3, 3)(keras.Input((28, 28, 3)))",
        "takes at least 5 axes",
        "keras.layers.Conv2D(...)  # a sample here is (rows, columns, channels)",
    ),
    "images to a pooling of sequences": (
        "keras.layers.GlobalMaxPooling1D()(keras.Input((28, 28, 3)))",
        "takes 3 axes",
        "keras.layers.GlobalMaxPooling2D(...)",
    ),
    "images to a separable convolution of sequences": (
        "keras.layers.SeparableConv1D(4, 3)(keras.Input((28, 28, 3)))",
        "'separable_conv1d' (SeparableConv1D) takes 3 axes",
        "keras.layers.SeparableConv2D(...)",
    ),
    "images to a transposed convolution of sequences": (
        "keras.layers.Conv1DTranspose(4, 3)(keras.Input((28, 28, 3)))",
        "'conv1d_transpose' (Conv1DTranspose) takes 3 axes",
        "keras.layers.Conv2DTranspose(...)",
    ),
    "behind a Flatten": (
        "keras.layers.Conv2D(3, 2)(keras.layers.Flatten()(keras.Input((28, 28, 3))))",
        "got (None, 2352) from 'flatten' (Flatten)",
        "x = keras.layers.Conv2D(...)(x)  # on x as it was before 'flatten', (None, 28, 28, 3)",
    ),
    "another size than declared": (
        "i = keras.Input((3,), name='features')\n"
        "m = keras.Model(i, keras.layers.Dense(2)(i))\nm(np.ones((2, 5)))",
        "the Input 'features'",
        "keras.Input(shape=(5,))",
    ),
    "an input is missing": (
        "a, b = keras.Input((3,), name='a'), keras.Input((3,), name='b')\n"
        "m = keras.Model([a, b], keras.layers.Add()([a, b]))\nm(np.ones((2, 3)))",
        "takes 2 inputs",
        'model({"a": ..., "b": ...})',
    ),
}


@on_both
@pytest.mark.parametrize("case", LAYERS)
def test_what_is_refused(runner, generation, case):
    body, message, fix = LAYERS[case]
    (finding,) = findings(runner, generation, body, "BT306")
    assert message in finding.message
    assert finding.fix.startswith(fix)


CONVOLUTIONS = {
    "images": (
        "keras.Sequential([keras.layers.Conv1D(16, 2, input_shape=(150, 150, 3))])",
        "keras.layers.Conv2D(...)  # a sample here is (rows, columns, channels)\n# or, if 150 is",
    ),
    "data": (
        "keras.layers.Conv1D(16, 2)(np.ones((2, 28, 28, 1), 'float32'))",
        "keras.layers.Conv2D(...)",
    ),
    "the samples in the shape": (
        "data = np.zeros((100, 10, 32))\nkeras.layers.Conv1D(8, 3)(keras.Input(data.shape))",
        "keras.Input(shape=(10, 32))  # x.shape[1:]: 100, the number of samples",
    ),
    "a video": ("keras.layers.Conv2D(8, 3)(keras.Input((9, 28, 28, 3)))", "keras.layers.Conv3D("),
    "in a model": (
        "class Net(keras.Model):\n    def __init__(self):\n        super().__init__()\n"
        "        self.conv = keras.layers.Conv1D(8, 3)\n        self.head = keras.layers.Dense(2)\n"
        "    def call(self, x):\n        return self.head(self.conv(x))\n"
        "Net()(np.ones((2, 28, 28, 1), 'float32'))",
        "keras.layers.Conv2D(...)",
    ),
}


@on_both
@pytest.mark.parametrize("case", CONVOLUTIONS)
def test_a_convolution_of_another_rank(runner, generation, case):
    """One of Keras 2 takes more axes, as if they were more samples."""
    body, fix = CONVOLUTIONS[case]
    found = findings(runner, generation, body, "BT306")
    assert [finding.fix.startswith(fix) for finding in found] == [True] * (generation == "keras3")


@on_both
def test_another_error_after_a_layer_is_another_matter(runner, generation):
    body = "keras.layers.Dense(2)(x)\nraise ValueError('expected ndim=4, found ndim=3')\n"
    assert findings(runner, generation, body, "BT306") == []


TWO = """
first, second = keras.Input((4,), name="first"), keras.Input((4,), name="second")
both = keras.layers.Dot(1)([first, second])
model = keras.Model([first, second], both)
model.compile("sgd", "mse")
one, other, answer = np.ones((6, 4)), np.ones((6, 4)), np.ones((6, 1))
"""
DATA = {
    "three things in a row": (
        TWO + "rows = tf.data.Dataset.from_tensor_slices((one, other, answer)).batch(3)\n"
        "model.fit(rows, verbose=0)\n",
        "takes 2 inputs, but got (None, 4) of the data that `fit` got.",
        '{"first": ..., "second": ...}  # as `x`, or first in each batch',
    ),
    "one array": (
        TWO + "model.predict(\n    one,\n    verbose=0,\n)\n",
        "4) of the data that `predict` got.",
        '{"first": ..., "second": ...}',
    ),
    "another size": (
        TWO + "single = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])\n"
        "five = keras.Input((5,))\n"
        "single.compile('sgd', 'mse')\n"
        "single.evaluate(np.ones((6, 5)), answer, verbose=0)\n",
        "but got (None, 5) of the data that `evaluate` got.",
        "keras.Input(shape=(5,))",
    ),
}


@on_both
@pytest.mark.parametrize("form", DATA)
def test_data_comes_from_no_layer(runner, generation, form):
    """Though an Input has the same shape."""
    body, text, fix = DATA[form]
    found = findings(runner, generation, body, "BT306")
    if form == "another size" and generation == "keras3":
        assert found == []  # the layer inside says so first there, for which BT302 is
        return
    (finding,) = found
    assert finding.message.endswith(text)
    assert fix in finding.fix
