"""The builds without memory that are on, and the weights that were made in them.

One counts for all threads, as `buildtrace.trace()` does: a layer may be built in another.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from math import prod
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from buildtrace.abstract.valueless import ValuelessWeight

REAL_BELOW = 4096
"""Weights of fewer bytes have values: a Normalization of 1,000 features reads its own."""


class AbstractBuild:
    """What is built without memory in one block of `buildtrace.abstract()`."""

    def __init__(self, real_below: int) -> None:
        """Weights of fewer bytes than `real_below` have values."""
        self.real_below = real_below
        self._weights: list[ValuelessWeight] = []

    def add(self, weight: ValuelessWeight) -> None:
        """Take up a weight without a value."""
        self._weights.append(weight)

    def materialize(self, *owners: Any) -> None:
        """Give weights the values that a real build would have given them, bit by bit.

        It takes the memory that the build did without. Weights that have a value keep it.

        Args:
            *owners: the models, layers or optimizers whose weights are to have values; if none is
                named, all that were built.
        """
        wanted = {id(variable) for owner in owners for variable in _variables(owner)}
        for weight in list(self._weights):  # in this order: a copy comes after what it copies
            if not owners or id(weight.variable()) in wanted:
                weight.give_value()


def _variables(owner: Any) -> Iterator[Any]:
    """Those of a model, a layer or an optimizer, with the backend's own that are in them."""
    variables = owner.variables() if callable(owner.variables) else owner.variables
    waiting = list(variables)
    while waiting:
        variable = waiting.pop()
        yield variable
        held = getattr(variable, "__dict__", {})
        waiting += [held[name] for name in ("_value", "_variable") if held.get(name) is not None]
        waiting += held.get("_values") or ()


_builds: tuple[AbstractBuild, ...] = ()
"""Those that are on, the innermost last; replaced as a whole, never changed."""

_lock = threading.Lock()


class _Giving(threading.local):
    """How many blocks of `giving_values` a thread is in."""

    depth = 0


_giving = _Giving()


def begin(build: AbstractBuild) -> None:
    """Have weights made without memory from now on."""
    global _builds
    with _lock:
        _builds = (*_builds, build)


def end(build: AbstractBuild) -> None:
    """Have no more of them made for this build; can be done twice."""
    global _builds
    with _lock:
        _builds = tuple(other for other in _builds if other is not build)


def is_abstract(shape: Iterable[int], item_bytes: int) -> bool:
    """Whether a weight of this size that is being made in this thread is to have no value."""
    builds = _builds
    if not builds or _giving.depth:
        return False
    return prod(map(int, shape)) * item_bytes >= builds[-1].real_below


def add(weight: ValuelessWeight) -> None:
    """Tell all builds that are on of a weight without a value."""
    for build in _builds:
        build.add(weight)


@contextmanager
def giving_values() -> Iterator[None]:
    """A block in which, in this thread, whatever is made has values."""
    _giving.depth += 1
    try:
        yield
    finally:
        _giving.depth -= 1
