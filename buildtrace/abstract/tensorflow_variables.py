"""TensorFlow, for both generations: a variable with a handle behind which nothing was put.

TensorFlow has such variables itself, for SavedModels that are being read.
"""

from __future__ import annotations

import functools
import re
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import tensorflow as tf
from tensorflow.python.eager import context
from tensorflow.python.framework import ops
from tensorflow.python.ops import resource_variable_ops

from buildtrace.abstract import blocks
from buildtrace.abstract.draws import Draws
from buildtrace.abstract.unmade import Unmade, no_value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_local = threading.local()


class AbstractVariable(resource_variable_ops.UninitializedVariable):  # type: ignore[misc]
    """A variable of TensorFlow without a value.

    Attributes:
        path: what Keras calls it.
    """

    path = ""

    @property
    def _handle(self) -> Any:
        """The resource: whoever has it can read it, so only a graph of Keras' own gets it."""
        self._check()
        return self.__dict__["_handle"]

    @_handle.setter
    def _handle(self, handle: Any) -> None:
        self.__dict__["_handle"] = handle

    @property
    def device(self) -> str:
        """Where it is to lie."""
        return str(self.__dict__["_handle"].device)

    def _check(self) -> None:
        if not _in_keras_graph() and not getattr(_local, "making", 0):
            raise no_value(self.path)

    def _read_variable_op(self, *args: Any, **kwargs: Any) -> Any:
        self._check()  # before TensorFlow asks for the handle in C++, where errors are lost
        return super()._read_variable_op(*args, **kwargs)

    def __repr__(self) -> str:
        return f"<tf.Variable '{self.name}' shape={self.shape} dtype={self.dtype.name}, abstract>"

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise no_value(self.path)

    def __deepcopy__(self, memo: Any) -> Any:
        raise no_value(self.path)


def _in_keras_graph() -> bool:
    """Whether operations go to a graph that Keras infers shapes with, and that nothing runs."""
    if context.executing_eagerly():
        return False
    graph = ops.get_default_graph()
    while graph is not None:
        if _SCRATCH.search(str(getattr(graph, "name", ""))):
            return True
        graph = getattr(graph, "outer_graph", None)
    return False


_SCRATCH = re.compile(r"^(keras_graph|build_graph|buildtrace)$|scratch_graph(_\d+)?$")
"""What Keras, and we, call these graphs."""


@contextmanager
def named(path: str, shape: Any, dtype: Any, initializer: Any) -> Iterator[None]:
    """A block in which a variable of Keras 3 is made, which TensorFlow is not told all of."""
    before = getattr(_local, "named", None)
    _local.named = (path, shape, dtype, initializer)
    try:
        yield
    finally:
        _local.named = before


def create(original: Callable[..., Any], next_creator: Any = None, **kwargs: Any) -> Any:
    """In the place of the creator that TensorFlow asks last: a variable, with a value or without."""
    wanted = _wanted(kwargs)
    if wanted is None:
        return original(next_creator, **kwargs)
    path, shape, dtype, initializer, first = wanted
    if not blocks.takes(shape, tf.as_dtype(dtype).size):
        return original(next_creator, **kwargs)
    draws = Draws(initializer)
    made = draws.run(functools.partial(_on_symbols, first), first)
    names = ("trainable", "caching_device", "name", "constraint", "synchronization", "aggregation")
    settings = {name: kwargs.get(name) for name in (*names, "distribute_strategy")}
    with _making():
        variable = AbstractVariable(shape=made.shape, dtype=tf.as_dtype(dtype), **settings)
    variable.path = path or variable.name.partition(":")[0]

    def give(variable: Any, _initializer: Any) -> None:
        with tf.init_scope(), _making():
            value = tf.cast(first(), variable.dtype)
            variable.__class__ = resource_variable_ops.ResourceVariable
            variable.assign(value)
        del variable.path

    blocks.add(Unmade(variable, initializer, draws, give))
    return variable


class Wanted(NamedTuple):
    """What Keras has said of a variable that is to be made.

    Attributes:
        path: "" if TensorFlow's name is as good.
        shape: its sizes.
        dtype: of its numbers.
        initializer: what Keras was given for it.
        first: makes the first value.
    """

    path: str
    shape: Any
    dtype: Any
    initializer: Any
    first: Any


def _wanted(kwargs: dict[str, Any]) -> Wanted | None:
    """What is being made; `None` if not by Keras, or of an array."""
    named = getattr(_local, "named", None)
    first = kwargs.get("initial_value")
    if callable(first) and named is not None:
        return Wanted(*named, first)
    plain = getattr(first, "_variable", first)  # Keras 2 wraps one to cast it
    if isinstance(plain, AbstractVariable):
        copy = functools.partial(_copy, plain)
        return Wanted("", plain.shape.as_list(), plain.dtype, copy, copy)
    if isinstance(first, functools.partial):
        return _wanted_by_keras2(kwargs, first)
    return None


def _copy(variable: Any) -> Any:
    return tf.identity(variable.read_value())


def _wanted_by_keras2(kwargs: dict[str, Any], first: functools.partial[Any]) -> Wanted | None:
    shape = first.keywords.get("shape", first.args[0] if first.args else None)
    dtype = kwargs.get("dtype") or first.keywords.get("dtype")
    if shape is None or dtype is None or not tf.TensorShape(shape).is_fully_defined():
        return None
    return Wanted("", tf.TensorShape(shape).as_list(), dtype, first.func, first)


@contextmanager
def _making() -> Iterator[None]:
    _local.making = getattr(_local, "making", 0) + 1
    try:
        yield
    finally:
        _local.making -= 1


def _on_symbols(initial_value: Any) -> Any:
    with tf.__internal__.FuncGraph("buildtrace").as_default():
        return initial_value()


def initialize(original: Callable[[Any, Any], None], variable: Any, initializer: Any) -> None:
    """In the place of Keras 3's `_initialize_with_initializer`, which makes a `tf.Variable`."""
    with named(variable.path, variable._shape, variable._dtype, initializer):
        original(variable, initializer)
