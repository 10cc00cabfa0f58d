"""What running dry fits were given: targets, which are data of the user's, and callbacks."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

LARGEST = 2**31
"""A number beyond this is none that stands for a class, or for a color."""


class _Given(NamedTuple):
    model: Any
    targets: Any
    rows: int
    callbacks: Any = None


class GivenTargets:
    """Looks at one batch of the targets, if they are NumPy's; in a training proper at none."""

    def __init__(self) -> None:
        self._given: list[_Given] = []

    def begin(self, model: Any, targets: Any, rows: Any, callbacks: Any = None) -> object:
        """A fit begins; what comes back is for `end`.

        Args:
            model: what is fitted.
            targets: the argument `y` of `fit`.
            rows: how many a batch has; what is no number stands for Keras' own 32.
            callbacks: those that it runs without.
        """
        given = _Given(model, targets, rows if isinstance(rows, int) else 32, callbacks)
        self._given.append(given)
        return given

    def end(self, begun: object) -> None:
        """A fit is over."""
        self._given = [given for given in self._given if given is not begun]

    def callbacks_of(self, model: Any) -> Any:
        """The callbacks that the running dry fit of a model was given."""
        return next((one.callbacks for one in reversed(self._given) if one.model is model), None)

    def bounds(
        self, model: Any, output: str, names: Sequence[str], *, without: int | None = None
    ) -> tuple[int, int] | None:
        """The smallest and the largest number in the first batch of an output's targets.

        `None` if they are not NumPy's, or not all of them whole numbers.

        Args:
            model: whose output it is.
            output: its name.
            names: those of all outputs, in order.
            without: a number that does not count.
        """
        for given in reversed(self._given):
            if given.model is model:
                return _bounds(_of_output(given.targets, output, names), given.rows, without)
        return None


def _of_output(targets: Any, output: str, names: Sequence[str]) -> Any:
    if isinstance(targets, dict):
        return targets.get(output)
    if isinstance(targets, (list, tuple)):
        place = list(names).index(output) if output in names else len(targets)
        return targets[place] if place < len(targets) else None
    return targets


def _bounds(targets: Any, rows: int, without: int | None) -> tuple[int, int] | None:
    numpy = sys.modules.get("numpy")
    if numpy is None or not isinstance(targets, numpy.ndarray) or targets.dtype.kind not in "biuf":
        return None
    batch = targets[:rows] if targets.ndim else targets
    batch = batch[batch != without]
    if not batch.size or not numpy.isfinite(batch).all() or (batch != numpy.floor(batch)).any():
        return None
    smallest, largest = int(batch.min()), int(batch.max())
    return (smallest, largest) if -LARGEST < smallest <= largest < LARGEST else None
