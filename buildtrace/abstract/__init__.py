"""Builds without memory: layers are built for real, and their weights have no values."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from buildtrace.abstract import blocks
from buildtrace.abstract.patching import Replacements
from buildtrace.capture import note_abstract

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["AbstractBuild", "abstract"]

_replacements = Replacements()


class AbstractBuild:
    """What was built in a block of `abstract()`."""

    def __init__(self, block: blocks.Block) -> None:
        self._block = block

    def materialize(self, *models: Any) -> None:
        """Give the weights the values that a real build would have given them, bit by bit.

        Args:
            *models: those whose weights are to have values (or a layer, an optimizer); all if none
                is named.
        """
        wanted = None if not models else {id(v) for model in models for v in _variables(model)}
        for unmade in list(self._block.unmade):
            variable = unmade.variable()
            if wanted is None or id(variable) in wanted:
                unmade.make()


def _variables(model: Any) -> list[Any]:
    variables = model.variables
    variables = variables() if callable(variables) else variables
    return [inner for v in variables for inner in (v, getattr(v, "_value", None))]


@contextlib.contextmanager
def abstract(*, real_below: int = blocks.REAL_BELOW) -> Iterator[AbstractBuild]:
    """Within this block, weights take no memory: they have a shape, a dtype, a path and a layout.

    Layers are built for real. Whatever asks a weight for its value, or gives it one, raises an
    `AbstractWeightError`. Arrays that are given as first values stay, and so do small weights, as
    some layers read them while they are built.

    Args:
        real_below: weights of fewer bytes than this are made as usual.

    Yields:
        What was built, which can be given its values afterwards.
    """
    block = blocks.Block(real_below)
    try:
        _replacements.acquire(block)
        blocks.enter(block)
        note_abstract(block, on=True)
        yield AbstractBuild(block)
    finally:
        note_abstract(block, on=False)
        blocks.leave(block)
        _replacements.release(block)
