"""The parts of a saved file: what is no layer's, and which one is another under a new name.

Each part has a place in the file, and the shapes of what it holds, in order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

Slot = TypeVar("Slot", bound="Hashable")

VARIABLES = "vars"
"""The group that has a layer's own arrays, beside those of the layers in it."""

OPTIMIZER = "optimizer"

STATES = {
    OPTIMIZER: OPTIMIZER,
    "optimizer_weights": OPTIMIZER,
    "seed_generator": "random seeds",
    "_random_generator": "random seeds",
    "metrics": "metrics",
}
"""Groups of what is no weight of the model, and what that is."""

OLD_LIST = "_layer_checkpoint_dependencies"
"""The group that a model's layers are in, in files of TensorFlow 2.13: what has weights stands
twice in that list, so that the second number is left out."""

LISTS = ("layers", OLD_LIST)
"""The groups that a model's layers are in: a layer may be called as one of the states."""


def is_state(place: str) -> bool:
    """Whether a place in a file is that of something that is no layer."""
    groups = place.split("/")
    return any(
        group in STATES and (not at or groups[at - 1] not in LISTS)
        for at, group in enumerate(groups)
    )


def renamed(missing: Mapping[Slot, object], surplus: Mapping[Slot, object]) -> dict[Slot, Slot]:
    """Which part seems to be another one under a new name.

    That is so of two that hold the same, if there are no others on either side that do.

    Args:
        missing: what is looked for and not there, and what each should hold.
        surplus: what is there that nobody looks for, and what it holds.

    Returns:
        For parts that are missing those in the surplus.
    """
    wanted, there = list(missing.values()), list(surplus.values())
    return {
        key: next(other for other, found in surplus.items() if found == holds)
        for key, holds in missing.items()
        if holds and wanted.count(holds) == there.count(holds) == 1
    }
