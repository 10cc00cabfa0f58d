"""What can be seen of a model, and of a program, to compare it traced and untraced."""

from __future__ import annotations

import contextlib
import copy
import functools
import pickle
import re
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from scenarios import mlp

import buildtrace

if TYPE_CHECKING:
    from collections.abc import Callable

    from scenarios import Keras

T = TypeVar("T")


def both(run: Callable[[], T]) -> list[T]:
    """What `run` returns untraced, and traced. It is called from one line: that may be seen."""
    results = []
    for context in (contextlib.nullcontext(), buildtrace.trace()):
        with context:
            results.append(run())
    return results


def fresh(k: Keras) -> None:
    k.clear_session()
    k.keras.utils.set_random_seed(7)


def weights(layer: Any) -> list[Any]:
    """Keras 2 raises for a model that is not built."""
    try:
        return list(layer.weights)
    except ValueError:
        return []


def values(layer: Any) -> list[np.ndarray]:
    return [np.array(value) for value in layer.get_weights()] if weights(layer) else []


def computed(layer: Any, inputs: Any) -> np.ndarray:
    """What a layer makes of data, on any backend."""
    outputs = layer(inputs)
    return np.array(outputs.detach() if hasattr(outputs, "detach") else outputs)


def names(layer: Any) -> list[str]:
    inner = getattr(layer, "layers", [])
    return [layer.name, *(name for each in inner for name in names(each))]


def config(layer: Any) -> str:
    try:
        return repr(layer.get_config())
    except NotImplementedError as error:
        return str(error)


def without_addresses(text: str) -> str:
    """Addresses, autograph's temporary files and TensorFlow's numbers differ from run to run."""
    text = re.sub(r"0x[0-9a-f]+", "0x", text)
    text = re.sub(r"(__inference_\w+?)_\d+\b", r"\1", text)
    return re.sub(r"__autograph_generated_file\w+", "generated", text)


@functools.cache
def can_copy(k: Keras) -> bool:
    """Whether models of this Keras can be copied and pickled; to be asked untraced."""
    model = mlp(k)
    model.build((None, 3))
    try:
        copy.deepcopy(model)
        pickle.dumps(model)
    except (AttributeError, ValueError):
        return False
    return True
