"""ResNet50 from keras.applications: 177 layers, with random weights, nothing downloaded.

buildtrace -m buildtrace.examples.resnet50
buildtrace -o resnet50.svg -m buildtrace.examples.resnet50
"""

import tensorflow as tf

keras = tf.keras

model = keras.applications.ResNet50(weights=None)
print(f"{model.name}: {len(model.layers)} layers, {model.count_params():,} parameters")
