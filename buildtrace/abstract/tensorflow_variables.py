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

from buildtrace.abstract import builds
from buildtrace.abstract.draws import Draws
from buildtrace.abstract.valueless import ValuelessWeight, no_value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class _VariableUnderway(threading.local):
    """What is being made in a thread.

    Attributes:
        told: what Keras 3 knows of a variable: path, shape, dtype and initializer.
        handles: how many blocks there are in which handles may be used.
    """

    told: tuple[str, Any, Any, Any] | None = None
    handles = 0


_underway = _VariableUnderway()


class AbstractVariable(resource_variable_ops.UninitializedVariable):  # type: ignore[misc]
    """A variable without a value.

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
        if not _in_keras_graph() and not _underway.handles:
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


_OURS = "buildtrace"
"""What we call the graphs that initializers run in."""

_SCRATCH = re.compile(rf"^(keras_graph|build_graph|{_OURS})$|scratch_graph(_\d+)?$")
"""What these graphs are called."""


class _Wanted(NamedTuple):
    """What is known of a variable that is to be made.

    Attributes:
        path: "" if TensorFlow's name is as good.
        shape: its sizes.
        dtype: of its numbers.
        initializer: what its layer has for it.
        first: makes the first value of it.
    """

    path: str
    shape: Any
    dtype: Any
    initializer: Any
    first: Callable[[], Any]


def initialize(original: Callable[[Any, Any], None], variable: Any, initializer: Any) -> None:
    """Have TensorFlow told more of a variable of Keras 3 than Keras itself tells.

    Args:
        original: `_initialize_with_initializer`, in whose place this is: makes a `tf.Variable`.
        variable: the variable.
        initializer: what would make its value.
    """
    before = _underway.told
    _underway.told = (variable.path, variable._shape, variable._dtype, initializer)
    try:
        original(variable, initializer)
    finally:
        _underway.told = before


def create(original: Callable[..., Any], next_creator: Any = None, **kwargs: Any) -> Any:
    """Make a variable, without a value if it is to have none.

    Args:
        original: the creator that TensorFlow asks last, in whose place this is.
        next_creator: `None`: there is none behind the last.
        **kwargs: what TensorFlow tells of the variable.
    """
    wanted = _wanted(kwargs)
    if wanted is None or not builds.is_abstract(wanted.shape, tf.as_dtype(wanted.dtype).size):
        return original(next_creator, **kwargs)
    draws, first = Draws(wanted.initializer), wanted.first
    made = draws.run(lambda: _on_symbols(first), first)
    settings = {name: kwargs.get(name) for name in _SETTINGS}
    with _handles_allowed():
        dtype = tf.as_dtype(wanted.dtype)
        variable = AbstractVariable(shape=made.shape, dtype=dtype, **settings)
    variable.path = wanted.path or variable.name.partition(":")[0]

    def make_value(variable: Any) -> None:
        with tf.init_scope(), tf.device(variable.device):
            value = tf.cast(first(), variable.dtype)
            del variable.path
            variable.__class__ = resource_variable_ops.ResourceVariable
            variable.assign(value)

    builds.add(ValuelessWeight(variable, draws, make_value))
    return variable


_SETTINGS = (
    *("trainable", "caching_device", "name", "constraint", "synchronization", "aggregation"),
    "distribute_strategy",
)
"""What TensorFlow tells of a variable that is the same with and without a value."""


def _wanted(kwargs: dict[str, Any]) -> _Wanted | None:
    """What is to be made; `None` if its first value is an array, or too little is known of it."""
    first = kwargs.get("initial_value")
    told = _underway.told
    if told is not None and callable(first):
        path, shape, dtype, initializer = told
        return _Wanted(path, shape, dtype, initializer, first)
    plain = getattr(first, "_variable", first)  # Keras 2 has one around it that casts
    if isinstance(plain, AbstractVariable):  # an optimizer's average begins as a copy
        copy = functools.partial(_copy, plain)
        return _Wanted("", plain.shape.as_list(), plain.dtype, copy, copy)
    return _wanted_by_keras2(kwargs, first) if callable(first) else None


def _copy(variable: Any) -> Any:
    return tf.identity(variable.read_value())


def _wanted_by_keras2(kwargs: dict[str, Any], first: Any) -> _Wanted | None:
    """From what Keras 2 has filled in of its initializer, and from what TensorFlow is told."""
    initializer, shape, dtype = first, kwargs.get("shape"), kwargs.get("dtype")
    if isinstance(first, functools.partial):
        given = dict(zip(("shape", "dtype"), first.args, strict=False)) | first.keywords
        initializer = first.func
        shape = given.get("shape") if shape is None else shape
        dtype = given.get("dtype") if dtype is None else dtype
    if shape is None or dtype is None or not tf.TensorShape(shape).is_fully_defined():
        return None
    return _Wanted("", tf.TensorShape(shape).as_list(), dtype, initializer, first)


@contextmanager
def _handles_allowed() -> Iterator[None]:
    """A block in which TensorFlow itself, in this thread, may use handles."""
    _underway.handles += 1
    try:
        yield
    finally:
        _underway.handles -= 1


def _on_symbols(first: Callable[[], Any]) -> Any:
    with tf.__internal__.FuncGraph(_OURS).as_default():
        return first()
