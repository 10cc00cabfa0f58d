"""Puts what makes weights without memory into Keras, and takes it out again.

Like the hooks of a tracing, it is there once for the process, from the first block of `abstract()`
that is entered to the last one that is left; and each step can be done again.
"""

from __future__ import annotations

import functools
import importlib
import sys
import threading
from typing import TYPE_CHECKING, Any, NamedTuple

from buildtrace import generations
from buildtrace.abstract import keras2_slots
from buildtrace.abstract.valueless import raise_loading_failure
from buildtrace.capture.imports import ImportWatch
from buildtrace.errors import AbstractBuildError

if TYPE_CHECKING:
    from collections.abc import Callable

_ABSENT: Any = object()


class Replacement(NamedTuple):
    """An attribute that was set: what it was itself, and what it is now."""

    owner: Any
    name: str
    before: Any
    now: Any

    def undo(self) -> None:
        """Set it back, unless somebody else has set it since."""
        if vars(self.owner).get(self.name) is not self.now:
            return
        if self.before is _ABSENT:
            delattr(self.owner, self.name)
        else:
            setattr(self.owner, self.name, self.before)


class Replacements:
    """What is in Keras now, and for whom."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._users: set[object] = set()
        self._done: list[Replacement] = []
        self._packages: set[str] = set()
        self._watch: ImportWatch | None = None

    def acquire(self, user: object) -> None:
        """Have it in until `release`, which is to be called even if this is interrupted."""
        with self._lock:
            self._users.add(user)
            if self._watch is not None:
                return
            watch = ImportWatch(generations.PACKAGES, self._add_package)
            watch.start()
            self._watch = watch
            for package in generations.imported():
                self._add_package(package)

    def release(self, user: object) -> None:
        """Give it up for one user; with the last one, all goes. Can be done twice."""
        with self._lock:
            self._users.discard(user)
            if self._users:
                return
            if self._watch is not None:
                self._watch.stop()
            while self._done:
                self._done[-1].undo()
                self._done.pop()
            self._packages.clear()
            self._watch = None

    def _add_package(self, package: str) -> None:
        with self._lock:
            if package in self._packages or not self._users:
                return
            self._packages.add(package)
            generation, adapter = generations.adapter_for(package)
            if generation.name == "keras3":
                self._add_keras3(adapter.backend)
            else:
                self._add_tensorflow()
                optimizers = f"{adapter.root}.optimizers.optimizer"
                self._replace(optimizers, "tf", keras2_slots.LazyZeros)

    def _add_keras3(self, backend: str) -> None:
        if backend not in _BACKENDS or _runs_on_nnx():
            raise AbstractBuildError(
                f"weights without memory: not on this backend of Keras; on {', '.join(_BACKENDS)}, "
                "and without Flax NNX"
            )
        module = importlib.import_module(f"buildtrace.abstract.{backend}_variables")

        def make_initialize(original: Any) -> Any:
            def initialize(variable: Any, initializer: Any) -> None:
                module.initialize(original, variable, initializer)

            return functools.wraps(original)(initialize)

        self._replace("keras.src.backend:Variable", _METHOD, make_initialize)
        self._replace("keras.src.saving.saving_lib", _FAILURE, _before(raise_loading_failure))
        if backend == "tensorflow":
            self._add_tensorflow()

    def _add_tensorflow(self) -> None:
        if "tensorflow" in self._packages:
            return
        self._packages.add("tensorflow")
        module = importlib.import_module("buildtrace.abstract.tensorflow_variables")
        for where, creator in _CREATORS:
            self._replace(where, creator, _before(module.create))

    def _replace(self, where: str, name: str, make: Callable[[Any], Any]) -> None:
        """Set an attribute to what `make` makes of it.

        Args:
            where: a module, or "module:class".
            name: of the attribute, which a class may have from its bases.
            make: gets what there is, and gives what is to be there.

        Raises:
            AbstractBuildError: there is nothing of the name.
        """
        module, _, class_name = where.partition(":")
        try:
            owner = importlib.import_module(module)
            owner = getattr(owner, class_name) if class_name else owner
            original = getattr(owner, name)
        except (ImportError, AttributeError) as error:
            raise AbstractBuildError(
                f"weights without memory need {where}.{name}, which is not installed: {error}"
            ) from error
        now = make(original)
        self._done.append(Replacement(owner, name, vars(owner).get(name, _ABSENT), now))
        setattr(owner, name, now)


def _before(function: Callable[..., Any]) -> Callable[[Any], Any]:
    """Makes, of an original, the function that gets it as its first argument."""
    return lambda original: functools.wraps(original)(functools.partial(function, original))


def _runs_on_nnx() -> bool:
    """Whether variables of Keras are Flax's as well, which have values from the start."""
    is_enabled = getattr(sys.modules["keras.src.backend.config"], "is_nnx_enabled", None)
    return is_enabled is not None and bool(is_enabled())


_BACKENDS = ("jax", "tensorflow", "torch")

_METHOD = "_initialize_with_initializer"
_FAILURE = "_raise_loading_failure"

_CREATORS = (
    ("tensorflow.python.ops.variables", "default_variable_creator_v2"),
    ("tensorflow.python.ops.variable_v1", "default_variable_creator"),
)
"""What makes a variable at last: below all strategies, in all threads.

The modules are those that look the names up, on each version, not those that define the functions.
"""
