"""A weight without a value: what it will be made of, and how it is said that it has none."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from buildtrace.abstract.builds import giving_values
from buildtrace.errors import AbstractWeightError

if TYPE_CHECKING:
    from collections.abc import Callable

    from buildtrace.abstract.draws import Draws


class ValuelessWeight:
    """A weight that has no value yet.

    Attributes:
        variable: a weak reference to it, since a model that nobody wants is not to stay for this.
    """

    def __init__(self, variable: Any, draws: Draws, make_value: Callable[[Any], None]) -> None:
        """Keep what is needed.

        Args:
            variable: the weight.
            draws: what its initializer draws from.
            make_value: gives the variable that it gets its value, as the backend would have done.
        """
        self.variable = weakref.ref(variable)
        self._draws = draws
        self._make_value: Callable[[Any], None] | None = make_value

    def give_value(self) -> None:
        """Make the value, if there is none yet."""
        make_value, variable = self._make_value, self.variable()
        if make_value is None or variable is None:
            return
        with giving_values(), self._draws.again():
            make_value(variable)
        self._make_value = None


def no_value(path: str) -> AbstractWeightError:
    """The error for whoever wants the value of a weight, or wants to give it one."""
    return AbstractWeightError(
        f"{path} has no value: it was made in buildtrace.abstract(), where weights take no memory. "
        "Call materialize() on what abstract() gave, or build the model outside of it."
    )


def raise_loading_failure(
    original: Callable[..., None], errors: Any, *args: Any, **kw: Any
) -> None:
    """Raise what a file's weights could not be loaded for, if that is a weight without a value.

    Args:
        original: the function of Keras 3 in whose place this is: it raises its own error.
        errors: what could not be loaded, and why.
        *args: for the original.
        **kw: for the original.

    Raises:
        AbstractWeightError: it is.
    """
    for _, error in errors.values():
        if isinstance(error, AbstractWeightError):
            raise error
    original(errors, *args, **kw)
