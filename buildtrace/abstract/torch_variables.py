"""Keras 3 on Torch: a variable whose parameter lies on the device `meta`, where values are not.

Keras and Torch make values up for such a parameter when it is copied to another device. So all
that would read it raises.
"""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

import torch
from keras.src import backend
from keras.src.backend.common.stateless_scope import get_stateless_scope
from keras.src.backend.torch.core import device_scope, get_device, to_torch_dtype

from buildtrace.abstract import builds
from buildtrace.abstract.draws import Draws
from buildtrace.abstract.inference import in_inference, shape_inference
from buildtrace.abstract.valueless import ValuelessWeight, no_value

if TYPE_CHECKING:
    from collections.abc import Callable

_TELL = ("__get__", "requires_grad_", "dim", "size", "numel", "ndimension", "is_floating_point")
"""Names of Torch's functions that tell of a tensor without reading it."""


class AbstractParameter(torch.nn.Parameter):  # type: ignore[misc, unused-ignore]
    """A parameter without a value.

    Attributes:
        path: what Keras calls its variable.
        place: the device that it is to lie on.
    """

    path: str
    place: Any

    @property
    def device(self) -> Any:
        """Where it is to lie."""
        return self.place

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Let through what asks for a shape and the like."""
        name = getattr(func, "__name__", "")
        attribute = getattr(getattr(func, "__self__", None), "__name__", "")
        sets_gradients = (name, attribute) == ("__set__", "requires_grad")
        if (name in _TELL and attribute != "data") or sets_gradients:
            with torch._C.DisableTorchFunctionSubclass():
                return func(*args, **(kwargs or {}))
        raise no_value(_path_in((args, kwargs)))

    def __repr__(self, **_: Any) -> str:
        return f"<Parameter of {self.path}, abstract>"

    def __deepcopy__(self, memo: Any) -> Any:
        raise no_value(self.path)

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Refuse to be copied or pickled."""
        raise no_value(self.path)


class AbstractTorchVariable(backend.Variable):  # type: ignore[misc]
    """A variable without a value."""

    @property
    def value(self) -> Any:
        """The parameter without a value, or what stands for it while shapes are inferred."""
        scope = get_stateless_scope()
        value = None if scope is None else scope.get_current_value(self)
        if value is None:
            if not in_inference():
                return self._value
            dtype = to_torch_dtype(self._dtype)
            stand_in = torch.zeros(self._shape, dtype=dtype, device=get_device())
            value = torch.nn.Parameter(stand_in, requires_grad=False)
        return self._maybe_autocast(value)

    def _direct_assign(self, value: Any) -> None:  # noqa: ARG002
        raise no_value(self.path)

    def __array__(self, *_: Any, **__: Any) -> Any:
        """Refuse to be an array."""
        raise no_value(self.path)

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Refuse to be copied or pickled."""
        raise no_value(self.path)

    def __repr__(self) -> str:
        return f"<Variable path={self.path}, shape={self.shape}, dtype={self.dtype}, abstract>"


for _class, _stands_for in (
    (AbstractParameter, torch.nn.Parameter),
    (AbstractTorchVariable, backend.Variable),
):
    _class.__name__ = _class.__qualname__ = _stands_for.__name__
    _class.__module__ = _stands_for.__module__


def _path_in(arguments: Any) -> str:
    """The path of the first parameter without a value among these."""
    waiting = [arguments]
    while waiting:
        one = waiting.pop(0)
        if type(one) is AbstractParameter:
            return one.path
        if isinstance(one, dict):
            waiting += one.values()
        elif isinstance(one, (list, tuple)):
            waiting += one
    return "a weight"


def initialize(original: Callable[[Any, Any], None], variable: Any, initializer: Any) -> None:
    """Settle all of a variable but its value, if it is to have none.

    Args:
        original: `_initialize_with_initializer`, in whose place this is.
        variable: the variable.
        initializer: what would make its value.
    """
    dtype, device = to_torch_dtype(variable._dtype), str(get_device())
    is_plain = type(variable) is backend.Variable and device != "meta"
    if not is_plain or not builds.is_abstract(variable._shape, dtype.itemsize):
        original(variable, initializer)
        return
    draws = Draws(initializer)
    made = draws.run(
        lambda: _on_symbols(initializer, variable._shape, variable._dtype),
        lambda: initializer(variable._shape, dtype=variable._dtype),
    )
    nothing = torch.empty(tuple(made.shape), dtype=dtype, device="meta")
    parameter = AbstractParameter(nothing, requires_grad=variable.trainable)
    parameter.path, parameter.place = variable.path, torch.device(device)
    variable._value = parameter
    variable.__class__ = AbstractTorchVariable

    def make_value(variable: Any) -> None:
        variable.__class__ = backend.Variable
        with device_scope(device):
            original(variable, initializer)
        _put_in_place(parameter, variable._value)

    builds.add(ValuelessWeight(variable, draws, make_value))


def _on_symbols(initializer: Any, shape: Any, dtype: Any) -> Any:
    with shape_inference(), torch.no_grad(), device_scope("meta"):
        return initializer(shape, dtype=dtype)


def _put_in_place(parameter: Any, value: Any) -> None:
    """Have the modules that hold the one hold the other: Torch knows no variables of Keras."""
    for holder in gc.get_referrers(parameter):
        if type(holder) is dict:
            for key, held in list(holder.items()):
                if held is parameter:
                    holder[key] = value
