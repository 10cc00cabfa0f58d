"""Live values → plain data: shapes and dtypes of tensors, names of layers. Evaluates nothing."""

from __future__ import annotations

import contextlib
import itertools
import weakref
from typing import TYPE_CHECKING, Any

from buildtrace.trace import ErrorInfo, LayerRef, Shape, TensorSpec

if TYPE_CHECKING:
    from collections.abc import Iterator

_specs: dict[tuple[Shape | None, str | None], TensorSpec] = {}
_dtypes: dict[Any, str] = {}
_MESSAGE_LIMIT = 4000  # of an exception's text: Keras prints whole arguments into some


def spec(shape: Any, dtype: Any = None) -> TensorSpec:
    """The spec of a shape and dtype of any backend; equal specs are one object."""
    key = (_shape(shape), None if dtype is None else dtype_name(dtype))
    found = _specs.get(key)
    if found is None:
        found = _specs[key] = TensorSpec(shape=key[0], dtype=key[1])
    return found


def _shape(shape: Any) -> Shape | None:
    if type(shape) is tuple:
        try:
            hash(shape)
        except TypeError:
            return None
        if all(size is None or type(size) is int for size in shape):
            return shape
    try:
        return tuple(_size(size) for size in shape)
    except (TypeError, ValueError):
        return None  # unknown rank


def _size(size: Any) -> int | None:
    size = getattr(size, "value", size)  # TensorFlow 1's Dimension
    if size is None:
        return None
    try:
        return int(size)
    except Exception:  # a symbolic size of JAX or Torch: unknown is what it means
        return None


def dtype_name(dtype: Any) -> str:
    """The name of a dtype of any backend: "float32"."""
    if type(dtype) is str:
        return dtype
    try:
        return _dtypes[dtype]
    except (KeyError, TypeError):
        name = getattr(dtype, "name", None) or str(dtype).rpartition(".")[2]
    with contextlib.suppress(TypeError):  # not hashable
        _dtypes[dtype] = str(name)
    return str(name)


def tensors(value: Any) -> Iterator[Any]:
    """The tensors, of any backend, in nested lists, tuples, dicts and keyword arguments."""
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        yield value
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from tensors(part)
    elif isinstance(value, dict):
        for part in value.values():
            yield from tensors(part)


def specs(value: Any) -> tuple[TensorSpec, ...]:
    """The specs of all tensors in `value`."""
    if value is None:
        return ()
    return tuple(spec(tensor.shape, tensor.dtype) for tensor in tensors(value))


def shapes(value: Any) -> tuple[TensorSpec, ...]:
    """The specs, without dtype, of all shapes in `value`: what is passed to `build`."""
    if value is None:
        return ()
    if _is_shape(value):
        return (spec(value),)
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        return tuple(itertools.chain.from_iterable(shapes(part) for part in value))
    return ()


def _is_shape(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return bool(value) and all(size is None or isinstance(size, int) for size in value)
    return hasattr(value, "rank") and hasattr(value, "dims")  # tf.TensorShape


def error_info(error: BaseException) -> ErrorInfo:
    """The plain form of an exception; never raises, whatever its `__str__` does."""
    try:
        message = str(error)
    except Exception:
        message = "(this exception's text cannot be made)"
    if len(message) > _MESSAGE_LIMIT:
        message = message[:_MESSAGE_LIMIT] + "…"
    return ErrorInfo(type=type(error).__name__, message=message)


class Numbers:
    """Numbers objects by identity, and keeps none of them alive."""

    def __init__(self) -> None:
        """With no object numbered yet."""
        self._numbers: dict[int, tuple[int, Any]] = {}
        self._next = itertools.count()

    def number(self, thing: Any) -> int:
        """The object's number, given on first sight."""
        key = id(thing)
        known = self._numbers.get(key)
        if known is None:
            known = self._numbers[key] = (next(self._next), self._reference(thing, key))
        return known[0]

    def known(self, thing: Any) -> int | None:
        """The object's number, if it has one."""
        known = self._numbers.get(id(thing))
        return None if known is None else known[0]

    def _reference(self, thing: Any, key: int) -> Any:
        numbers = self._numbers
        try:  # when the object dies, its id may be given to another: forget the number
            return weakref.ref(thing, lambda _: numbers.pop(key, None))
        except TypeError:
            return None  # has __slots__ and no weak references


def layer_ref(layer: Any, number: int) -> LayerRef:
    """The plain form of a layer, an operation or a model."""
    try:
        name = layer.name
    except Exception:  # `super().__init__()` was not called yet, or a property that raises
        name = None
    class_name = type(layer).__name__
    return LayerRef(id=number, name=name if isinstance(name, str) else "", class_name=class_name)
