"""The random states that an initializer draws from: a value that is made later is to be the same.

Keras' own initializers have a seed each, which is drawn when they are made or when they run first.
So it does not matter when they run, unless several share a SeedGenerator. Those of anybody else may
draw from whatever there is.
"""

from __future__ import annotations

import functools
import random
import sys
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from buildtrace.generations import PACKAGES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_OWN = tuple(
    f"{package}."
    for package in (*PACKAGES, "keras_hub", "buildtrace", "tensorflow.python.distribute")
)
"""Packages whose initializers draw from their seed alone, and functions that only copy."""

_GLOBAL_GENERATOR = "global_seed_generator"
"""What Keras 3 calls the generator that stands in for a seed that was not given."""


class RandomState(NamedTuple):
    """A state that random numbers come from: how it is read, and how it is set."""

    read: Callable[[], Any]
    set: Callable[[Any], Any]


class Draws:
    """What an initializer draws from, as it is when the initializer should run."""

    def __init__(self, initializer: Any) -> None:
        self._initializer = initializer
        self._is_own = _is_own(initializer)
        self._generator = _seed_generator(initializer)
        states = [] if self._generator is None else [_state_of(self._generator)]
        if not self._is_own:
            states += _global_states()
        self._before = [(state, state.read()) for state in states]

    def run(self, on_symbols: Callable[[], Any], for_real: Callable[[], Any]) -> Any:
        """Run the initializer without keeping a value; all states are as after a real run.

        One that is not Keras' own runs for real, as nothing else tells what it draws.

        Args:
            on_symbols: runs it without memory.
            for_real: runs it as usual.

        Returns:
            What came out: something with a shape, to be dropped.
        """
        if not self._is_own:
            result = for_real()
            self._before = [(s, before) for s, before in self._before if _differ(s.read(), before)]
            return result
        result = on_symbols()
        if self._generator is not None:
            self._generator.next()
        return result

    @contextmanager
    def again(self) -> Iterator[None]:
        """A block in which the states are as they were; after it they are as they are now."""
        with ExitStack() as later:
            for state, before in self._before:
                later.callback(state.set, state.read())
                state.set(before)
            if hasattr(self._initializer, "_used"):  # Keras 2 warns of one that runs twice
                self._initializer._used = False
            yield


def _is_own(initializer: Any) -> bool:
    """Whether what runs was written by Keras itself."""
    while isinstance(initializer, functools.partial):
        initializer = initializer.func
    function = getattr(initializer, "__func__", initializer)
    if not hasattr(function, "__code__"):
        function = type(initializer).__call__
    module = getattr(function, "__module__", None) or ""
    return f"{module}.".startswith(_OWN)


def _seed_generator(initializer: Any) -> Any:
    """The SeedGenerator of Keras 3 that an initializer was given as its seed, if it was."""
    seed = getattr(initializer, "seed", None)
    return seed if hasattr(seed, "next") and hasattr(seed, "state") else None


def _state_of(generator: Any) -> RandomState:
    return RandomState(lambda: np.array(generator.state), generator.state.assign)


def _global_states() -> list[RandomState]:
    """Those of the process, as far as what has them is imported."""
    states = [
        RandomState(random.getstate, random.setstate),
        RandomState(np.random.get_state, np.random.set_state),
    ]
    if (keras := sys.modules.get("keras.src.backend.common.global_state")) is not None:
        states += _states_of_keras(keras)
    context = getattr(sys.modules.get("tensorflow.python.eager.context"), "_context", None)
    if getattr(context, "_rng", None) is not None:
        states.append(_state_of_tensorflow(context))
    if (torch := sys.modules.get("torch")) is not None:
        states.append(RandomState(torch.get_rng_state, torch.set_rng_state))
    return states


def _state_of_tensorflow(context: Any) -> RandomState:
    """What the operations draw their seeds from, which go on where they are if they are kept."""

    def set_state(state: Any) -> None:
        context._rng.setstate(state)
        context.clear_kernel_cache()

    return RandomState(context._rng.getstate, set_state)


def _differ(one: Any, other: Any) -> bool:
    """Whether two states do, which may be tuples of arrays."""
    if isinstance(one, tuple):
        return any(map(_differ, one, other))
    return not np.array_equal(np.asarray(one), np.asarray(other))


def _states_of_keras(global_state: Any) -> list[RandomState]:
    """Keras 3's own generator, which is made when it is needed first, and its state."""
    generator = global_state.get_global_attribute(_GLOBAL_GENERATOR)
    if generator is not None:
        return [_state_of(generator)]
    return [
        RandomState(
            functools.partial(global_state.get_global_attribute, _GLOBAL_GENERATOR),
            functools.partial(global_state.set_global_attribute, _GLOBAL_GENERATOR),
        )
    ]
