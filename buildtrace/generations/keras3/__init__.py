"""Keras 3: the package keras from 3.0, on any backend, and tf.keras from TensorFlow 2.16."""

from __future__ import annotations

from buildtrace.generations.base import Generation
from buildtrace.generations.keras3.landmarks import LANDMARKS
from buildtrace.generations.keras3.training import TRAINING

KERAS3 = Generation(
    name="keras3",
    title="Keras 3",
    packages=("keras",),
    landmarks=LANDMARKS,
    training=TRAINING,
    adapter="keras3.adapter",
    making="models.model:Model.__init__",
    distributions="distribution.distribution_lib",
    stateless="backend.common.stateless_scope:StatelessScope",
    uses=(
        ("Model.summary", "models.model:Model.summary"),
        ("Model.save", "models.model:Model.save"),
        ("Model.save_weights", "models.model:Model.save_weights"),
        ("Model.load_weights", "models.model:Model.load_weights"),
        ("Model.compile", "trainers.trainer:Trainer.compile"),
        ("model_to_dot", "utils.model_visualization:model_to_dot"),
        ("load_model", "saving.saving_api:load_model"),
    ),
)
