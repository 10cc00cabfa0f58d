"""A model, a metric and an optimizer of one's own, trained as one would on several devices."""

import numpy as np
import tensorflow as tf

keras = tf.keras


class Model(keras.Model):
    """One layer, in a class."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.digits = keras.layers.Dense(2, name="digits")

    def call(self, x):
        """Call the layer."""
        return self.digits(x)


class Largest(keras.metrics.Metric):
    """The largest prediction of all batches."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.largest = self.add_weight(name="largest", shape=(), initializer="zeros")

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Take in a batch."""
        self.largest.assign(tf.maximum(self.largest, tf.reduce_max(y_pred)))

    def result(self):
        """Give what was found."""
        return self.largest


with tf.distribute.MirroredStrategy().scope():
    optimizer = keras.optimizers.SGD()
    optimizer.add_variable(shape=(), dtype="float32", name="skipped")
    model = Model(name="own")
    model.compile(optimizer, "mse", metrics=[Largest(name="largest")])
model.fit(np.ones((8, 4)), np.ones((8, 2)), verbose=0)
model.save("own.keras")
keras.models.load_model("own.keras", custom_objects={"Model": Model}, compile=False)
