"""Live values → plain data: shapes and dtypes of tensors, names of layers. Evaluates nothing."""

from __future__ import annotations

import contextlib
import itertools
import operator
import weakref
from collections import deque
from typing import TYPE_CHECKING, Any

from buildtrace.generations import PACKAGES
from buildtrace.generations.base import flat
from buildtrace.traces.schema import LayerRef, Shape, TensorSpec

if TYPE_CHECKING:
    from collections.abc import Iterator

_specs: dict[tuple[Any, Any], tuple[TensorSpec]] = {}
_dtypes: dict[Any, str] = {}


def spec(shape: Any, dtype: Any = None) -> TensorSpec:
    """The spec of a shape and dtype of any backend; equal specs are one object."""
    return one_spec(shape, dtype)[0]


def one_spec(shape: Any, dtype: Any = None) -> tuple[TensorSpec]:
    """The spec in a tuple; equal tuples are one object, too."""
    if type(shape) is not tuple:  # a TensorShape: to compare two of these takes long
        shape = getattr(shape, "_dims", shape)
    try:
        return _specs[shape, dtype]
    except Exception:  # not seen yet, or not hashable: some sizes of JAX raise their own errors
        return _new_spec(shape, dtype)


def _new_spec(shape: Any, dtype: Any) -> tuple[TensorSpec]:
    key = (_shape(shape), None if dtype is None else dtype_name(dtype))
    single = _specs.get(key)
    if single is None:
        single = _specs[key] = (TensorSpec(shape=key[0], dtype=key[1]),)
    if _is_plain(shape, key[0]):
        with contextlib.suppress(TypeError):  # a dtype that is not hashable
            _specs[shape, dtype] = single  # found at once the next time, as it stands
    return single


def _is_plain(shape: Any, sizes: Shape | None) -> bool:
    """Whether a shape consists of nothing but the sizes that were read from it."""
    if shape is None or sizes is None:
        return shape is sizes
    return isinstance(shape, tuple) and all(map(operator.is_, shape, sizes))


def _shape(shape: Any) -> Shape | None:
    try:
        return tuple([_size(size) for size in shape])
    except (TypeError, ValueError):
        return None  # unknown rank


def _size(size: Any) -> int | None:
    if size is None or type(size) is int:
        return size
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


_NO_TENSORS = frozenset({type(None), bool, int, float, str})


def tensors(value: Any) -> list[Any]:
    """The tensors, of any backend, in nested lists, tuples, dicts and keyword arguments."""
    leaves: list[Any] = []
    _collect(value, leaves)
    return leaves


def _collect(value: Any, leaves: list[Any]) -> None:
    if type(value) in _NO_TENSORS:
        return
    if isinstance(value, (list, tuple)):
        for part in value:
            _collect(part, leaves)
    elif isinstance(value, dict):
        for part in value.values():
            _collect(part, leaves)
    elif hasattr(value, "shape") and hasattr(value, "dtype"):
        leaves.append(value)


def specs(value: Any) -> tuple[TensorSpec, ...]:
    """The specs of all tensors in `value`."""
    if value is None:
        return ()
    return specs_of(tensors(value))


def specs_of(tensors: list[Any]) -> tuple[TensorSpec, ...]:
    """The specs of these tensors."""
    if len(tensors) == 1:
        return one_spec(tensors[0].shape, tensors[0].dtype)
    return tuple([spec(tensor.shape, tensor.dtype) for tensor in tensors])


def shapes(value: Any) -> tuple[TensorSpec, ...]:
    """The specs, without dtype, of all shapes in `value`: what is passed to `build`."""
    if value is None:
        return ()
    if type(value) is tuple and value:
        try:
            return _specs[value, None]
        except Exception:  # as in `one_spec`
            pass
    if _is_shape(value):
        return one_spec(value)
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        return tuple(itertools.chain.from_iterable([shapes(part) for part in value]))
    return ()


def _is_shape(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        for size in value:
            if size is not None and not isinstance(size, int):
                return False
        return bool(value)
    return type(value).__name__ == "TensorShape"


def foreign_classes(given: Any, package: str) -> tuple[str, ...]:
    """Classes of arguments that belong to another Keras than `package`, as module and name."""
    classes = dict.fromkeys(type(thing) for thing in flat(given))
    others = {*PACKAGES} - {package}
    return tuple(
        f"{cls.__module__}.{cls.__qualname__}"
        for cls in classes
        if cls.__module__.partition(".")[0] in others
    )


class _Number(weakref.ref[Any]):
    """An object's number, and the key that it is kept under."""

    __slots__ = ("key", "number")
    key: int
    number: int


class _LastingNumber:
    """The number of an object that cannot be referred to weakly, and so not say when it dies."""

    __slots__ = ("number",)

    def __init__(self, number: int) -> None:
        self.number = number


class Numbers:
    """Numbers objects by identity, and keeps none of them alive."""

    def __init__(self) -> None:
        self._numbers: dict[int, _Number | _LastingNumber] = {}
        self._next = itertools.count()
        self._dead: deque[weakref.ref[Any]] = deque()
        # Run by Python when an object dies, whenever that is: a function written in Python would
        # be a place where an interrupt can come, and Python drops those.
        self._died = self._dead.append

    def number(self, thing: Any) -> int:
        """The object's number, given on first sight."""
        if self._dead:
            self._forget_dead()
        key = id(thing)
        known = self._numbers.get(key)
        if known is not None:
            return known.number
        number = next(self._next)
        try:
            reference = _Number(thing, self._died)
            reference.key, reference.number = key, number
            self._numbers[key] = reference
        except TypeError:
            self._numbers[key] = _LastingNumber(number)
        return number

    def _forget_dead(self) -> None:
        """Their ids may be given to other objects."""
        while True:
            try:
                dead = self._dead.popleft()
            except IndexError:  # other threads do this as well
                return
            if isinstance(dead, _Number) and self._numbers.get(dead.key) is dead:
                del self._numbers[dead.key]

    def unknown(self, things: list[Any]) -> list[Any]:
        """Those of these objects that have no number."""
        if self._dead:
            self._forget_dead()
        numbers = self._numbers
        return [thing for thing in things if id(thing) not in numbers]

    def living(self) -> Iterator[tuple[int, Any]]:
        """The objects that are still there, with their numbers."""
        for known in list(self._numbers.values()):
            thing = known() if isinstance(known, _Number) else None
            if thing is not None:
                yield known.number, thing

    def known(self, thing: Any) -> int | None:
        """The object's number, if it has one."""
        if self._dead:
            self._forget_dead()
        known = self._numbers.get(id(thing))
        return None if known is None else known.number


def layer_ref(layer: Any, number: int) -> LayerRef:
    """The plain form of a layer, an operation or a model."""
    try:
        name = layer.name
    except Exception:  # `super().__init__()` was not called yet, or a property that raises
        name = None
    class_name = type(layer).__name__
    return LayerRef(id=number, name=name if isinstance(name, str) else "", class_name=class_name)


class Layers(Numbers):
    """Numbers layers, and keeps their names.

    Attributes:
        refs: what was read last of each layer, by number.
    """

    def __init__(self) -> None:
        super().__init__()
        self.refs: dict[int, LayerRef] = {}

    def read(self, layer: Any, number: int) -> None:
        """Keep the layer's name as it is now."""
        self.refs[number] = layer_ref(layer, number)
