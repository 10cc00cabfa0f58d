"""Puts what makes weights without memory into Keras, and takes it out again.

Like the hooks of a tracing, it is there once for the process, from the first block of `abstract()`
that is entered to the last one that is left; and each step can be done again.
"""

from __future__ import annotations

import functools
import importlib
import sys
import threading
from typing import Any, NamedTuple

from buildtrace import generations
from buildtrace.capture.imports import ImportWatch
from buildtrace.errors import AbstractBuildError

_ABSENT: Any = object()

_METHOD = "_initialize_with_initializer"


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
            generation, adapter = generations.adapter_for(package)
            if generation.name == "keras3":
                self._add_keras3(adapter.backend)
            else:
                self._add_tensorflow()
                self._add_keras2(adapter.root)
            self._packages.add(package)

    def _add_keras3(self, backend: str) -> None:
        if backend not in ("jax", "tensorflow", "torch"):
            raise AbstractBuildError(f"Keras on {backend} cannot be built without memory")
        variable_class = sys.modules["keras.src.backend"].Variable
        original = getattr(variable_class, _METHOD, None)
        if original is None:
            raise AbstractBuildError(f"this Keras has no Variable.{_METHOD}")
        module = importlib.import_module(f"buildtrace.abstract.{backend}_variables")

        def replaced(variable: Any, initializer: Any) -> None:
            module.initialize(original, variable, initializer)

        self._replace(variable_class, _METHOD, functools.wraps(original)(replaced))
        if backend == "tensorflow":
            self._add_tensorflow()

    def _add_tensorflow(self) -> None:
        if "tensorflow" in self._packages:
            return
        self._packages.add("tensorflow")
        module = importlib.import_module("buildtrace.abstract.tensorflow_variables")
        for name, creator in _CREATORS:
            owner = importlib.import_module(name)
            original = getattr(owner, creator)
            now = functools.wraps(original)(functools.partial(module.create, original))
            self._replace(owner, creator, now)

    def _add_keras2(self, root: str) -> None:
        from buildtrace.abstract.keras2_slots import LazyZeros

        owner = importlib.import_module(f"{root}.optimizers.optimizer")
        self._replace(owner, "tf", LazyZeros(owner.tf))

    def _replace(self, owner: Any, name: str, now: Any) -> None:
        self._done.append(Replacement(owner, name, vars(owner).get(name, _ABSENT), now))
        setattr(owner, name, now)


_CREATORS = (
    ("tensorflow.python.ops.resource_variable_ops", "default_variable_creator_v2"),
    ("tensorflow.python.ops.ref_variable", "default_variable_creator"),
)
"""What makes a variable at last: below all strategies, in all threads."""
