"""Keras 3 on JAX: a variable whose value is `None`, and which says so when it is asked.

Keras has such variables itself, while the shape of what a layer gives is inferred.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
from keras.src.backend.common.stateless_scope import StatelessScope, get_stateless_scope

from buildtrace.abstract import blocks
from buildtrace.abstract.draws import Draws
from buildtrace.abstract.inference import in_inference, shape_inference
from buildtrace.abstract.unmade import Unmade, no_value

if TYPE_CHECKING:
    from collections.abc import Callable


def initialize(original: Callable[[Any, Any], None], variable: Any, initializer: Any) -> None:
    """In the place of `_initialize_with_initializer`: settle all of a variable but its value."""
    dtype = jnp.dtype(variable._dtype)
    if not blocks.takes(variable._shape, dtype.itemsize):
        original(variable, initializer)
        return
    if hasattr(variable, "_initialize_layout"):
        variable._initialize_layout()
    draws = Draws(initializer)
    made = draws.run(
        lambda: _on_symbols(initializer, variable._shape, variable._dtype),
        lambda: initializer(variable._shape, dtype=variable._dtype),
    )
    real_class = type(variable)
    variable.__class__ = _abstract_class(real_class)
    variable._value = None
    variable._initialize(jax.ShapeDtypeStruct(made.shape, dtype))

    def give(variable: Any, initializer: Any) -> None:
        variable.__class__ = real_class
        variable._initialize_with_initializer(initializer)

    blocks.add(Unmade(variable, initializer, draws, give))


def _on_symbols(initializer: Any, shape: Any, dtype: Any) -> Any:
    with shape_inference():
        return jax.eval_shape(lambda: jnp.asarray(initializer(shape, dtype=dtype)))


@functools.cache
def _abstract_class(real: type) -> type:
    """A variable's class, for variables without a value."""

    class AbstractJaxVariable(real):  # type: ignore[misc, valid-type]
        @property
        def value(self) -> Any:
            """What stands for the value while shapes are inferred."""
            scope = get_stateless_scope()
            current = None if scope is None else scope.get_current_value(self)
            if current is not None:
                return self._maybe_autocast(current)
            if not in_inference() or not isinstance(jnp.zeros(()), jax.core.Tracer):
                raise no_value(self.path)
            return self._maybe_autocast(jnp.zeros(self._shape, self._dtype))

        def _direct_assign(self, value: Any) -> None:
            if not isinstance(value, jax.ShapeDtypeStruct):
                raise no_value(self.path)

        def __reduce_ex__(self, protocol: Any) -> Any:
            raise no_value(self.path)

        def __repr__(self) -> str:
            return f"<Variable path={self.path}, shape={self.shape}, dtype={self.dtype}, abstract>"

    AbstractJaxVariable.__name__ = AbstractJaxVariable.__qualname__ = real.__name__
    AbstractJaxVariable.__module__ = real.__module__
    return AbstractJaxVariable
