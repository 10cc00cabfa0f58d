"""The model of the article "Model build operation process": an MLP for the MNIST digits.

Two dense layers, built by `model.build` before the first data arrives:
784 x 512 + 512 and 512 x 10 + 10 make 407,050 parameters.

    buildtrace -m buildtrace.examples.mnist_mlp
    buildtrace --keras 2 --view steps --explain -m buildtrace.examples.mnist_mlp
"""

import numpy as np
import tensorflow as tf

keras = tf.keras

# The layers know how many units they have, but not yet the size of their input: no weights.
model = keras.Sequential(
    [
        keras.layers.Dense(512, activation="relu"),
        keras.layers.Dense(10, activation="softmax"),
    ]
)

# This is what buildtrace shows: now the weights are made and the layers are connected.
model.build(input_shape=(None, 784))
model.summary()

# Numbers of the same shape as MNIST, so that nothing has to be downloaded.
rng = np.random.default_rng(0)
images = rng.random((256, 784), dtype="float32")
labels = rng.integers(0, 10, size=256)

# Compiling and fitting build no layer, but the loss, the metrics and the optimizer.
model.compile(optimizer="rmsprop", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
model.fit(images, labels, epochs=1, batch_size=128, verbose=2)
