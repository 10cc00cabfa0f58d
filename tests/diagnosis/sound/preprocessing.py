"""Layers that prepare data: adapted, with vocabularies, in a model and in a pipeline of data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from diagnosis.sound.tools import fit, ones, save_and_load, sound, tensorflow

if TYPE_CHECKING:
    from pathlib import Path

    from scenarios import Keras


@sound()
def normalization(k: Keras, folder: Path) -> None:
    adapted = k.layers.Normalization()
    adapted.adapt(ones(8, 3))
    model = k.Sequential([k.Input((3,)), adapted, k.layers.Dense(1)])
    fit(model, ones(4, 3), ones(4, 1))
    save_and_load(k, model, folder)
    k.layers.Normalization(mean=0.0, variance=1.0)(ones(2, 3))
    k.layers.Normalization(axis=None, mean=2.0, variance=4.0)(ones(2, 3))
    again = k.layers.Normalization()
    again.build((None, 3))
    again.adapt(ones(4, 3))
    again.adapt(ones(8, 3))


@sound()
def text(k: Keras, folder: Path) -> None:
    tf = tensorflow()
    vectorize = k.layers.TextVectorization(max_tokens=20, output_sequence_length=4)
    vectorize.adapt(["a b c", "b c d"])
    x = k.keras.Input((1,), dtype="string")
    y = k.layers.Embedding(20, 3, mask_zero=True)(vectorize(x))
    model = k.Model(x, k.layers.LSTM(2)(y))
    model(tf.constant([["a b"], ["c"]]))
    data = tf.data.Dataset.from_tensor_slices(["a b", "c d"]).batch(2).map(vectorize)
    assert len(list(data)) == 1


@sound()
def lookups(k: Keras, folder: Path) -> None:
    tf = tensorflow()
    words = k.layers.StringLookup(vocabulary=["a", "b"])
    numbers = k.layers.IntegerLookup()
    numbers.adapt(np.array([1, 5, 5, 7]))
    back = k.layers.StringLookup(vocabulary=["a", "b"], invert=True)
    back(words(tf.constant(["a", "z"])))
    numbers(np.array([5, 9]))
    k.layers.StringLookup(vocabulary=["a"], output_mode="one_hot")(tf.constant(["a"]))
    x = k.keras.Input((1,), dtype="string")
    k.Model(x, k.layers.Dense(1)(k.layers.Flatten()(k.layers.Embedding(3, 2)(words(x)))))


@sound()
def categories(k: Keras, folder: Path) -> None:
    discrete = k.layers.Discretization(num_bins=3)
    discrete.adapt(np.arange(9.0))
    discrete(np.array([1.0, 5.0]))
    k.layers.Discretization(bin_boundaries=[0.0, 1.0])(ones(2, 1))
    k.layers.CategoryEncoding(num_tokens=4, output_mode="multi_hot")(np.array([[1, 2]]))
    k.layers.Hashing(num_bins=3)(tensorflow().constant(["a", "b"]))
    k.layers.HashedCrossing(num_bins=3)((np.array([1, 2]), np.array([3, 4])))


@sound()
def augmentation(k: Keras, folder: Path) -> None:
    L = k.layers  # noqa: N806
    augment = k.Sequential(
        [
            L.Resizing(10, 10),
            L.Rescaling(1 / 255),
            L.RandomFlip("horizontal"),
            L.RandomRotation(0.1),
            L.RandomZoom(0.1),
            L.RandomTranslation(0.1, 0.1),
            L.RandomContrast(0.1),
            L.RandomCrop(8, 8),
            L.CenterCrop(6, 6),
        ]
    )
    x = k.Input((12, 12, 3))
    y = L.Flatten()(augment(x))
    model = k.Model(x, L.Dense(1)(y))
    model(ones(2, 12, 12, 3))


@sound()
def augmentation_in_a_pipeline(k: Keras, folder: Path) -> None:
    tf = tensorflow()
    augment = k.Sequential([k.layers.Rescaling(1 / 255), k.layers.RandomFlip()])
    data = tf.data.Dataset.from_tensor_slices((ones(8, 6, 6, 3), ones(8, 1))).batch(2)
    data = data.map(lambda x, y: (augment(x, training=True), y), num_parallel_calls=2)
    model = k.Sequential([k.layers.Conv2D(2, 3), k.layers.Flatten(), k.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(data.prefetch(1), epochs=1, verbose=0)


@sound()
def feature_space(k: Keras, folder: Path) -> None:
    tf = tensorflow()
    data = {"size": ones(8), "kind": np.array(["a", "b"] * 4), "number": np.arange(8)}
    space = k.keras.utils.FeatureSpace(
        features={
            "size": k.keras.utils.FeatureSpace.float_normalized(),
            "kind": k.keras.utils.FeatureSpace.string_categorical(num_oov_indices=0),
            "number": k.keras.utils.FeatureSpace.integer_categorical(),
        },
        output_mode="concat",
    )
    space.adapt(tf.data.Dataset.from_tensor_slices(data).batch(4))
    encoded = space.get_encoded_features()
    k.Model(encoded, k.layers.Dense(1)(encoded))
    k.Model(space.get_inputs(), k.layers.Dense(1)(encoded))


@sound()
def preprocessing_in_the_users_model(k: Keras, folder: Path) -> None:
    class Pipeline(k.keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.norm = k.layers.Normalization()
            self.flip = k.layers.RandomFlip()
            self.conv = k.layers.Conv2D(2, 3)

        def adapt(self, x: Any) -> None:
            self.norm.adapt(x)

        def call(self, x: Any, training: bool = False) -> Any:
            x = self.norm(x)
            if training:
                x = self.flip(x, training=True)
            return self.conv(x)

    model = Pipeline()
    model.adapt(ones(4, 6, 6, 3))
    model(ones(2, 6, 6, 3))
    model(ones(2, 6, 6, 3), training=True)
