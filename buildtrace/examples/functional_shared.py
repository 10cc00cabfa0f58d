"""A functional model: two inputs, one layer that both share, and an operator between layers.

The shared layer is built once, by its first call, but it is called twice: two nodes in the
graph. `left - right` is no layer of ours, and still a node: Keras records the operation.

    buildtrace --view graph -m buildtrace.examples.functional_shared
    buildtrace -o shared.svg -m buildtrace.examples.functional_shared
"""

import tensorflow as tf

keras = tf.keras
layers = keras.layers

question = keras.Input(shape=(32,), name="question")
answer = keras.Input(shape=(32,), name="answer")

encoder = layers.Dense(16, activation="relu", name="encoder")
left = encoder(question)  # makes the weights
right = encoder(answer)  # uses them again

difference = left - right
both = layers.Concatenate(name="both")([left, right, difference])
score = layers.Dense(1, activation="sigmoid", name="score")(both)

model = keras.Model(inputs=[question, answer], outputs=score, name="matcher")
model.summary()
