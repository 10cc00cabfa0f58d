"""The edits that rules give of their bad scripts, by the lines that come."""

from __future__ import annotations

from buildtrace.diagnosis.edited import edited

COME = {
    "BT102": ["block(keras.ops.zeros((1, 3)))"],
    "BT103": ["self.dense.build(input_shape)"],
    "BT105": ["super().build(input_shape)"],
    "BT106": ["pair(keras.ops.zeros((1, 3)), keras.ops.zeros((1, 3)))"],
    "BT205": ["super().__init__()"],
    "BT208": ["self.my_losses = []"],
    "BT210": ["model.compile_from_config(model.get_compile_config())"],
    "BT214": ["dense,"],
    "BT221": [
        "def call(self, x, training=None):",
        "return tf.nn.dropout(x, 0.5) if training else x",
    ],
    "BT302": [
        "model = keras.Sequential([keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(4)])"
    ],
    "BT305": ["return x + tf.zeros((keras.ops.shape(x)[0], 3))"],
    "BT306": ["x = keras.layers.LSTM(16, return_sequences=True)(inputs)"],
    "BT307": [
        "def __init__(self, **kwargs):",
        "super().__init__(**kwargs)",
        "self.supports_masking = True",
    ],
    "BT308": ["x = keras.ops.sqrt(inputs)"],
    "BT309": ['x = keras.layers.Conv2D(8, 5, padding="same")(x)'],
    "BT312": ['inputs = keras.Input((8, 8, 1), dtype="float32")'],
    "BT320": ["keras.layers.Embedding(6, 4),"],
    "BT321": ['x = keras.layers.Conv2D(8, 3, padding="same")(inputs)'],
    "BT323": ['self.w = self.add_weight(name="w", shape=(input_shape[-1], 4))'],
    "BT324": ["keras.layers.LSTM(4, return_sequences=True),"],
    "BT330": ["return x + keras.ops.cast(self.table, x.dtype)"],
    "BT340": ["x = keras.layers.GlobalAveragePooling1D()(x)"],
    "BT347": [
        'model = keras.Sequential([keras.Input((1,), dtype="string"), '
        "keras.layers.Hashing(8, input_shape=(1,)), keras.layers.Embedding(8, 2)])"
    ],
    "BT401": ['outputs = keras.layers.Dense(4, name="fc_2")(x)'],
    "BT410": ["columns.append(keras.layers.Lambda(lambda t, i=i: t[:, i : i + 1])(inputs))"],
    "BT411": ["old = keras.Model(old.inputs, old.layers[-2].output)"],
    "BT342": ['ids = keras.Input((3,), dtype="int32")'],
    "BT343": ["normalization = keras.layers.Normalization(axis=None)"],
    "BT344": ["model.fit(data.batch(4), validation_data=data.batch(32), verbose=0)"],
    "BT345": ["decoder = keras.layers.GRU(16, return_sequences=True)"],
    "BT346": ["outputs = attention(words, words, attention_mask=known[:, None, :])"],
    "BT414": [
        "output, forward_h, forward_c, backward_h, backward_c = encoder(words)",
        "h = keras.layers.Concatenate()([forward_h, backward_h])",
        "c = keras.layers.Concatenate()([forward_c, backward_c])",
    ],
    "BT503": ['self.w = self.add_weight(name="w", shape=shape, initializer="ones")'],
    "BT701": ['model.compile("sgd", "sparse_categorical_crossentropy")'],
    "BT703": ['model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))'],
    "BT704": [
        "model = keras.Sequential("
        "[keras.Input((1,)), keras.layers.Dense(7), keras.layers.Dense(1)])"
    ],
    "BT706": ["model.fit(x, y - 1, verbose=0)"],
    "BT707": ['model.compile("sgd", losses, metrics={"kind": "accuracy"})'],
    "BT708": [
        'stop = keras.callbacks.EarlyStopping(monitor="val_accuracy", mode="max", patience=2)'
    ],
    "BT709": [
        'model.compile("adam", loss, metrics='
        '[keras.metrics.BinaryAccuracy("accuracy", threshold=0.0)])'
    ],
    "BT712": ["model.fit(words, tags, sample_weight=np.array([0.1, 0.9])[tags], verbose=0)"],
    "BT804": ['keras.models.load_model(path, custom_objects={"capped": capped})'],
    "BT805": [
        "@keras.utils.register_keras_serializable()",
        "class MyLambda(keras.layers.Layer):",
        "def call(self, t):",
        "return t * 2.0",
        "outputs = MyLambda()(x)",
    ],
    "BT901": ['layout_map[".*dense.*/kernel"] = (None, "model")'],
    "BT902": ['layout_map[".*dense.*/kernel"] = (None, "model")'],
    "BT801": ['return {**super().get_config(), "factor": self.factor}'],
}
"""Rule → the lines that its edits put into its bad script."""

ON_KERAS_2 = {
    "BT305": ["return x + tf.zeros((tf.shape(x)[0], 3))"],
    "BT330": ["return x + tf.cast(self.table, x.dtype)"],
    "BT503": ['self.w = self.add_weight(shape=shape, initializer="ones")'],
}
"""The same, where Keras 2 has another remedy."""

WORDS_ON = {"keras2": {"BT102", "BT106", "BT308"}, "keras3": set()}
"""Rules that have no edit there: it is not known what the layer takes, or what to call instead."""


def come(generation, code):
    """The lines that are to come."""
    if code in WORDS_ON.get(generation, ()):
        return []
    usual = COME.get(code, [])
    return ON_KERAS_2.get(code, usual) if generation == "keras2" else usual


def lines_that_come(before, after):
    """The lines of a text that another one has not, without their indents and empty ones."""
    left = before.split("\n")
    new = []
    for line in after.split("\n"):
        if line in left:
            left.remove(line)
        else:
            new.append(line.strip())
    return [line for line in new if line]


def generation_of(rule):
    """The newest generation that a rule has edits on; `None` if it is told in words."""
    names = (rule.backend,) if rule.backend else rule.generations
    found = [name for name in names if come(name, rule.code)]
    return found[-1] if found else None


def made(source, finding):
    """A script with the edits of a finding; it is Python still."""
    text = edited(source, finding.edits)
    assert text is not None
    compile(text, "<edited>", "exec")
    return text
