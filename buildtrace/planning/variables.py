"""The variables of a plan: the weights of a trace, their gradients, and what optimizers keep."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from buildtrace.planning.placements import shard_shape
from buildtrace.planning.planned import PlannedVariable
from buildtrace.traces.dtype_sizes import bytes_per_number
from buildtrace.traces.totals import trained_weights

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.planning.blocks import UnitRow
    from buildtrace.planning.planned import Mesh, VariableKind
    from buildtrace.traces.schema import Variable, VariableLayout, Weight
    from buildtrace.traces.trace import Trace


class WeightOwners(NamedTuple):
    """Whose the weights of a trace are.

    Attributes:
        block: id of a weight → place of its block.
        trained: ids of the weights that are trained.
    """

    block: dict[int, int]
    trained: frozenset[int]


def owners_of(trace: Trace, blocks: list[UnitRow]) -> WeightOwners:
    """Whose the weights are, given the blocks of the trace."""
    trained = {weight.id: weight.trainable for weight in trace.weights}
    for graph in trace.index.outermost_graphs:
        trained |= {weight.id: is_trained for weight, is_trained in trained_weights(trace, graph)}
    return WeightOwners(
        block={
            weight.id: place
            for place, block in enumerate(blocks)
            for unit in block.units
            for weight in unit.weights
        },
        trained=frozenset(id_ for id_, is_trained in trained.items() if is_trained),
    )


def planned_variables(
    trace: Trace, owners: WeightOwners, mesh: Mesh | None, first_holder: int = 0
) -> tuple[PlannedVariable, ...]:
    """All variables: weights, then the gradients of those that are trained, then the optimizers'.

    Args:
        trace: where they are.
        owners: whose the weights are.
        mesh: the devices that they are spread over, if there are any.
        first_holder: optimizers with a lower id are left out.
    """
    weights = [weight for weight in trace.weights if not weight.replaced]
    trained = [weight for weight in weights if weight.id in owners.trained]
    planner = _Planner(trace, owners, mesh)
    made = [planner.of_weight(weight, "weight") for weight in weights]
    made += [planner.of_weight(weight, "gradient") for weight in trained]
    made += [planner.of_slot(variable) for variable in slots_of(trace, first_holder)]
    return tuple(
        PlannedVariable(id=place, **fields)  # type: ignore[arg-type]
        for place, fields in enumerate(made)
    )


def slots_of(trace: Trace, first_holder: int = 0) -> Iterator[Variable]:
    """What the optimizers of a trace hold, from the one of this id on."""
    optimizers = {h.id for h in trace.holders if h.kind == "optimizer" and h.id >= first_holder}
    for variable in trace.variables:
        if variable.holder in optimizers:
            yield variable


class _Planner:
    """Says of the variables of one trace what they take and where."""

    def __init__(self, trace: Trace, owners: WeightOwners, mesh: Mesh | None) -> None:
        self._trace, self._owners, self._mesh = trace, owners, mesh

    def of_weight(self, weight: Weight, kind: VariableKind) -> dict[str, object]:
        """The fields of a weight, or of its gradient, which is like it."""
        return {
            "kind": kind,
            "weight": weight.id,
            "trainable": weight.id in self._owners.trained,
            "layer": self._trace.layers.get(-1 if weight.layer is None else weight.layer),
            **self._common(weight, weight.layout),
            **self._made(weight),
        }

    def of_slot(self, variable: Variable) -> dict[str, object]:
        """The fields of what an optimizer keeps: it lies as the weight does that it is for."""
        found = self._trace.index.weight_by_id
        weight = None if variable.weight is None else found.get(variable.weight)
        layout = variable.layout
        if layout is None and weight is not None and weight.shape == variable.shape:
            layout = weight.layout
        layer = None if weight is None or weight.layer is None else weight.layer
        return {
            "kind": "optimizer",
            "weight": variable.weight,
            "trainable": weight is not None,
            "layer": self._trace.layers.get(-1 if layer is None else layer),
            **self._common(variable, layout),
            **({} if weight is None else self._made(weight)),
        }

    def _made(self, weight: Weight) -> dict[str, object]:
        call = None if weight.call is None else self._trace.index.call_by_id.get(weight.call)
        return {
            "block": self._owners.block.get(weight.id),
            "caller": None if call is None else call.caller,
        }

    def _common(
        self, variable: Weight | Variable, layout: VariableLayout | None
    ) -> dict[str, object]:
        number = math.prod(size or 0 for size in variable.shape)
        width = bytes_per_number(variable.dtype) or 0
        axes = layout.axes if layout is not None and self._mesh is not None else ()
        shard = (
            variable.shape if self._mesh is None else shard_shape(variable.shape, axes, self._mesh)
        )
        return {
            "path": variable.path or variable.name,
            "shape": variable.shape,
            "dtype": variable.dtype,
            "parameters": number,
            "size": number * width,
            "axes": axes,
            "pattern": self._pattern(layout),
            "shard": shard,
            "on_device": math.prod(size or 0 for size in shard) * width,
        }

    def _pattern(self, layout: VariableLayout | None) -> str:
        if layout is None or layout.pattern is None or self._mesh is None:
            return ""
        patterns = self._trace.distributions[layout.distribution].patterns
        return patterns[layout.pattern].pattern if layout.pattern < len(patterns) else ""
