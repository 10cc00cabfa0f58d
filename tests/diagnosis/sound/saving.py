"""Saving and loading: whole models, weights, both old and new files, checkpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from diagnosis.sound.own_layers import linear
from diagnosis.sound.own_models import mlp, mlp_with_build
from diagnosis.sound.tools import fit, load, ones, same, save_and_load, sound, tensorflow

if TYPE_CHECKING:
    from pathlib import Path

    from scenarios import Keras


def _model(k: Keras) -> Any:
    x = k.Input((3,))
    y = k.layers.BatchNormalization()(k.layers.Dense(4)(x))
    return k.Model(x, k.layers.Dense(1)(y))


@sound()
def whole_models(k: Keras, folder: Path) -> None:
    model = _model(k)
    fit(model, ones(4, 3), ones(4, 1))
    save_and_load(k, model, folder)
    model.save(str(folder / "model.h5"))
    loaded = k.keras.models.load_model(str(folder / "model.h5"), compile=False)
    same(model.get_weights(), loaded.get_weights())


@sound()
def saved_models_of_tensorflow(k: Keras, folder: Path) -> None:
    tf = tensorflow()
    model = _model(k)
    if k.generation == 2:
        model.save(str(folder / "saved"), save_format="tf")
        same(model.get_weights(), load(k, folder / "saved").get_weights())
        subclassed = mlp(k)()
        subclassed(ones(2, 3))
        subclassed.save(str(folder / "subclassed"), save_format="tf")
        load(k, folder / "subclassed")(ones(2, 3))
    else:
        model.export(str(folder / "saved"), verbose=False)
        loaded = tf.saved_model.load(str(folder / "saved"))
        loaded.serve(ones(2, 3))
        layer = k.layers.TFSMLayer(str(folder / "saved"), call_endpoint="serve")
        k.Sequential([k.Input((3,)), layer])(ones(2, 3))


@sound()
def weights_alone(k: Keras, folder: Path) -> None:
    for name in ("a.weights.h5", *(["b.h5"] if k.generation == 2 else [])):
        model, other = _model(k), _model(k)
        model.save_weights(str(folder / name))
        other.load_weights(str(folder / name))
        same(model.get_weights(), other.get_weights())


@sound(2)
def weights_that_wait_for_the_build(k: Keras, folder: Path) -> None:
    """A checkpoint of TensorFlow may be read before there are variables to read it into."""
    model, other = mlp(k)(), mlp(k)()
    model(ones(2, 3))
    model.save_weights(str(folder / "checkpoint"))
    other.load_weights(str(folder / "checkpoint"))
    other(ones(2, 3))
    same(model.get_weights(), other.get_weights())


@sound()
def checkpoints(k: Keras, folder: Path) -> None:
    tf = tensorflow()
    model, optimizer = mlp(k)(), k.keras.optimizers.Adam()
    model(ones(2, 3))
    optimizer.build(model.trainable_variables)
    checkpoint = tf.train.Checkpoint(model=model, optimizer=optimizer)
    path = checkpoint.save(str(folder / "at"))
    checkpoint.restore(path).assert_existing_objects_matched()


@sound()
def weights_by_name(k: Keras, folder: Path) -> None:
    x = k.Input((3,))
    old = k.Model(x, k.layers.Dense(10, name="old")(k.layers.Dense(4, name="body")(x)))
    old.save_weights(str(folder / "old.weights.h5"))
    y = k.Input((3,))
    new = k.Model(y, k.layers.Dense(2, name="new")(k.layers.Dense(4, name="body")(y)))
    if k.generation == 2:
        old.save_weights(str(folder / "old.h5"))
        new.load_weights(str(folder / "old.h5"), by_name=True)
    else:
        new.load_weights(str(folder / "old.weights.h5"), skip_mismatch=True)


@sound()
def own_config(k: Keras, folder: Path) -> None:
    cls = linear(k)

    @k.keras.utils.register_keras_serializable(package="sound")
    class Stack(k.keras.Model):
        def __init__(self, sizes: Any, **options: Any) -> None:
            super().__init__(**options)
            self.sizes = list(sizes)
            self.stack = [cls(size) for size in self.sizes]

        def build(self, input_shape: Any) -> None:
            shape = tuple(input_shape)
            for layer in self.stack:
                layer.build(shape)
                shape = (*shape[:-1], layer.units)
            super().build(input_shape)

        def call(self, x: Any) -> Any:
            for layer in self.stack:
                x = layer(x)
            return x

        def get_config(self) -> dict[str, Any]:
            return {"sizes": self.sizes, "name": self.name}

    model = Stack([4, 2])
    model.build((None, 3))
    save_and_load(k, model, folder, Linear=cls, Stack=Stack)


@sound()
def own_build_config(k: Keras, folder: Path) -> None:
    """`build_from_config` says itself what has to be built when the model is loaded."""

    class Net(k.keras.Model):
        def __init__(self, **options: Any) -> None:
            super().__init__(**options)
            self.dense = k.layers.Dense(2)

        def build(self, input_shape: Any) -> None:
            self.scale = self.add_weight(name="scale", shape=(2,), initializer="ones")
            self.size = input_shape[-1]
            self.built = True

        def call(self, x: Any) -> Any:
            return self.dense(x) * self.scale

        def get_build_config(self) -> dict[str, Any]:
            return {"size": self.size}

        def build_from_config(self, config: dict[str, Any]) -> None:
            self(ones(1, config["size"]))

    model = Net()
    model(ones(2, 3))
    save_and_load(k, model, folder, Net=Net)


@sound()
def layers_of_config(k: Keras, folder: Path) -> None:
    """A holder whose parts are in its config."""

    class Holder(k.layers.Layer):
        def __init__(self, inner: Any, **options: Any) -> None:
            super().__init__(**options)
            self.inner = inner

        def build(self, input_shape: Any) -> None:
            if not self.inner.built:  # loading has built it already
                self.inner.build(input_shape)
            super().build(input_shape)

        def call(self, x: Any) -> Any:
            return self.inner(x)

        def get_config(self) -> dict[str, Any]:
            inner = k.keras.saving.serialize_keras_object(self.inner)
            return {**super().get_config(), "inner": inner}

        @classmethod
        def from_config(cls, config: dict[str, Any]) -> Any:
            config["inner"] = k.keras.saving.deserialize_keras_object(config["inner"])
            return cls(**config)

    model = k.Sequential([k.Input((3,)), Holder(k.layers.Dense(2)), k.layers.Dense(1)])
    save_and_load(k, model, folder, Holder=Holder)


@sound(2)
def layers_of_config_built_twice_by_loading(k: Keras, folder: Path) -> None:
    """Keras 2 builds the inner layer, then its holder does; both before there are values."""

    class Holder(k.layers.Layer):
        def __init__(self, inner: Any, **options: Any) -> None:
            super().__init__(**options)
            self.inner = inner

        def build(self, input_shape: Any) -> None:
            self.inner.build(input_shape)
            super().build(input_shape)

        def call(self, x: Any) -> Any:
            return self.inner(x)

        def get_config(self) -> dict[str, Any]:
            inner = k.keras.saving.serialize_keras_object(self.inner)
            return {**super().get_config(), "inner": inner}

        @classmethod
        def from_config(cls, config: dict[str, Any]) -> Any:
            config["inner"] = k.keras.saving.deserialize_keras_object(config["inner"])
            return cls(**config)

    model = k.Sequential([k.Input((3,)), Holder(k.layers.Dense(2)), k.layers.Dense(1)])
    save_and_load(k, model, folder, Holder=Holder)


@sound()
def loaded_into_more(k: Keras, folder: Path) -> None:
    """A model from a file becomes a part of a new one, and is trained on."""
    save_and_load(k, _model(k), folder)
    loaded = load(k, folder / "model.keras")
    x = k.Input((3,))
    model = k.Model(x, k.layers.Dense(2)(loaded(x)))
    fit(model, ones(4, 3), ones(4, 2))
    k.Sequential([k.Input((3,)), *loaded.layers[1:-1], k.layers.Dense(4)])


@sound()
def subclassed_with_build_and_weights(k: Keras, folder: Path) -> None:
    cls = mlp_with_build(k)
    model, fresh = cls(), cls()
    model(ones(2, 3))
    model.save_weights(str(folder / "m.weights.h5"))
    fresh.build((None, 3))
    fresh.load_weights(str(folder / "m.weights.h5"))
    same(model.get_weights(), fresh.get_weights())


@sound(3)
def generations_side_by_side(k: Keras, folder: Path) -> None:
    """Values may go from one to the other; layers may not."""
    import tf_keras

    old = tf_keras.Sequential([tf_keras.Input((3,)), tf_keras.layers.Dense(2)])
    new = k.Sequential([k.Input((3,)), k.layers.Dense(2)])
    new.set_weights(old.get_weights())
    new(old(ones(2, 3)).numpy()[:, :1].repeat(3, axis=1))
    old.save(str(folder / "old.h5"))
    load(k, folder / "old.h5")
