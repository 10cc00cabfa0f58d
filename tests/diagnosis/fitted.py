"""Models that are compiled and fitted in many ways, all of them well: no rule says anything."""

from __future__ import annotations

SCRIPTS = {
    "several outputs, a list of losses": """
inputs = keras.Input((3,))
kinds = keras.layers.Dense(4, activation="softmax")(inputs)
sizes = keras.layers.Dense(2)(inputs)
model = keras.Model(inputs, [kinds, sizes])
model.compile("sgd", ["sparse_categorical_crossentropy", "mse"])
model.fit(x, [np.array([0, 3]), np.ones((2, 2))], verbose=0)
""",
    "several outputs, by name": """
inputs = keras.Input((3,))
outputs = {
    "kinds": keras.layers.Dense(4, activation="softmax", name="kinds")(inputs),
    "sizes": keras.layers.Dense(1, name="sizes")(inputs),
}
model = keras.Model(inputs, outputs)
losses = {"kinds": "sparse_categorical_crossentropy", "sizes": "huber"}
model.compile("adam", losses, metrics={"kinds": "accuracy"})
model.fit(x, {"kinds": np.array([0, 3]), "sizes": np.ones((2,))}, verbose=0)
""",
    "an output without a loss": """
inputs = keras.Input((3,))
model = keras.Model(inputs, [keras.layers.Dense(1)(inputs), keras.layers.Dense(7)(inputs)])
model.compile("sgd", ["mse", None])
model.fit(x, [np.ones((2, 1)), np.ones((2, 7))], verbose=0)
""",
    "inputs by name": """
inputs = {"left": keras.Input((3,), name="left"), "right": keras.Input((2,), name="right")}
both = keras.layers.Concatenate()([inputs["left"], inputs["right"]])
model = keras.Model(inputs, keras.layers.Dense(1)(both))
model.compile("sgd", "mse")
model.fit({"left": x, "right": np.ones((2, 2))}, np.ones((2, 1)), verbose=0)
""",
    "a masked sequence, a target for each step": """
model = keras.Sequential([
    keras.Input((5,), dtype="int32"),
    keras.layers.Embedding(9, 4, mask_zero=True),
    keras.layers.LSTM(6, return_sequences=True),
    keras.layers.Dense(9, activation="softmax"),
])
model.compile("sgd", "sparse_categorical_crossentropy")
words = np.array([[1, 2, 3, 0, 0], [4, 5, 6, 7, 8]])
model.fit(words, words, verbose=0)
""",
    "weights of samples": """
model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
model.compile("sgd", "mae", weighted_metrics=["mse"])
model.fit(x, np.ones((2, 1)), sample_weight=np.array([1.0, 0.5]), verbose=0)
""",
    "weights of classes": """
model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, activation="softmax")])
model.compile("sgd", "sparse_categorical_crossentropy")
model.fit(x, np.array([0, 1]), class_weight={0: 1.0, 1: 3.0}, verbose=0)
""",
    "half precision": """
keras.mixed_precision.set_global_policy("mixed_float16")
model = keras.Sequential([
    keras.Input((3,)),
    keras.layers.Dense(4),
    keras.layers.Dense(4, activation="softmax", dtype="float32"),
])
model.compile("adam", "sparse_categorical_crossentropy")
model.fit(x, np.array([0, 3]), verbose=0)
""",
    "a function as the loss": """
def closest(target, output):
    return tf.reduce_mean(tf.reduce_min((target[:, None] - output) ** 2, axis=-1))


model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4)])
model.compile("sgd", closest)
model.fit(x, np.ones((2, 4)), verbose=0)
""",
    "a class as the loss, which brings the shapes together": """
class First(keras.losses.Loss):
    def call(self, target, output):
        return tf.square(tf.reshape(target, (-1,)) - output[:, 0])


model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4)])
model.compile("sgd", First())
model.fit(x, np.ones((2, 1)), verbose=0)
""",
    "a metric of one's own": """
class Largest(keras.metrics.Metric):
    def __init__(self):
        super().__init__(name="largest")
        self.value = self.add_weight(name="value", shape=(), initializer="zeros")

    def update_state(self, target, output, sample_weight=None):
        self.value.assign(tf.maximum(tf.cast(self.value, output.dtype), tf.reduce_max(output)))

    def result(self):
        return tf.convert_to_tensor(self.value)


model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
model.compile("sgd", "mse", metrics=[Largest()])
model.fit(x, np.ones((2, 1)), verbose=0)
""",
    "a loss that a layer adds": """
class Small(keras.layers.Layer):
    def call(self, x):
        self.add_loss(tf.reduce_mean(tf.square(x)))
        return x


model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1), Small()])
model.compile("sgd", "mse")
model.fit(x, np.ones((2, 1)), verbose=0)
""",
    "a step of one's own with two optimizers": """
class Two(keras.Model):
    def __init__(self):
        super().__init__()
        self.first, self.second = keras.layers.Dense(4), keras.layers.Dense(1)

    def call(self, x):
        return self.second(self.first(x))

    def compile(self, one, other, **more):
        super().compile(**more)
        self.one, self.other = one, other

    def train_step(self, batch):
        data, target = batch
        with tf.GradientTape(persistent=True) as tape:
            loss = tf.reduce_mean((self(data) - target) ** 2)
        for part, optimizer in ((self.first, self.one), (self.second, self.other)):
            weights = part.trainable_variables
            optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights))
        return {"loss": loss}


model = Two()
model(x)
model.compile(keras.optimizers.SGD(0.1), keras.optimizers.Adam())
model.fit(x, np.ones((2, 1), "float32"), verbose=0)
""",
    "a class for each point of an image": """
model = keras.Sequential([
    keras.Input((6, 6, 3)),
    keras.layers.Conv2D(4, 3, padding="same", activation="softmax"),
])
model.compile("sgd", "sparse_categorical_crossentropy")
model.fit(np.ones((2, 6, 6, 3)), np.zeros((2, 6, 6)), verbose=0)
""",
    "yes or no, as a list of numbers": """
model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, activation="sigmoid")])
model.compile("sgd", "binary_crossentropy", metrics=["accuracy"])
model.fit(x, np.array([0, 1]), verbose=0)
""",
    "several labels": """
model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(5, activation="sigmoid")])
model.compile("sgd", "binary_crossentropy")
model.fit(x, np.ones((2, 5)), verbose=0)
""",
    "logits": """
model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4)])
model.compile("sgd", keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1))
model.fit(x, np.eye(4)[:2], verbose=0)
""",
    "an activation as a layer": """
model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4), keras.layers.Softmax()])
model.compile("sgd", "categorical_crossentropy")
model.fit(x, np.eye(4)[:2], verbose=0)
""",
    "an activation as a function": """
inputs = keras.Input((3,))
model = keras.Model(inputs, keras.activations.softmax(keras.layers.Dense(4)(inputs)))
model.compile("sgd", "categorical_crossentropy")
model.fit(x, np.eye(4)[:2], verbose=0)
""",
    "a pipeline": """
pairs = tf.data.Dataset.from_tensor_slices((np.ones((8, 3)), np.ones((8,)))).batch(4)
model = keras.Sequential([keras.layers.Dense(4, activation="relu"), keras.layers.Dense(1)])
model.compile("rmsprop", "mse")
model.fit(pairs, epochs=2, verbose=0)
""",
    "batch by batch": """
model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
model.compile("sgd", "mse")
for _ in range(3):
    model.train_on_batch(x, np.ones((2, 1)))
""",
    "frozen before it is compiled": """
base = keras.layers.Dense(4)
model = keras.Sequential([keras.Input((3,)), base, keras.layers.Dense(1)])
base.trainable = False
model.compile("sgd", "mse")
model.fit(x, np.ones((2, 1)), verbose=0)
base.trainable = True
model.compile(keras.optimizers.SGD(1e-3), "mse")
model.fit(x, np.ones((2, 1)), verbose=0)
""",
    "angles between vectors": """
model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4)])
model.compile("sgd", keras.losses.CosineSimilarity())
model.fit(x, np.ones((2, 4)), verbose=0)
""",
    "one unit, kept in by softmax over another axis": """
inputs = keras.Input((5, 1))
weights = keras.layers.Softmax(axis=1)(keras.layers.Dense(1)(inputs))
model = keras.Model(inputs, weights)
model.compile("sgd", "mse")
model.fit(np.ones((2, 5, 1)), np.ones((2, 5, 1)), verbose=0)
""",
}
