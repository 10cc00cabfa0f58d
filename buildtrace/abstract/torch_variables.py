"""Keras 3 on Torch: a variable whose parameter lies on the device `meta`, where values are not.

Keras and Torch would make values up for such a parameter when it is copied to another device. So
whatever would read it raises.
"""

from __future__ import annotations

import functools
import gc
from typing import TYPE_CHECKING, Any

import torch
from keras.src.backend.common.stateless_scope import get_stateless_scope
from keras.src.backend.torch.core import device_scope, get_device, to_torch_dtype

from buildtrace.abstract import blocks
from buildtrace.abstract.draws import Draws
from buildtrace.abstract.inference import in_inference, shape_inference
from buildtrace.abstract.unmade import Unmade, no_value

if TYPE_CHECKING:
    from collections.abc import Callable

_TOLD = ("__get__", "requires_grad_", "dim", "size", "numel", "ndimension", "is_floating_point")
"""Names of Torch's functions that tell of a tensor without reading it."""


class AbstractParameter(torch.nn.Parameter):
    """A parameter without a value.

    Attributes:
        path: what Keras calls its variable.
        place: the device that it is to lie on.
    """

    path: str
    place: torch.device

    @property
    def device(self) -> torch.device:  # type: ignore[override]
        """Where it is to lie one day."""
        return self.place

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Let through what asks for its shape and such."""
        name = getattr(func, "__name__", "")
        attribute = getattr(getattr(func, "__self__", None), "__name__", "")
        if (name in _TOLD and attribute != "data") or (name, attribute) == (
            "__set__",
            "requires_grad",
        ):
            with torch._C.DisableTorchFunctionSubclass():
                return func(*args, **(kwargs or {}))
        raise no_value(_path_in((args, kwargs)))

    def __repr__(self, **_: Any) -> str:
        return f"<Parameter of {self.path}, abstract>"

    def __deepcopy__(self, memo: Any) -> Any:
        raise no_value(self.path)

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise no_value(self.path)


AbstractParameter.__module__ = torch.nn.Parameter.__module__


def _path_in(arguments: Any) -> str:
    waiting = [arguments]
    while waiting:
        one = waiting.pop()
        if type(one) is AbstractParameter:
            return one.path
        if isinstance(one, dict):
            waiting.extend(one.values())
        elif isinstance(one, (list, tuple)):
            waiting.extend(one)
    return "a weight"


def initialize(original: Callable[[Any, Any], None], variable: Any, initializer: Any) -> None:
    """In the place of `_initialize_with_initializer`: settle all of a variable but its value."""
    dtype = to_torch_dtype(variable._dtype)
    if str(get_device()) == "meta" or not blocks.takes(variable._shape, dtype.itemsize):
        original(variable, initializer)
        return
    device = get_device()
    draws = Draws(initializer)
    made = draws.run(
        lambda: _on_symbols(initializer, variable._shape, variable._dtype),
        lambda: initializer(variable._shape, dtype=variable._dtype),
    )
    nothing = torch.empty(tuple(made.shape), dtype=dtype, device="meta")
    parameter = AbstractParameter(nothing, requires_grad=variable.trainable)
    parameter.path, parameter.place = variable.path, torch.device(device)
    real_class = type(variable)
    variable.__class__ = _abstract_class(real_class)
    variable._value = parameter

    def give(variable: Any, initializer: Any) -> None:
        variable.__class__ = real_class
        with device_scope(str(device)):
            variable._initialize_with_initializer(initializer)
        variable._value.requires_grad = parameter.requires_grad
        _put_in_place(parameter, variable._value)

    blocks.add(Unmade(variable, initializer, draws, give))


def _on_symbols(initializer: Any, shape: Any, dtype: Any) -> Any:
    with shape_inference(), torch.no_grad(), device_scope("meta"):
        return initializer(shape, dtype=dtype)


def _put_in_place(parameter: Any, value: Any) -> None:
    """Have the modules that hold the parameter hold the real one."""
    for holder in gc.get_referrers(parameter):
        if type(holder) is dict:
            for key, held in list(holder.items()):
                if held is parameter:
                    holder[key] = value


@functools.cache
def _abstract_class(real: type) -> type:
    """A variable's class, for variables without a value."""

    class AbstractTorchVariable(real):  # type: ignore[misc, valid-type]
        @property
        def value(self) -> Any:
            """The parameter without a value, or what stands for it while shapes are inferred."""
            scope = get_stateless_scope()
            current = None if scope is None else scope.get_current_value(self)
            if current is not None:
                return self._maybe_autocast(current)
            if not in_inference():
                return self._value
            stand_in = torch.zeros(
                self._shape, dtype=to_torch_dtype(self._dtype), device=get_device()
            )
            return self._maybe_autocast(torch.nn.Parameter(stand_in, requires_grad=False))

        def _direct_assign(self, value: Any) -> None:
            raise no_value(self.path)

        def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
            raise no_value(self.path)

        def numpy(self) -> Any:
            """Raises."""
            raise no_value(self.path)

        def __reduce_ex__(self, protocol: Any) -> Any:
            raise no_value(self.path)

        def __repr__(self) -> str:
            return f"<Variable path={self.path}, shape={self.shape}, dtype={self.dtype}, abstract>"

    AbstractTorchVariable.__name__ = AbstractTorchVariable.__qualname__ = real.__name__
    AbstractTorchVariable.__module__ = real.__module__
    return AbstractTorchVariable
