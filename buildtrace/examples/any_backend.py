"""A model on whichever backend Keras 3 has: TensorFlow, JAX or Torch.

The other examples use `tf.keras`, so that they also run on Keras 2. This one needs no TensorFlow:

    KERAS_BACKEND=jax buildtrace -m buildtrace.examples.any_backend
    buildtrace diff --backend jax,torch -m buildtrace.examples.any_backend
"""

import keras
import numpy as np


class Scale(keras.layers.Layer):
    """Multiplies its input with a number for each feature, which it learns."""

    def build(self, input_shape):
        """Make a factor for each feature."""
        self.factors = self.add_weight(shape=input_shape[-1:], initializer="ones", name="factors")

    def call(self, inputs):
        """Scale the inputs."""
        return keras.ops.multiply(inputs, self.factors)


inputs = keras.Input((32,))
hidden = keras.layers.Dense(16, activation="relu")(Scale()(inputs))
model = keras.Model(inputs, keras.layers.Dense(1)(hidden))
model.compile(optimizer="sgd", loss="mse")

rng = np.random.default_rng(0)
images, labels = rng.random((64, 32), dtype="float32"), rng.random((64, 1), dtype="float32")
model.fit(images, labels, epochs=1, batch_size=32, verbose=2)
