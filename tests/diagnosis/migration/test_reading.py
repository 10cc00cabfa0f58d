"""What a script uses that Keras 3 does without, read without running it."""

from __future__ import annotations

import pytest

from buildtrace.diagnosis.migration.reading import read

TF = "import tensorflow as tf\n"
KERAS = "from tensorflow import keras\n"
MODEL = KERAS + "inputs = keras.Input((3,))\nmodel = keras.Model(inputs, inputs)\n"

FOUND = {
    # imports, under whatever name
    "from tensorflow.keras.optimizers.legacy import Adam": [
        (1, "BT506", "tf.keras.optimizers.legacy.Adam", "keras.optimizers.Adam")
    ],
    "import keras.layers.core as core": [(1, "BT506", "keras.layers.core", "keras.layers....")],
    TF + "flip = tf.keras.layers.experimental.preprocessing.RandomFlip": [
        (2, "BT506", "tf.keras.layers.experimental.preprocessing.RandomFlip",
         "keras.layers.RandomFlip")
    ],
    TF + "k = tf.keras\nb = k.backend\nb.learning_phase()": [
        (4, "BT506", "tf.keras.backend.learning_phase",
         "def call(self, inputs, training=False): ...  # given by whoever calls it")
    ],
    "from keras.layers import *\nLSTM(2, batch_size=3)": [
        (2, "BT504", "batch_size", "keras.Input(shape, batch_size=3)  # as the first layer")
    ],
    "from keras import backend as K\ndef f(x):\n    return K.square(x)": [
        (3, "BT506", "keras.backend.square",
         "keras.ops.square(x)  # as it was: tf.keras.backend.square")
    ],
    # arguments
    KERAS + "keras.optimizers.SGD(lr=rate)": [(2, "BT504", "lr", "learning_rate=rate")],
    MODEL + "model.fit(x, max_queue_size=9)": [
        (4, "BT504", "max_queue_size",
         "class Data(keras.utils.PyDataset):  # what reads the data takes it\n"
         "    def __init__(self, ...):\n"
         "        super().__init__(max_queue_size=9)")
    ],
    KERAS + "keras.layers.Dense(\n    3,\n    weights=w,\n)": [
        (4, "BT504", "weights", "layer.set_weights(w)  # after the layer was built")
    ],
    KERAS + "lstm = keras.layers.LSTM(2)\nlstm(x, constants=[c])": [
        (3, "BT504", "constants",
         "# write the cell so that it holds them, or concatenate them with the inputs")
    ],
    KERAS + "keras.losses.MeanSquaredError(reduction='auto')": [
        (2, "BT504", "reduction", 'reduction="sum_over_batch_size"')
    ],
    KERAS + "keras.Input(shape=20)": [(2, "BT504", "shape", "shape=(20,)")],
    # the order of arguments
    KERAS + "class L(keras.layers.Layer):\n    def build(self, s):\n"
    "        self.w = self.add_weight('w', (2,))": [
        (4, "BT503", "'w' stands where the shape is expected",
         "self.add_weight(name='w', shape=(...))  # by name, it is right in both")
    ],
    # methods and attributes
    MODEL + "model.fit_generator(g)": [(4, "BT507", "model.fit_generator", "model.fit(generator)")],
    KERAS + "def make():\n    return keras.Sequential()\n\nmade = make()\nmade.predict_proba(x)": [
        (6, "BT507", "made.predict_proba", "model.predict(x)")
    ],
    KERAS + "class N:\n    def __init__(self):\n        self.m = keras.Sequential()\n"
    "    def use(self):\n        return self.m.optimizer.lr": [
        (6, "BT507", "self.m.optimizer.lr", "optimizer.learning_rate")
    ],
    MODEL + "for one in model.layers:\n    one.output_shape": [
        (5, "BT507", "one.output_shape", "layer.output.shape")
    ],
    # names of files and layers
    MODEL + "name = 'model'\nmodel.save(f'{name}/best')": [
        (5, "BT508", "'/best'",
         'model.save("best.keras")  # a SavedModel for TensorFlow alone: model.export("best")')
    ],
    "import os\n" + KERAS + "keras.callbacks.ModelCheckpoint(os.path.join(d, 'a.h5'), "
    "save_weights_only=True)": [
        (3, "BT508", "'a.h5'",
         'keras.callbacks.ModelCheckpoint("a.weights.h5", save_weights_only=True)')
    ],
    KERAS + "keras.layers.Dense(2, name=f'a/{n}')": [
        (2, "BT509", "f'a/{n}'", "name=f'a_{n}'")
    ],
    # symbols
    TF + "i = tf.keras.Input((3,))\nx = tf.keras.layers.Dense(2)(i)\ntf.concat([x, i], -1)": [
        (4, "BT308", "tf.concat", "keras.ops.concatenate(...)")
    ],
}  # fmt: skip

UNSURE = {
    KERAS + "def f(thing):\n    thing.predict_proba(x)": "BT507",
    KERAS + "def f(thing):\n    thing.reset_states()": "BT507",
    KERAS + "def f(scope):\n    scope.add_update(x)": "BT507",
    KERAS + "keras.layers.Dense(2, input_shape=(3,))": "BT504",
    KERAS + "def f(model):\n    model.load_weights('folder')": "BT508",
}

WELL = [
    # another package, or an object of one
    "import sklearn.svm\nfrom tensorflow import keras\n"
    "s = sklearn.svm.SVC()\ns.predict_proba(x)\ns.fit(x, workers=3)",
    "class Own:\n    pass\n\nOwn().fit_generator(x)",
    "import re\n" + KERAS + "re.compile('a', 0, ['b'])",
    "import tf_keras\ntf_keras.optimizers.legacy.Adam(lr=1)",
    KERAS + "text = 'a'\ntext.lr\n[1].weights",
    # both generations are thought of
    "try:\n    from keras.utils import np_utils\nexcept ImportError:\n    pass",
    KERAS + "if keras.__version__ < '3':\n    keras.backend.learning_phase()",
    KERAS + "if hasattr(keras, 'ops'):\n    pass\nelse:\n    def f():\n"
    "        keras.backend.learning_phase()",
    # what Keras 3 has
    TF + "tf.keras.backend.mean(x)",
    "from keras import backend as K\nK.epsilon(), K.clear_session(), K.image_data_format()",
    KERAS + "keras.Input((3,), batch_size=2)\nkeras.layers.Embedding(2, 3, weights=[w])",
    MODEL + "model.save('a.keras')\nmodel.save_weights('a.weights.h5')\nmodel.input_shape",
    MODEL + "model.load_weights(path)\nmodel.save(path)\nkeras.models.load_model('gs://a/b')",
    KERAS + "keras.layers.Dense(2, name='a.b')\nopen(name='a/b')",
    MODEL + "model.save('a.h5', save_format='h5')\nmodel.save_weights('a.weights.h5')",
    KERAS + "keras.losses.MeanSquaredError(reduction='sum')\nkeras.Input(shape=(20,))",
    # no symbol, as far as one can see
    TF + "class L(tf.keras.layers.Layer):\n    def call(self, x):\n"
    "        return tf.reduce_mean(x) + x.get_shape()[0]",
    TF + "x = tf.keras.Input((3,))\ndef loss(x):\n    return tf.square(x)",
    TF + "x = tf.keras.Input((3,))\ny = tf.keras.layers.Lambda(lambda x: tf.square(x))(x)",
    TF + "x = tf.keras.Input((3,))\nx = 3\ntf.square(x)",
    # no Keras at all
    "model.fit_generator(x)\nmodel.predict_classes(x)",
]


@pytest.mark.parametrize("code", FOUND)
def test_what_is_found(code):
    found = read(code)
    told = [(one.line, one.changed.code, one.shown, one.instead) for one in found]
    assert told == FOUND[code]
    assert {one.severity for one in found} == {"error"}


@pytest.mark.parametrize("code", UNSURE)
def test_what_may_be_meant_is_a_note(code):
    assert [(one.changed.code, one.severity) for one in read(code)] == [(UNSURE[code], "note")]


@pytest.mark.parametrize("code", WELL)
def test_what_is_well_is_left_alone(code):
    assert read(code) == ()


def test_what_is_no_python_is_refused():
    with pytest.raises(SyntaxError):
        read("def (")


def test_an_import_is_told_once():
    code = "from keras.utils import np_utils\nnp_utils.to_categorical(x)\nnp_utils.normalize(x)"
    assert [one.line for one in read(code)] == [1]


def test_uses_are_in_the_order_of_lines():
    code = MODEL + "def f():\n    model.fit_generator(g)\n\nmodel.predict_classes(x)"
    assert [one.line for one in read(code)] == [5, 7]
