"""Builds without memory: layers are built for real, and their weights have no values."""

from __future__ import annotations

import contextlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING

from buildtrace.abstract import builds
from buildtrace.abstract.builds import REAL_BELOW, AbstractBuild
from buildtrace.abstract.replacements import Replacements
from buildtrace.capture import note_abstract

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["REAL_BELOW", "AbstractBuild", "abstract"]

_replacements = Replacements()


@contextlib.contextmanager
def abstract(*, real_below: int = REAL_BELOW) -> Iterator[AbstractBuild]:
    """Within this block, in all threads, weights of Keras take no memory.

    Layers are built for real. A weight has its shape, dtype, path, initializer and layout; whoever
    asks for its value, or gives it one, gets an `AbstractWeightError`. Real are arrays that are
    given as first values, and small weights, since some layers read theirs while they are built.

    Args:
        real_below: weights of fewer bytes are real.

    Yields:
        What is built: it can be given its values afterwards.

    Raises:
        AbstractBuildError: an imported Keras lacks what this needs.
    """
    build = AbstractBuild(real_below)
    try:
        _replacements.acquire(build)
        builds.begin(build)
        note_abstract(build, on=True)
        yield build
    finally:
        note_abstract(build, on=False)
        builds.end(build)
        _replacements.release(build)


class _CallableModule(ModuleType):
    """This package, which Python puts in the place of the public function when it is imported."""

    __call__ = staticmethod(abstract)


sys.modules[__name__].__class__ = _CallableModule
