"""Keras 2's optimizers make the zeros for their slots themselves, before there is a variable.

What their module calls `tf` is TensorFlow then, but for zeros that are made when they are asked
for. Adagrad and Ftrl make other first values, each in its own way: these stay real.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from buildtrace.abstract import builds

if TYPE_CHECKING:
    from types import ModuleType


class LazyZeros:
    """TensorFlow as a module sees it, with zeros that take no memory until they are needed."""

    def __init__(self, tensorflow: ModuleType) -> None:
        self._tensorflow = tensorflow

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tensorflow, name)

    def zeros(self, shape: Any, dtype: Any = "float32", **kwargs: Any) -> Any:
        """Zeros, or what a variable takes as its initializer in their place."""
        sizes, item = self._tensorflow.TensorShape(shape), self._tensorflow.as_dtype(dtype)
        if sizes.is_fully_defined() and builds.is_abstract(sizes, item.size):
            return functools.partial(_zeros, sizes, dtype=item, tensorflow=self._tensorflow)
        return self._tensorflow.zeros(shape, dtype, **kwargs)


def _zeros(shape: Any, dtype: Any, tensorflow: Any) -> Any:
    return tensorflow.zeros(shape, dtype)
