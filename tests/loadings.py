"""Models that are loaded from files, and weights that are, in the ways in which programs do that.

As in `scenarios`: `make` saves a file and returns where it is, or what it is loaded into as well;
`build` loads it, and returns the model.
"""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
