"""Saves models of one Keras generation, loads them again, and puts back what that changes.

Unlike an `Adapter` it runs Keras: it makes layers, and reads the values of variables.
"""

from __future__ import annotations

import contextlib
import importlib
import random
import sys
from abc import abstractmethod
from typing import TYPE_CHECKING, Any, NamedTuple

from buildtrace.generations.base import flat

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from buildtrace.generations.base import Adapter

_HANDING_ON = ("Operation", "Layer", "Model")
"""Keras' own classes whose `from_config` hands the config to the constructor as it is."""


class InputFacts(NamedTuple):
    """What a model takes, where Keras keeps no symbolic tensor of it."""

    shape: Any
    dtype: str


class Saver:
    """Saves and loads the models of one imported Keras package."""

    def __init__(self, adapter: Adapter) -> None:
        """`adapter` reads the objects of the package."""
        self.adapter = adapter

    @property
    def _package(self) -> Any:
        return importlib.import_module(self.adapter.package)

    def _source(self, module: str) -> Any:
        return importlib.import_module(f"{self.adapter.root}.{module}")

    def load(self, path: Path, options: Mapping[str, Any]) -> Any:
        """The package's `load_model`."""
        return self._package.models.load_model(str(path), **options)

    def made_again(self, layer: Any) -> Any:
        """The layer that Keras makes of what it would save of this one, its weights left out."""
        library = self._source("saving.serialization_lib")
        return library.deserialize_keras_object(library.serialize_keras_object(layer))

    def custom_objects(self, objects: Mapping[str, Any]) -> contextlib.AbstractContextManager[Any]:
        """A scope in which Keras knows these.

        `load_model` takes them as well, but loses them on some ways: in Keras 3.2, in HDF5 files.
        """
        scope: contextlib.AbstractContextManager[Any]
        scope = self._package.utils.custom_object_scope(dict(objects))
        return scope

    def loss_named(self, name: str) -> Any:
        """The loss that a name such as "mse" stands for."""
        return self._package.losses.get(name)

    def hands_config_on(self, cls: type) -> bool:
        """Whether what `get_config` returned is what the constructor gets when it is loaded."""
        owner = next((c for c in cls.__mro__ if "from_config" in vars(c)), object)
        return owner.__name__ in _HANDING_ON and self.adapter.is_own_class(owner)

    @abstractmethod
    def inputs(self, model: Any) -> Any:
        """What the model is called on, as it is nested: things with a shape and a dtype.

        `None` if Keras does not know.
        """

    def variables(self, model: Any) -> list[Any]:
        """What a call may change: weights, seeds and the states of recurrent layers.

        Tables of words are among a model's variables as well.
        """
        stateful = [x for x in self.adapter.all_layers(model) if getattr(x, "stateful", False)]
        states = flat([getattr(layer, "states", None) for layer in stateful])
        return [thing for thing in [*model.variables, *states] if hasattr(thing, "assign")]

    @abstractmethod
    def values(self, tensor: Any) -> Any:
        """The NumPy array of a tensor or variable."""

    @abstractmethod
    def _counters(self) -> contextlib.AbstractContextManager[None]:
        """Keeps what Keras numbers names with, and draws seeds from."""

    @contextlib.contextmanager
    def unchanged(self) -> Iterator[None]:
        """After the block, names are numbered and random numbers drawn as if it had not run."""
        import numpy as np

        python, numpy = random.getstate(), np.random.get_state()
        draws = _tensorflow_draws()
        drawn = draws and draws.getstate()
        try:
            with self._counters():
                yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)
            if draws and drawn and draws.getstate() != drawn:
                draws.setstate(drawn)
                _forget_drawn()


def _forget_drawn() -> None:
    """Have an operation that gets the same seed again draw the same numbers, not the next ones."""
    sys.modules["tensorflow.python.eager.context"].context().clear_kernel_cache()


def _tensorflow_draws() -> random.Random | None:
    """What TensorFlow draws the seeds of operations from, once it was given one seed for all."""
    context = sys.modules.get("tensorflow.python.eager.context")
    return getattr(context.context(), "_rng", None) if context else None
