"""A model is saved and loaded, in the files that Keras has had."""

import tensorflow as tf

keras = tf.keras


def stack():
    """A small model, each time the same one."""
    return keras.Sequential(
        [
            keras.Input((784,)),
            keras.layers.Dense(64, activation="relu", name="hidden"),
            keras.layers.Dense(10, name="digits"),
        ],
        name="mlp",
    )


model = stack()
model.compile("adam", keras.losses.MeanSquaredError())
model.save("mlp.keras")
model.save("mlp.h5")
model.save_weights("mlp.weights.h5")

keras.models.load_model("mlp.keras")
keras.models.load_model("mlp.h5")
stack().load_weights("mlp.weights.h5")
stack().load_weights("mlp.h5", by_name=True)
