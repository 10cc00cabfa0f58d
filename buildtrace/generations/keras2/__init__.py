"""Keras 2: tf.keras up to TensorFlow 2.15, and the package tf_keras."""

from __future__ import annotations

from buildtrace.generations.base import Generation
from buildtrace.generations.keras2.landmarks import LANDMARKS
from buildtrace.generations.keras2.training import TRAINING

KERAS2 = Generation(
    name="keras2",
    title="Keras 2",
    packages=("tf_keras", "keras"),
    landmarks=LANDMARKS,
    training=TRAINING,
    conversion="engine.base_layer:Layer._maybe_cast_inputs",
    adapter="keras2.adapter",
    making="engine.training:Model.__init__",
    table="layers.serialization:LOCAL.ALL_OBJECTS",
    uses=(
        ("Model.summary", "engine.training:Model.summary"),
        ("Model.save", "engine.training:Model.save"),
        ("Model.save_weights", "engine.training:Model.save_weights"),
        ("Model.load_weights", "engine.training:Model.load_weights"),
        ("Model.compile", "engine.training:Model.compile"),
        ("model_to_dot", "utils.vis_utils:model_to_dot"),
        ("load_model", "saving.saving_api:load_model"),
    ),
)
