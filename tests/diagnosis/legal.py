"""Legal ways to build: scripts in which no rule has anything to warn of, on either Keras.

They are what experienced users write. Each is run as it stands.
"""

HEAD = """\
import os
import tempfile

import numpy as np
from tensorflow import keras

ones = np.ones((2, 3), "float32")
folder = tempfile.mkdtemp()
"""

COMPOSITE = """
@keras.utils.register_keras_serializable("legal")
class Block(keras.layers.Layer):
    def __init__(self, **options):
        super().__init__(**options)
        self.dense = keras.layers.Dense(3)

    def call(self, x):
        return self.dense(x)
"""

LAZY_CHILD = """
@keras.utils.register_keras_serializable("legal")
class Scaled(keras.layers.Layer):
    def __init__(self, **options):
        super().__init__(**options)
        self.dense = keras.layers.Dense(3)

    def build(self, input_shape):
        self.scale = self.add_weight(name="scale", shape=(1,), initializer="ones")
        super().build(input_shape)

    def call(self, x):
        return self.dense(x) * self.scale
"""

PROPER = """
@keras.utils.register_keras_serializable("legal")
class Proper(keras.layers.Layer):
    def __init__(self, **options):
        super().__init__(**options)
        self.inner = keras.layers.Dense(5)
        self.outer = keras.layers.Dense(3)

    def build(self, input_shape):
        self.inner.build(input_shape)
        self.outer.build((*input_shape[:-1], 5))
        super().build(input_shape)

    def call(self, x):
        return self.outer(self.inner(x))

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], 3)
"""

TRANSFORMER = """
@keras.utils.register_keras_serializable("legal")
class Transformer(keras.layers.Layer):
    def __init__(self, heads, width, **options):
        super().__init__(**options)
        self.heads, self.width = heads, width
        self.attention = keras.layers.MultiHeadAttention(heads, width // heads)
        self.first = keras.layers.Dense(4 * width, activation="relu")
        self.second = keras.layers.Dense(width)
        self.norms = [keras.layers.LayerNormalization() for _ in range(2)]
        self.dropout = keras.layers.Dropout(0.1)

    def get_config(self):
        return {**super().get_config(), "heads": self.heads, "width": self.width}

    def call(self, x, training=False):
        y = self.attention(x, x, training=training)
        x = self.norms[0](x + self.dropout(y, training=training))
        return self.norms[1](x + self.second(self.first(x)))
"""

SAVE_AND_LOAD = """
path = os.path.join(folder, "model.keras")
model.save(path)
again = keras.models.load_model(path)
again(ones)
path = os.path.join(folder, "model.weights.h5")
model.save_weights(path)
again.load_weights(path)
"""

SCRIPTS = {
    "nested models": """
inner = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4)])
middle = keras.Sequential([keras.Input((3,)), inner, keras.layers.Dense(4)])
x = keras.Input((3,))
model = keras.Model(x, keras.layers.Dense(1)(middle(x)))
model.summary()
"""
    + SAVE_AND_LOAD,
    "built by build": """
model = keras.Sequential([keras.layers.Dense(4), keras.layers.Dense(1)])
model.build((None, 3))
model.summary()
"""
    + SAVE_AND_LOAD,
    "built by fit": """
model = keras.Sequential([keras.layers.Dense(4), keras.layers.Dense(1)])
model.compile("sgd", "mse")
model.fit(ones, np.ones((2, 1), "float32"), verbose=0)
model.summary()
"""
    + SAVE_AND_LOAD,
    "a block without build in a functional model": COMPOSITE
    + """
x = keras.Input((3,))
model = keras.Model(x, Block()(Block()(x)))
"""
    + SAVE_AND_LOAD
    + """
keras.models.clone_model(model).summary()
keras.Model.from_config(model.get_config())
""",
    "a block without build in a Sequential": COMPOSITE
    + """
model = keras.Sequential([Block(), Block()])
model(ones)
"""
    + SAVE_AND_LOAD,
    "a block with a lazy child in a functional model": LAZY_CHILD
    + """
x = keras.Input((3,))
model = keras.Model(x, Scaled()(Scaled()(x)))
"""
    + SAVE_AND_LOAD,
    "a block with a lazy child, alone": LAZY_CHILD
    + """
Scaled()(ones)
""",
    "a model with a lazy child of which weights are saved": LAZY_CHILD
    + """
class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.block = Scaled()

    def build(self, input_shape):
        self.shift = self.add_weight(name="shift", shape=(), initializer="zeros")
        self.built = True

    def call(self, x):
        return self.block(x) + self.shift

net = Net()
net(ones)
net.save_weights(os.path.join(folder, "model.weights.h5"))
fresh = Net()
fresh(ones)
fresh.load_weights(os.path.join(folder, "model.weights.h5"))
""",
    "a block that builds its children": PROPER
    + """
block = Proper()
block.build((None, 3))
block(ones)
x = keras.Input((3,))
model = keras.Model(x, Proper()(x))
"""
    + SAVE_AND_LOAD,
    "a model that builds its children": PROPER
    + """
@keras.utils.register_keras_serializable("legal")
class Net(keras.Model):
    def __init__(self, **options):
        super().__init__(**options)
        self.block = Proper()

    def build(self, input_shape):
        if not self.block.built:
            self.block.build(input_shape)
        self.built = True

    def call(self, x):
        return self.block(x)

model = Net()
model(ones)
"""
    + SAVE_AND_LOAD,
    "a subclassed model without build": COMPOSITE
    + """
@keras.utils.register_keras_serializable("legal")
class Net(keras.Model):
    def __init__(self, **options):
        super().__init__(**options)
        self.block = Block()

    def call(self, x, training=None):
        return self.block(x)

model = Net()
model(ones)
model.summary()
model.save_weights(os.path.join(folder, "model.weights.h5"))
fresh = Net()
fresh(ones)
fresh.load_weights(os.path.join(folder, "model.weights.h5"))
""",
    "wrappers": COMPOSITE
    + PROPER
    + """
x = keras.Input((5, 3))
y = keras.layers.TimeDistributed(Proper())(x)
y = keras.layers.TimeDistributed(keras.layers.Dense(3))(y)
y = keras.layers.Bidirectional(keras.layers.LSTM(2, return_sequences=True))(y)
y = keras.layers.Bidirectional(keras.layers.GRU(2))(y)
model = keras.Model(x, y)
model(np.ones((2, 5, 3), "float32"))
""",
    "weights made in __init__": """
class Scale(keras.layers.Layer):
    def __init__(self, **options):
        super().__init__(**options)
        self.scale = self.add_weight(name="scale", shape=(), initializer="ones")

    def call(self, x):
        return x * self.scale

x = keras.Input((3,))
model = keras.Model(x, Scale()(x))
layer = Scale()
layer.build((None, 3))
layer(ones)
""",
    "shared layers": PROPER
    + """
shared = Proper()
a, b = keras.Input((3,)), keras.Input((3,))
model = keras.Model([a, b], keras.layers.Add()([shared(a), shared(b)]))
""",
    "a layer used in two models": """
dense = keras.layers.Dense(3)
first = keras.Sequential([keras.Input((3,)), dense])
second = keras.Sequential([keras.Input((3,)), dense, keras.layers.Dense(1)])
second.summary()
""",
    "a custom cell": """
class Cell(keras.layers.Layer):
    def __init__(self, **options):
        super().__init__(**options)
        self.state_size = 3
        self.output_size = 3

    def build(self, input_shape):
        self.w = self.add_weight(name="w", shape=(input_shape[-1], 3))
        self.built = True

    def call(self, x, states):
        y = keras.activations.tanh(keras.backend.dot(x, self.w) + states[0])
        return y, [y]

x = keras.Input((5, 3))
model = keras.Model(x, keras.layers.RNN(Cell())(x))
model(np.ones((2, 5, 3), "float32"))
""",
    "a GAN": """
class GAN(keras.Model):
    def __init__(self, generator, discriminator):
        super().__init__()
        self.generator = generator
        self.discriminator = discriminator

    def train_step(self, data):
        self.discriminator(self.generator(data))
        return {"loss": 0.0}

generator = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4)])
discriminator = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
gan = GAN(generator, discriminator)
gan.compile("sgd")
gan.fit(ones, verbose=0)
generator.summary()
generator.save_weights(os.path.join(folder, "generator.weights.h5"))
""",
    "an exception that the model itself catches": """
class Careful(keras.layers.Layer):
    def __init__(self, **options):
        super().__init__(**options)
        self.first = keras.layers.Conv1D(2, 3)
        self.second = keras.layers.Dense(2)

    def build(self, input_shape):
        self.second.build(input_shape)
        super().build(input_shape)

    def call(self, x):
        try:
            return self.first(x)
        except ValueError:
            return self.second(x)

Careful()(ones)
""",
    "an exception that the script catches": """
dense = keras.layers.Dense(2)
dense(ones)
try:
    dense(np.ones((2, 5), "float32"))
except Exception as error:
    print(error)
model = keras.Sequential([dense])
try:
    keras.Sequential([keras.layers.Dense(2)]).build((None, None, None))
except Exception as error:
    print(error)
""",
    "layers with several inputs": """
class Cross(keras.layers.Layer):
    def build(self, input_shape):
        self.w = self.add_weight(name="w", shape=(3, 3))
        super().build(input_shape)

    def call(self, query, context=None, training=None):
        y = keras.backend.dot(query, self.w)
        return y if context is None else y + context

Cross()(ones, context=ones)
Cross()(ones, ones)
Cross()(ones, ones, training=True)
""",
    "preprocessing": """
normalization = keras.layers.Normalization()
normalization.adapt(ones)
normalization.adapt(ones * 2)
x = keras.Input((3,))
model = keras.Model(x, keras.layers.Dense(1)(normalization(x)))
model.summary()
""",
    "attention": """
x = keras.Input((5, 8))
y = keras.layers.MultiHeadAttention(2, 4)(x, x)
y = keras.layers.LayerNormalization()(x + y)
y = keras.layers.Dropout(0.1)(y)
model = keras.Model(x, keras.layers.GlobalAveragePooling1D()(y))
model(np.ones((2, 5, 8), "float32"))
""",
    "a model that does not need all its layers": """
class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(2)
        self.dropout = keras.layers.Dropout(0.5)

    def build(self, input_shape):
        self.dense.build(input_shape)
        self.built = True

    def call(self, x, training=False):
        return self.dropout(self.dense(x), training=training)

net = Net()
net.build((None, 3))
net.summary()
net(ones)
""",
    "a stack of transformer blocks": TRANSFORMER
    + """
x = keras.Input((5,), dtype="int32")
y = keras.layers.Embedding(10, 8)(x)
for _ in range(2):
    y = Transformer(2, 8)(y)
model = keras.Model(x, keras.layers.Dense(1)(y[:, 0]))
model.compile("adam", "mse")
model.fit(np.ones((4, 5), "int32"), np.ones((4, 1), "float32"), verbose=0)
path = os.path.join(folder, "model.keras")
model.save(path)
keras.models.load_model(path)
""",
    "a transformer as a subclassed model": TRANSFORMER
    + """
class Encoder(keras.Model):
    def __init__(self, depth):
        super().__init__()
        self.embedding = keras.layers.Embedding(10, 8)
        self.blocks = [Transformer(2, 8) for _ in range(depth)]
        self.head = keras.layers.Dense(1)

    def call(self, tokens, training=False):
        y = self.embedding(tokens)
        for block in self.blocks:
            y = block(y, training=training)
        return self.head(y[:, 0])

encoder = Encoder(2)
encoder.compile("adam", "mse")
encoder.fit(np.ones((4, 5), "int32"), np.ones((4, 1), "float32"), verbose=0)
encoder.summary()
encoder.save_weights(os.path.join(folder, "encoder.weights.h5"))
""",
    "a VAE with a train_step of its own": """
import tensorflow as tf

class Sampling(keras.layers.Layer):
    def call(self, inputs):
        mean, spread = inputs
        return mean + tf.exp(0.5 * spread) * tf.random.normal(tf.shape(mean))

class VAE(keras.Model):
    def __init__(self, encoder, decoder):
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder
        self.tracker = keras.metrics.Mean(name="loss")

    @property
    def metrics(self):
        return [self.tracker]

    def train_step(self, data):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(data - self.decoder(self.encoder(data))))
        weights = self.encoder.trainable_weights + self.decoder.trainable_weights
        self.optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights))
        self.tracker.update_state(loss)
        return {"loss": self.tracker.result()}

x = keras.Input((3,))
encoder = keras.Model(x, Sampling()([keras.layers.Dense(2)(x), keras.layers.Dense(2)(x)]))
decoder = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
vae = VAE(encoder, decoder)
vae.compile("adam")
vae.fit(ones, verbose=0)
""",
    "a GAN with a train_step of its own": """
import tensorflow as tf

class GAN(keras.Model):
    def __init__(self):
        super().__init__()
        self.generator = keras.Sequential([keras.layers.Dense(4), keras.layers.Dense(3)])
        self.critic = keras.Sequential([keras.layers.Dense(4), keras.layers.Dense(1)])

    def compile(self, g_optimizer, c_optimizer):
        super().compile()
        self.g_optimizer = g_optimizer
        self.c_optimizer = c_optimizer

    def train_step(self, real):
        noise = tf.random.normal((2, 2))
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(self.critic(real) - self.critic(self.generator(noise)))
        weights = self.critic.trainable_weights
        self.c_optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights))
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(self.critic(self.generator(noise)))
        weights = self.generator.trainable_weights
        self.g_optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights))
        return {"loss": loss}

gan = GAN()
gan.generator.build((None, 2))
gan.critic.build((None, 3))
gan.compile(keras.optimizers.SGD(), keras.optimizers.SGD())
gan.fit(ones, verbose=0)
gan.generator.summary()
""",
    "sequence to sequence": """
source, target = keras.Input((None, 4)), keras.Input((None, 4))
_, h, c = keras.layers.LSTM(3, return_state=True)(source)
y = keras.layers.LSTM(3, return_sequences=True)(target, initial_state=[h, c])
model = keras.Model([source, target], keras.layers.TimeDistributed(keras.layers.Dense(4))(y))
model([np.ones((2, 5, 4), "float32"), np.ones((2, 6, 4), "float32")])
""",
    "masks that are passed on": """
x = keras.Input((5,))
y = keras.layers.Embedding(10, 4, mask_zero=True)(x)
y = keras.layers.Dropout(0.1)(y)
y = keras.layers.Bidirectional(keras.layers.LSTM(3, return_sequences=True))(y)
model = keras.Model(x, keras.layers.GRU(2)(y))
model(np.ones((2, 5), "float32"))
""",
}
"""What it is → the script, without its head."""
