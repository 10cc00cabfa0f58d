"""A subclassed model: its topology is whatever `call` does with the tensors.

Keras keeps no graph of such a model, and `plot_model` draws one box. buildtrace follows the
tensors from layer to layer, through the plain addition in `ResidualBlock.call` as well, and
into the model inside the model.

    buildtrace --view graph -m buildtrace.examples.subclassed
"""

import tensorflow as tf

keras = tf.keras
layers = keras.layers


class ResidualBlock(layers.Layer):
    """Two dense layers, and a way around them."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.first = layers.Dense(units, activation="relu", name="first")
        self.second = layers.Dense(units, name="second")

    def build(self, input_shape):
        """Build the layers inside, so that the block has its weights once it is built."""
        self.first.build(input_shape)
        self.second.build(self.first.compute_output_shape(input_shape))
        super().build(input_shape)

    def call(self, x):
        """Add what went through the layers to what went around them."""
        return x + self.second(self.first(x))

    def compute_output_shape(self, input_shape):
        """Leave the shape as it is."""
        return input_shape


class Encoder(keras.Model):
    """A stem and two residual blocks."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.stem = layers.Dense(units, name="stem")
        self.blocks = [ResidualBlock(units, name=f"block{i}") for i in range(2)]

    def call(self, x):
        """Go through the stem, then through one block after the other."""
        x = self.stem(x)
        for block in self.blocks:
            x = block(x)
        return x


class Classifier(keras.Model):
    """A model in a model: an encoder, and a head that decides."""

    def __init__(self, classes, **kwargs):
        super().__init__(**kwargs)
        self.encoder = Encoder(64, name="encoder")
        self.head = layers.Dense(classes, activation="softmax", name="head")

    def call(self, x):
        """Encode, then decide."""
        return self.head(self.encoder(x))


model = Classifier(10, name="classifier")
# Calling the model on a symbolic input builds all that is inside, on either Keras.
model(keras.Input(shape=(784,)))
model.summary()
