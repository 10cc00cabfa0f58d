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

_OWN = (*PACKAGES, "keras_hub", "buildtrace")
"""Packages whose initializers draw from their seed alone."""


class RandomState(NamedTuple):
    """A state that random numbers come from: how it is read, and how it is set."""

    read: Callable[[], Any]
    set: Callable[[Any], Any]


class Draws:
    """What an initializer draws from, as it is when it should run."""

    def __init__(self, initializer: Any) -> None:
        self._initializer = initializer
        self._is_own = _is_own(initializer)
        self._generator = _seed_generator(initializer)
        states = [] if self._generator is None else [_generator_state(self._generator)]
        if not self._is_own:
            states += _global_states()
        self._before = [(state, state.read()) for state in states]

    def run(self, on_symbols: Callable[[], Any], for_real: Callable[[], Any]) -> Any:
        """Run the initializer without making a value; all states are as after a real run.

        One that is not Keras' own runs for real, as nothing else tells what it draws. What it gives
        is to be dropped.

        Args:
            on_symbols: runs it without memory.
            for_real: runs it as usual.

        Returns:
            What came out: something with a shape.
        """
        if not self._is_own:
            return for_real()
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
            if hasattr(self._initializer, "_used"):  # Keras 2 warns if one is used twice
                self._initializer._used = False
            yield


def _is_own(initializer: Any) -> bool:
    """Whether Keras itself has written what runs."""
    while isinstance(initializer, functools.partial):
        initializer = initializer.func
    function = getattr(initializer, "__func__", initializer)
    if not hasattr(function, "__code__"):
        function = type(initializer).__call__
    module = getattr(function, "__module__", None) or ""
    return module.partition(".")[0] in _OWN


def _seed_generator(initializer: Any) -> Any:
    """The SeedGenerator of Keras 3 that an initializer was given as its seed, if it was."""
    seed = getattr(initializer, "seed", None)
    return seed if hasattr(seed, "next") and hasattr(seed, "state") else None


def _generator_state(generator: Any) -> RandomState:
    return RandomState(lambda: np.array(generator.state), generator.state.assign)


def _global_states() -> list[RandomState]:
    """Those of the process."""
    states = [
        RandomState(random.getstate, random.setstate),
        RandomState(np.random.get_state, np.random.set_state),
    ]
    if "keras.src.backend.common.global_state" in sys.modules:
        states += _keras_states(sys.modules["keras.src.backend.common.global_state"])
    context = getattr(sys.modules.get("tensorflow.python.eager.context"), "_context", None)
    draws = getattr(context, "_rng", None)
    if draws is not None:
        states.append(RandomState(draws.getstate, draws.setstate))
    torch = sys.modules.get("torch")
    if torch is not None:
        states.append(RandomState(torch.get_rng_state, torch.set_rng_state))
    return states


def _keras_states(global_state: Any) -> list[RandomState]:
    """The generator of Keras 3 for whoever gives no seed: made when it is needed first."""
    name = "global_seed_generator"
    get = functools.partial(global_state.get_global_attribute, name)
    states = [RandomState(get, functools.partial(global_state.set_global_attribute, name))]
    if get() is not None:
        states.append(_generator_state(get()))
    return states
