"""A weight without a value: what it will be made of, and how it is said that it has none."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from buildtrace.abstract import blocks
from buildtrace.abstract.draws import Draws
from buildtrace.errors import AbstractWeightError

if TYPE_CHECKING:
    from collections.abc import Callable


class Unmade:
    """A weight that has no value yet.

    Attributes:
        variable: a weak reference to it, since a model that nobody wants is not to stay for this.
        draws: what its initializer draws from.
    """

    def __init__(
        self, variable: Any, initializer: Any, draws: Draws, give: Callable[[Any, Any], None]
    ) -> None:
        """`give(variable, initializer)` makes the value, as the backend would have made it."""
        self.variable = weakref.ref(variable)
        self.draws = draws
        self._initializer = initializer
        self._give: Callable[[Any, Any], None] | None = give

    def make(self) -> None:
        """Give the value, if there is none yet."""
        give, variable = self._give, self.variable()
        if give is None or variable is None:
            return
        with blocks.real(), self.draws.again():
            give(variable, self._initializer)
        self._give = None


def no_value(path: str) -> AbstractWeightError:
    """The error for whoever wants the value of a weight, or wants to give it one."""
    return AbstractWeightError(
        f"{path} has no value: it was made in buildtrace.abstract(), where weights take no memory. "
        "Call materialize() on what abstract() gave, or build the model outside of it."
    )
