"""Names of files and of layers that are not taken any more, by what they look like."""

from __future__ import annotations

from buildtrace.diagnosis.migration.changed import FILE, SLASH, Changed

_SAVING = "saving/saving_api.py of keras 3.15.1"
_CHECKPOINT = "callbacks/model_checkpoint.py of keras 3.15.1"
_GUIDE = "keras.io/guides/migrating_to_keras_3"

SAVED_WEIGHTS = Changed(
    FILE, "save_weights", 'model.save_weights("{stem}.weights.h5")', source=_SAVING
)
LOADED_WEIGHTS = Changed(
    FILE,
    "load_weights",
    'model.load_weights("{stem}.weights.h5")  # a file that Keras 3 or 2 saved under such a name;\n'
    "# of a checkpoint of TensorFlow: load it with tf_keras, and save that",
    source=_SAVING,
)
SAVED_MODEL = Changed(
    FILE,
    "save",
    'model.save("{stem}.keras")  # a SavedModel for TensorFlow alone: model.export("{stem}")',
    source=_GUIDE,
)
LOADED_MODEL = Changed(
    FILE,
    "load_model",
    'keras.layers.TFSMLayer("{stem}", call_endpoint="serving_default")  # what it computes;\n'
    '# to have its layers: tf_keras.models.load_model("{stem}").save("{stem}.keras")',
    source=_GUIDE,
)
CHECKPOINT_OF_WEIGHTS = Changed(
    FILE,
    "ModelCheckpoint",
    'keras.callbacks.ModelCheckpoint("{stem}.weights.h5", save_weights_only=True)',
    source=_CHECKPOINT,
)
CHECKPOINT = Changed(
    FILE, "ModelCheckpoint", 'keras.callbacks.ModelCheckpoint("{stem}.keras")', source=_CHECKPOINT
)
NAME_WITH_SLASH = Changed(
    SLASH, "name", "name={value}", source="KerasSaveable and Operation in keras 3.15.1"
)

CHANGED_TEXTS = (
    SAVED_WEIGHTS,
    LOADED_WEIGHTS,
    SAVED_MODEL,
    LOADED_MODEL,
    CHECKPOINT_OF_WEIGHTS,
    CHECKPOINT,
    NAME_WITH_SLASH,
)
