"""What Keras 2 has kept for older programs: its earlier optimizers, and weights by name."""

import numpy as np
import tensorflow as tf

keras = tf.keras

model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, name="digits")], name="mlp")
model.compile(keras.optimizers.legacy.Adam(), "mse")
model.fit(np.ones((8, 4)), np.ones((8, 2)), verbose=0)
model.save_weights("mlp.h5")
model.load_weights("mlp.h5", by_name=True)
