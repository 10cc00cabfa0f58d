"""How a sound script is registered, and what all of them use."""

from __future__ import annotations

import importlib
import pkgutil
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from scenarios import Keras


class Sound(NamedTuple):
    """A script without a fault.

    Attributes:
        name: the function's.
        run: the script; gets the Keras and a folder for its files.
        generations: where it makes sense.
    """

    name: str
    run: Callable[[Keras, Path], Any]
    generations: tuple[int, ...]


_SCRIPTS: list[Sound] = []


def sound(
    *generations: int,
) -> Callable[[Callable[[Keras, Path], Any]], Callable[[Keras, Path], Any]]:
    """Register a function as a sound script; without generations it is one on both."""

    def register(run: Callable[[Keras, Path], Any]) -> Callable[[Keras, Path], Any]:
        _SCRIPTS.append(Sound(run.__name__, run, generations or (2, 3)))
        return run

    return register


def scripts() -> list[Sound]:
    """Every sound script, in the order of modules."""
    package = importlib.import_module(__package__ or "")
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{package.__name__}.{module.name}")
    names = [script.name for script in _SCRIPTS]
    assert len(names) == len(set(names)), "two scripts have one name"
    return list(_SCRIPTS)


def tensorflow() -> Any:
    return importlib.import_module("tensorflow")


def ops(k: Keras) -> Any:
    """Functions on tensors as users of this generation write them in a model."""
    if k.generation == 3:
        return k.keras.ops
    tf = tensorflow()
    return SimpleNamespace(
        arange=tf.range,
        argmax=tf.argmax,
        broadcast_to=tf.broadcast_to,
        cast=tf.cast,
        concatenate=tf.concat,
        exp=tf.exp,
        expand_dims=tf.expand_dims,
        gelu=tf.nn.gelu,
        log_softmax=tf.nn.log_softmax,
        logical_and=tf.logical_and,
        matmul=tf.matmul,
        maximum=tf.maximum,
        max=tf.reduce_max,
        mean=tf.reduce_mean,
        not_equal=tf.not_equal,
        ones=tf.ones,
        one_hot=tf.one_hot,
        ones_like=tf.ones_like,
        relu=tf.nn.relu,
        reshape=tf.reshape,
        shape=tf.shape,
        sigmoid=tf.sigmoid,
        slice_update=tf.tensor_scatter_nd_update,
        softmax=tf.nn.softmax,
        split=tf.split,
        sqrt=tf.sqrt,
        square=tf.square,
        squeeze=tf.squeeze,
        stack=tf.stack,
        sum=tf.reduce_sum,
        take=tf.gather,
        tanh=tf.tanh,
        transpose=tf.transpose,
        where=tf.where,
        zeros=tf.zeros,
        zeros_like=tf.zeros_like,
    )


def ones(*shape: int) -> np.ndarray:
    return np.ones(shape, "float32")


def tokens(*shape: int) -> np.ndarray:
    """Numbers of words, with padding at the end of each row."""
    found = np.ones(shape, "int32") * 3
    found[..., -2:] = 0
    return found


def fit(model: Any, x: Any, y: Any, **options: Any) -> None:
    """Train. A model that is built already is trained eagerly: making a function of it is dear."""
    options.setdefault("run_eagerly", model.built)
    model.compile(options.pop("optimizer", "sgd"), options.pop("loss", "mse"), **options)
    model.fit(x, y, batch_size=2, epochs=1, verbose=0)


def same(one: list[Any], other: list[Any]) -> None:
    """The values of two lists of weights are equal, and there are some."""
    assert one
    assert len(one) == len(other)
    for first, second in zip(one, other, strict=True):
        np.testing.assert_array_equal(np.array(first), np.array(second))


def load(k: Keras, path: Path, **classes: type) -> Any:
    return k.keras.models.load_model(str(path), custom_objects=classes)


def save_and_load(k: Keras, model: Any, folder: Path, **classes: type) -> Any:
    """The model goes to a file and comes back with the same weights."""
    model.save(str(folder / "model.keras"))
    again = load(k, folder / "model.keras", **classes)
    same(model.get_weights(), again.get_weights())
    return again


def save_weights(model: Any, fresh: Any, folder: Path) -> None:
    """The weights of one model go into another one, which is built."""
    path = str(folder / "model.weights.h5")
    model.save_weights(path)
    fresh.load_weights(path)
    same(model.get_weights(), fresh.get_weights())
