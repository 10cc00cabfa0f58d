"""How much there is of weights: how many, and how many numbers in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from buildtrace.traces.schema import Weight


class Totals(NamedTuple):
    """The sums over some weights.

    Attributes:
        weights: how many there are.
        parameters: how many scalars are in them.
        trainable: how many of those scalars are trained.
    """

    weights: int
    parameters: int
    trainable: int

    @property
    def not_trainable(self) -> int:
        """How many of the scalars are not trained."""
        return self.parameters - self.trainable


def totals(weights: Iterable[Weight]) -> Totals:
    """The sums over these weights."""
    number = parameters = trainable = 0
    for weight in weights:
        number += 1
        parameters += weight.parameters
        trainable += weight.parameters if weight.trainable else 0
    return Totals(number, parameters, trainable)
