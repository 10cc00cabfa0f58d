"""Keras 3 on JAX: a variable whose value is `None`, and which says so when it is asked.

Keras has such variables itself, until the shape of what a layer gives is known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
from keras.src import backend
from keras.src.backend.common.stateless_scope import get_stateless_scope

from buildtrace.abstract import builds
from buildtrace.abstract.draws import Draws
from buildtrace.abstract.inference import in_inference, shape_inference
from buildtrace.abstract.valueless import ValuelessWeight, no_value

if TYPE_CHECKING:
    from collections.abc import Callable


class AbstractJaxVariable(backend.Variable):  # type: ignore[misc]
    """A variable without a value."""

    @property
    def value(self) -> Any:
        """What stands for the value while shapes are inferred."""
        scope = get_stateless_scope()
        value = None if scope is None else scope.get_current_value(self)
        if value is None:
            if not in_inference() or not isinstance(jnp.zeros(()), jax.core.Tracer):
                raise no_value(self.path)
            value = jnp.zeros(self._shape, self._dtype)
        return self._maybe_autocast(value)

    def _direct_assign(self, value: Any) -> None:  # noqa: ARG002
        if self._value is not _SETTLING:
            raise no_value(self.path)

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Refuse to be copied or pickled."""
        raise no_value(self.path)

    def __repr__(self) -> str:
        return f"<Variable path={self.path}, shape={self.shape}, dtype={self.dtype}, abstract>"


_SETTLING: Any = object()
"""Stands for the value while Keras takes up the shape and the layout of it."""

AbstractJaxVariable.__name__ = AbstractJaxVariable.__qualname__ = backend.Variable.__name__
AbstractJaxVariable.__module__ = backend.Variable.__module__


def initialize(original: Callable[[Any, Any], None], variable: Any, initializer: Any) -> None:
    """Settle all of a variable but its value, if it is to have none.

    Args:
        original: `_initialize_with_initializer`, in whose place this is.
        variable: the variable.
        initializer: what would make its value.
    """
    dtype = jnp.dtype(variable._dtype)
    is_plain = type(variable) is backend.Variable
    if not is_plain or not builds.is_abstract(variable._shape, dtype.itemsize):
        original(variable, initializer)
        return
    if hasattr(variable, "_initialize_layout"):  # from 3.13 on, before the initializer
        variable._initialize_layout()
    draws = Draws(initializer)
    made = draws.run(
        lambda: _on_symbols(initializer, variable._shape, variable._dtype),
        lambda: initializer(variable._shape, dtype=variable._dtype),
    )
    variable._value, variable.__class__ = _SETTLING, AbstractJaxVariable
    jax.eval_shape(variable._initialize, jax.ShapeDtypeStruct(made.shape, dtype))
    variable._value = None

    def make_value(variable: Any) -> None:
        variable.__class__ = backend.Variable
        original(variable, initializer)

    builds.add(ValuelessWeight(variable, draws, make_value))


def _on_symbols(initializer: Any, shape: Any, dtype: Any) -> Any:
    with shape_inference():
        return jax.eval_shape(lambda: jnp.asarray(initializer(shape, dtype=dtype)))
