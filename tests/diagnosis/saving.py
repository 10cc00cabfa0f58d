"""Saves the models and layers that a script made, and loads them again; runs in its process."""

from __future__ import annotations

import importlib
import inspect
import os
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path


def save_and_load(names: dict[str, Any], folder: Path) -> list[str]:
    """Save what a script made, and load it; fails if something is lost.

    Args:
        names: the script's global names.
        folder: where to.

    Returns:
        What was done: "NAME.weights.h5" and "NAME.keras" for names of the script.
    """
    keras = _keras()
    done = []
    own = {n: v for n, v in names.items() if isinstance(v, type) or inspect.isfunction(v)}
    models = {n: m for n, m in names.items() if isinstance(m, keras.Model) and m.built}
    for name, model in models.items():
        done.append(_weights(model, folder / f"{name}.weights.h5"))
        done += _whole(keras, model, folder / f"{name}.keras", own)
    known = {id(layer) for m in models.values() for layer in m._flatten_layers()}
    for name, layer in names.items():
        if isinstance(layer, keras.layers.Layer) and id(layer) not in known and layer.weights:
            holder = keras.Model()
            holder.layer, holder.built = layer, True
            done.append(_weights(holder, folder / f"{name}.weights.h5"))
    return done


def _keras() -> Any:
    """The one that scripts use; on another backend there need be no TensorFlow."""
    if os.environ.get("KERAS_BACKEND", "tensorflow") != "tensorflow":
        return importlib.import_module("keras")
    return importlib.import_module("tensorflow").keras


def _values(model: Any) -> list[Any]:
    return [np.array(weight) for weight in model.weights]


def _weights(model: Any, path: Path) -> str:
    """The weights come back into the model after they were overwritten."""
    model.save_weights(str(path))
    before = _values(model)
    for weight in model.weights:
        weight.assign(np.ones_like(weight) * (3 if np.array(weight).dtype != bool else 1))
    model.load_weights(str(path))
    _same(before, _values(model))
    return path.name


def _whole(keras: Any, model: Any, path: Path, own: dict[str, Any]) -> list[str]:
    """A model of the same weights comes back from a file, if its class can be made from there.

    An `__init__` that takes no further options makes that impossible, which many examples need not
    bother with.
    """
    try:
        model.save(str(path))
    except NotImplementedError:  # no `get_config`
        return []
    options = {} if "tf_keras" in keras.Model.__module__ else {"safe_mode": False}
    try:
        again = keras.models.load_model(str(path), custom_objects=own, **options)
    except TypeError as error:
        if "got an unexpected keyword argument" in str(error):
            return []
        raise
    _same(_values(model), _values(again))
    return [path.name]


def _same(before: list[Any], after: list[Any]) -> None:
    assert len(before) == len(after), f"{len(before)} weights became {len(after)}"
    for first, second in zip(before, after, strict=True):
        np.testing.assert_array_equal(first, second)
