"""Hears of the plain operations that TensorFlow runs eagerly between a model's layers.

A symbolic tensor knows the operation that made it; an eager tensor does not, and only
TensorFlow's own operation callbacks tell. They are on only while a layer of the user's is
called on data for the first time.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_MODULE = "tensorflow.python.framework.op_callbacks"


def is_eager(tensor: Any) -> bool:
    """Whether this is a concrete tensor of TensorFlow's."""
    return type(tensor).__name__ == "EagerTensor" and _MODULE in sys.modules


def listen(callback: Callable[..., None]) -> None:
    """Have `callback` called after each operation in this thread: type, inputs, ..., outputs."""
    sys.modules[_MODULE].add_op_callback(callback)


def unlisten(callback: Callable[..., None]) -> None:
    """The end of `listen`."""
    sys.modules[_MODULE].remove_op_callback(callback)
