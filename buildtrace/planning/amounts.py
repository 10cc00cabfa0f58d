"""Sums over variables of a plan, and which of them are alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.planning.planned import Amount, Memory

if TYPE_CHECKING:
    from collections.abc import Iterable

    from buildtrace.planning.planned import PlannedVariable


def amount(variables: Iterable[PlannedVariable]) -> Amount:
    """What these variables come to together."""
    variables = list(variables)
    weights = [variable for variable in variables if variable.kind == "weight"]
    return Amount(
        weights=len(weights),
        parameters=sum(weight.parameters for weight in weights),
        trainable=sum(weight.parameters for weight in weights if weight.trainable),
        memory=_memory((variable, variable.size) for variable in variables),
        on_device=_memory((variable, variable.on_device) for variable in variables),
    )


def alike(variables: list[PlannedVariable]) -> list[list[PlannedVariable]]:
    """The variables of one name, shape and dtype in layers of one class, the heaviest first."""
    groups: dict[tuple[object, ...], list[PlannedVariable]] = {}
    for variable in variables:
        owner = variable.layer and variable.layer.class_name
        name = variable.path.rpartition("/")[2]
        groups.setdefault((owner, name, variable.shape, variable.dtype), []).append(variable)
    return sorted(groups.values(), key=lambda group: -sum(v.size for v in group))


def _memory(sizes: Iterable[tuple[PlannedVariable, int]]) -> Memory:
    sums = {"weight": 0, "gradient": 0, "optimizer": 0}
    for variable, size in sizes:
        sums[variable.kind] += size
    return Memory(weights=sums["weight"], gradients=sums["gradient"], optimizer=sums["optimizer"])
