"""Models that are loaded from files, and weights that are, in the ways in which programs do that.

As in `scenarios`: `make` saves a file and returns where it is, or what it is loaded into as well;
`build` loads it, and returns the model.
"""

from __future__ import annotations

import contextlib
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scenarios import Keras, Scenario, data, mlp

if TYPE_CHECKING:
    from collections.abc import Callable

LOADINGS: list[Scenario] = []

RECURRENT = (3, 3)
"""Keras 3.2 loses the weights of the cells in recurrent layers, and cannot write them to .h5."""
FOLDER = Path(tempfile.mkdtemp(prefix="buildtrace-loadings-"))


def loading(make: Callable[[Keras], Any], **options: Any) -> Any:
    """Register how what `make` has saved is loaded."""

    def register(build: Callable[[Keras, Any], Any]) -> Callable[[Keras, Any], Any]:
        LOADINGS.append(Scenario(build.__name__, make, build, **options))
        return build

    return register


def path(k: Keras, name: str) -> str:
    return str(FOLDER / f"{k.package}-{name}")


def stack(k: Keras) -> Any:
    return mlp(k, k.Input((3,), name="x"))


def named(k: Keras) -> Any:
    layers = [k.layers.Dense(4, name="one"), k.layers.Dense(2, name="two")]
    return k.Sequential([k.Input((3,), name="x"), *layers])


def wider(k: Keras) -> Any:
    """The same layers, the last one with more units."""
    layers = [k.layers.Dense(4, name="one"), k.layers.Dense(5, name="two")]
    return k.Sequential([k.Input((3,), name="x"), *layers])


def lazy(k: Keras) -> Any:
    """A model that is not built."""
    return k.Sequential([k.layers.Dense(4), k.layers.Dense(2)])


def built(k: Keras, model: Any) -> Any:
    model(data(4, 3))
    return model


def graph(k: Keras) -> Any:
    """Layers with and without weights, shared ones, some around others, and a model in it."""
    x = k.Input((4, 3), name="x")
    inner = k.Sequential([k.Input((6,)), k.layers.Dense(2)], name="inner")
    shared = k.layers.Dense(3, name="shared")
    y = k.layers.BatchNormalization(name="norm")(shared(shared(x)))
    y = k.layers.Bidirectional(k.layers.LSTM(3), name="both")(y)
    return k.Model(x, inner(k.layers.Dropout(0.1)(y)), name="net")


def saved(model: Callable[[Keras], Any], name: str, *, trained: bool = False) -> Any:
    """A `make` that saves a model, and gives the file's path."""

    def make(k: Keras) -> str:
        made = model(k)
        if trained:
            made.compile("adam", k.keras.losses.MeanSquaredError(), metrics=["mae"])
            made.fit(data(4, 3), data(4, 2), verbose=0)
        made.save(path(k, name))
        return path(k, name)

    return make


def weights(model: Callable[[Keras], Any], name: str) -> Any:
    """A `make` that saves a model's weights, and gives another such model and the file's path."""

    def make(k: Keras) -> tuple[Any, str]:
        model(k).save_weights(path(k, name))
        return model(k), path(k, name)

    return make


def refused(load: Callable[[], Any]) -> Any:
    """The exception of a loading that fails; what is loaded, if it does not."""
    try:
        return load()
    except Exception as error:
        return error


def load_model(k: Keras, file: str) -> Any:
    return k.keras.models.load_model(file)


@loading(saved(stack, "stack.keras"))
def load_stack(k: Keras, file: str) -> Any:
    return load_model(k, file)


@loading(saved(graph, "graph.keras"), since=RECURRENT)
def load_graph(k: Keras, file: str) -> Any:
    return load_model(k, file)


@loading(saved(stack, "trained.keras", trained=True))
def load_trained(k: Keras, file: str) -> Any:
    return load_model(k, file)


@loading(saved(graph, "graph.h5"), since=RECURRENT)
def load_hdf5(k: Keras, file: str) -> Any:
    return k.keras.models.load_model(filepath=file)


@loading(weights(graph, "graph.weights.h5"), since=RECURRENT)
def load_weights(k: Keras, made: Any) -> Any:
    model, file = made
    model.load_weights(file)
    return model


@loading(weights(stack, "stack.weights.h5"))
def load_weights_of_a_stack(k: Keras, made: Any) -> Any:
    return load_weights(k, made)


@loading(weights(named, "named.h5"), generations=(2,))
def load_weights_by_name(k: Keras, made: Any) -> Any:
    model, file = made
    model.load_weights(file, by_name=True)
    return model


def other(k: Keras) -> tuple[Any, str]:
    stack(k).save_weights(path(k, "other.weights.h5"))
    x = k.Input((3,))
    return k.Model(x, k.layers.Dense(7)(x)), path(k, "other.weights.h5")


@loading(other)
def load_weights_of_another(k: Keras, made: Any) -> Any:
    """The first layer's do not fit."""
    model, file = made
    with contextlib.suppress(ValueError):
        model.load_weights(file)
    return model


@loading(weights(wider, "skipped.weights.h5"), tensorflow=True)
def load_weights_that_fit(k: Keras, made: Any) -> Any:
    """The last layer's weights are of another shape than those in the file."""
    _, file = made
    model = named(k)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says which layer it has left out
        model.load_weights(file, skip_mismatch=True)
    return model


@loading(saved(named, "named-whole.h5"), generations=(3,), since=(3, 10))
def load_weights_of_hdf5_by_name(k: Keras, file: str) -> Any:
    model = named(k)
    model.load_weights(file, by_name=True)
    return model


@loading(saved(named, "whole.keras"))
def load_weights_of_a_whole(k: Keras, file: str) -> Any:
    """The file has the model as well; Keras 2 takes only the weights of such a file, too."""
    model = named(k)
    model.load_weights(file)
    return model


@loading(saved(stack, "trained.h5", trained=True))
def load_hdf5_trained(k: Keras, file: str) -> Any:
    return load_model(k, file)


@loading(saved(stack, "to-train.keras", trained=True))
def load_and_train(k: Keras, file: str) -> Any:
    model = load_model(k, file)
    model.fit(data(4, 3), data(4, 2), verbose=0)
    return model


@loading(saved(stack, "plain.keras", trained=True))
def load_uncompiled(k: Keras, file: str) -> Any:
    return k.keras.models.load_model(file, compile=False)


@loading(saved(graph, "SavedModel"), generations=(2,))
def load_saved_model(k: Keras, file: str) -> Any:
    return load_model(k, file)


@loading(saved(stack, "SavedModel-trained", trained=True), generations=(2,))
def load_saved_model_trained(k: Keras, file: str) -> Any:
    model = load_model(k, file)
    model.fit(data(4, 3), data(4, 2), verbose=0)
    return model


@loading(weights(graph, "checkpoint"), generations=(2,))
def load_weights_of_a_checkpoint(k: Keras, made: Any) -> Any:
    return load_weights(k, made)


@loading(weights(lambda k: built(k, lazy(k)), "lazy-checkpoint"), generations=(2,))
def load_weights_before_building(k: Keras, made: Any) -> Any:
    """The values come when the weights do."""
    _, file = made
    model = lazy(k)
    model.load_weights(file)
    model(data(4, 3))
    return model


@loading(weights(lambda k: built(k, lazy(k)), "lazy.weights.h5"))
def load_weights_unbuilt(k: Keras, made: Any) -> Any:
    """There is nothing yet to load them into, which either generation refuses or only warns of."""
    _, file = made
    model = lazy(k)
    with contextlib.suppress(Exception), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.load_weights(file)
    model(data(4, 3))
    return model


def own_layers(k: Keras) -> dict[str, Any]:
    """A layer that keeps its own values, one that fails when it is built, one that does when made.

    They fail only where a file is loaded.
    """

    class Scale(k.layers.Layer):  # type: ignore[name-defined,misc]
        def build(self, shape: Any) -> None:
            self.scale = self.add_weight(name="scale", shape=(int(shape[-1]),), initializer="ones")
            super().build(shape)

        def call(self, x: Any) -> Any:
            return x * self.scale

        def save_own_variables(self, store: Any) -> None:
            store["scale"] = np.array(self.scale)

        def load_own_variables(self, store: Any) -> None:
            self.scale.assign(store["scale"])

    class Refuses(Scale):
        def build_from_config(self, config: Any) -> None:
            raise RuntimeError("not built from a config")

    class Forgets(Scale):
        def __init__(self, size: int, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.size = size

    return {"Scale": Scale, "Refuses": Refuses, "Forgets": Forgets}


def with_layer(name: str) -> Callable[[Keras], Any]:
    def make(k: Keras) -> Any:
        layer = own_layers(k)[name](*([3] if name == "Forgets" else []))
        return k.Sequential([k.Input((3,)), k.layers.Dense(2), layer])

    return make


@loading(saved(with_layer("Scale"), "scale.keras"), since=(3, 3))
def load_own_values(k: Keras, file: str) -> Any:
    return k.keras.models.load_model(file, custom_objects=own_layers(k))


@loading(saved(with_layer("Scale"), "unknown.keras"))
def load_unknown_class(k: Keras, file: str) -> Any:
    return refused(lambda: load_model(k, file))


@loading(saved(with_layer("Refuses"), "refuses.keras"), since=(3, 3))
def load_what_is_not_built(k: Keras, file: str) -> Any:
    return refused(lambda: k.keras.models.load_model(file, custom_objects=own_layers(k)))


@loading(saved(with_layer("Forgets"), "forgets.keras"))
def load_what_cannot_be_made(k: Keras, file: str) -> Any:
    return refused(lambda: k.keras.models.load_model(file, custom_objects=own_layers(k)))


def broken(k: Keras) -> str:
    Path(path(k, "broken.keras")).write_bytes(b"PK")
    return path(k, "broken.keras")


@loading(broken)
def load_broken_file(k: Keras, file: str) -> Any:
    return refused(lambda: load_model(k, file))


def half(k: Keras) -> Any:
    policies = k.keras.mixed_precision
    set_policy = getattr(policies, "set_global_policy", None) or policies.set_dtype_policy
    set_policy("mixed_float16")
    try:
        return stack(k)
    finally:
        set_policy("float32")


@loading(saved(half, "half.keras", trained=True), tensorflow=True)
def load_mixed_precision(k: Keras, file: str) -> Any:
    return load_model(k, file)


def normalized(k: Keras) -> Any:
    """It has a state that is no weight, and words that are in a file of their own."""
    layer = k.layers.Normalization()
    layer.adapt(data(4, 3))
    return k.Sequential([k.Input((3,)), layer, k.layers.Dense(2)])


@loading(saved(normalized, "normalized.keras"))
def load_adapted(k: Keras, file: str) -> Any:
    return load_model(k, file)


def small(k: Keras) -> Any:
    model = k.Sequential([k.Input((16,)), k.layers.Dense(8), k.layers.Dense(2)])
    model.quantize("int8")
    return model


@loading(saved(small, "small.keras"), generations=(3,), since=(3, 10))
def load_quantized(k: Keras, file: str) -> Any:
    return load_model(k, file)


def registered(k: Keras) -> Any:
    """A subclass that says itself how it is made of its config, with a layer made of its own."""
    register = k.keras.saving.register_keras_serializable(f"loadings_{k.name}")

    @register
    class Registered(k.keras.Model):  # type: ignore[name-defined,misc]
        def __init__(self, inner: Any, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.inner = inner
            self.last = k.layers.Dense(2, name="last")

        def call(self, x: Any) -> Any:
            return self.last(self.inner(x))

        def get_config(self) -> dict[str, Any]:
            inner = k.keras.saving.serialize_keras_object(self.inner)
            return {"inner": inner, "name": self.name}

        @classmethod
        def from_config(cls, config: dict[str, Any]) -> Any:
            inner = k.keras.saving.deserialize_keras_object(config["inner"])
            return cls(inner, name=config["name"])

    return built(k, Registered(k.layers.Dense(4)))


@loading(saved(registered, "registered.keras"), since=(3, 3))
def load_registered(k: Keras, file: str) -> Any:
    return load_model(k, file)


def exported(k: Keras) -> str:
    folder = path(k, "exported")
    if not Path(folder).exists():
        stack(k).export(folder, **({"verbose": False} if k.generation == 3 else {}))
    return folder


@loading(exported, generations=(3,), tensorflow=True, since=(3, 10))
def use_exported(k: Keras, folder: str) -> Any:
    """The layer of a SavedModel has that one's variables; only a model around it is built."""
    x = k.Input((3,), name="x")
    layer = k.layers.TFSMLayer(folder, call_endpoint="serve", name="exported")
    return k.Model(x, layer(x), name="around")
