"""Makes the plan of a trace: this is where its parts come together."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from buildtrace.planning.activations import lower_bound
from buildtrace.planning.amounts import amount
from buildtrace.planning.blocks import blocks_of, units_of
from buildtrace.planning.devices import devices_of, distribution_of, mesh_of
from buildtrace.planning.flops import multiply_adds
from buildtrace.planning.placements import indivisible_axes
from buildtrace.planning.planned import (
    Indivisible,
    MemoryFit,
    Plan,
    PlannedBlock,
    PlannedDtype,
    PlannedLayer,
    PlannedModel,
)
from buildtrace.planning.variables import owners_of, planned_variables, slots_of
from buildtrace.traces import wording
from buildtrace.traces.dtype_sizes import bytes_per_number

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Iterator

    from buildtrace.planning.blocks import UnitRow
    from buildtrace.planning.planned import Amount, Compiled, Mesh, PlannedVariable, Stop
    from buildtrace.traces.trace import Trace


ABOUT_DEVICES = "BT9"
"""How the codes of the rules begin that are about devices and layouts."""


class PlanRequest(NamedTuple):
    """What is asked of a plan besides the trace.

    Attributes:
        target: what is planned, as it was named.
        mesh_source: who gave the distribution, if the trace has one.
        mesh_shape: devices along the axes of its mesh, if other ones than it has.
        first_holder: the optimizers to count are those whose id is not lower.
        batch: how many samples there are in a batch; `None` if nobody asks for activations.
        device_memory: what a device has, in bytes; `None` if nobody asks whether it fits.
        compiled: what the compiler said, if it was asked.
        stop: where the script was ended, if it was.
        notes: what a reader should know besides.
    """

    target: str = ""
    mesh_source: str = "the script"
    mesh_shape: tuple[int, ...] = ()
    first_holder: int = 0
    batch: int | None = None
    device_memory: int | None = None
    compiled: Compiled | None = None
    stop: Stop | None = None
    notes: tuple[str, ...] = ()


def make_plan(trace: Trace, request: PlanRequest | None = None) -> Plan:
    """The plan of a trace.

    Args:
        trace: of a run, of a saved trace, or of a saved model's file.
        request: what else is known and asked for.
    """
    request = request or PlanRequest()
    distribution = distribution_of(trace)
    mesh = None
    if distribution is not None and _spreads(trace):
        mesh = mesh_of(distribution, request.mesh_source, request.mesh_shape)
    blocks = blocks_of(units_of(trace))
    variables = planned_variables(trace, owners_of(trace, blocks), mesh, request.first_holder)
    plan = Plan(
        target=request.target,
        amount=amount(variables),
        models=tuple(_models(trace, variables)),
        blocks=tuple(_blocks(blocks, variables)),
        layers=tuple(_layers(trace, blocks, variables)),
        dtypes=tuple(_dtypes(variables)),
        variables=variables,
        optimizer=_optimizer(trace, request.first_holder),
        mesh=mesh and _with_counts(mesh, variables),
        devices=devices_of(trace, mesh, variables),
        replicated=tuple(_replicated(mesh, variables)),
        indivisible=tuple(_indivisible(mesh, variables)),
        activations=None if request.batch is None else lower_bound(trace, request.batch, mesh),
        flops=multiply_adds(trace),
        compiled=request.compiled,
        stop=request.stop,
        notes=(*request.notes, *_notes(trace, mesh, variables)),
        findings=tuple(f for f in trace.findings if f.code.startswith(ABOUT_DEVICES)),
    )
    return _with_fit(plan, request.device_memory)


def _spreads(trace: Trace) -> bool:
    """Whether a distribution did anything: it does not on all backends."""
    return any(weight.layout is not None for weight in trace.weights)


# -- sums -------------------------------------------------------------------------------------


def _grouped(
    variables: Iterable[PlannedVariable], key: Callable[[PlannedVariable], Hashable]
) -> dict[Hashable, Amount]:
    """What the variables with one key come to."""
    groups: dict[Hashable, list[PlannedVariable]] = {}
    for variable in variables:
        groups.setdefault(key(variable), []).append(variable)
    return {key: amount(group) for key, group in groups.items()}


def _models(trace: Trace, variables: tuple[PlannedVariable, ...]) -> Iterator[PlannedModel]:
    for graph in trace.index.outermost_graphs:
        inside = {weight.id for weight in trace.index.weights_within(graph.model.id)}
        of_model = amount(variable for variable in variables if variable.weight in inside)
        yield PlannedModel(model=graph.model, amount=of_model)


def _blocks(
    blocks: list[UnitRow], variables: tuple[PlannedVariable, ...]
) -> Iterator[PlannedBlock]:
    amounts = _grouped(variables, lambda variable: variable.block)
    for place, block in enumerate(blocks):
        yield PlannedBlock(
            id=place,
            model=block.units[0].model,
            layers=tuple(unit.layer for unit in block.units[: block.length]),
            last=block.units[-1].layer,
            repeats=block.repeats,
            amount=amounts[place],
        )


def _layers(
    trace: Trace, blocks: list[UnitRow], variables: tuple[PlannedVariable, ...]
) -> Iterator[PlannedLayer]:
    """Each layer that has weights, with all that belongs to these."""
    by_weight: dict[int, list[PlannedVariable]] = {}
    for variable in variables:
        if variable.weight is not None:
            by_weight.setdefault(variable.weight, []).append(variable)
    listed = {unit.layer.id for block in blocks for unit in block.units}
    for id_, layer in trace.index.layer_by_id.items():
        inside = trace.index.weights_within(id_)
        of_layer = [variable for weight in inside for variable in by_weight.get(weight.id, ())]
        if not of_layer:
            continue
        places = {variable.block for variable in of_layer}
        yield PlannedLayer(
            layer=layer,
            block=places.pop() if len(places) == 1 else None,
            is_whole=id_ in listed,
            amount=amount(of_layer),
        )


def _dtypes(variables: tuple[PlannedVariable, ...]) -> list[PlannedDtype]:
    amounts = _grouped(variables, lambda variable: variable.dtype)
    rows = [PlannedDtype(dtype=str(name), amount=of_name) for name, of_name in amounts.items()]
    return sorted(rows, key=lambda row: -row.amount.memory.total)


def _optimizer(trace: Trace, first_holder: int) -> str:
    """The classes of the optimizers that hold something."""
    holding = {variable.holder for variable in slots_of(trace, first_holder)}
    classes = dict.fromkeys(h.class_name for h in trace.holders if h.id in holding)
    return wording.listed(map(wording.sanitize, classes))


# -- devices ----------------------------------------------------------------------------------


def _with_counts(mesh: Mesh, variables: tuple[PlannedVariable, ...]) -> Mesh:
    """The mesh, with what each entry of its layout map matched."""
    weights = [variable for variable in variables if variable.kind == "weight"]
    amounts = _grouped(weights, lambda weight: weight.pattern)
    counted = [
        replace(
            entry,
            variables=amounts[entry.pattern].weights,
            others=max(entry.others - amounts[entry.pattern].weights, 0),
            size=amounts[entry.pattern].memory.weights,
            on_device=amounts[entry.pattern].on_device.weights,
        )
        if entry.pattern in amounts
        else entry
        for entry in mesh.patterns
    ]
    return replace(mesh, patterns=tuple(counted))


def _replicated(mesh: Mesh | None, variables: tuple[PlannedVariable, ...]) -> list[int]:
    if mesh is None:
        return []
    whole = [v for v in variables if v.kind == "weight" and v.is_replicated]
    return [variable.id for variable in sorted(whole, key=lambda v: -v.size)]


def _indivisible(
    mesh: Mesh | None, variables: tuple[PlannedVariable, ...]
) -> Iterator[Indivisible]:
    if mesh is None:
        return
    for variable in variables:
        if variable.kind != "weight":
            continue
        for axis in indivisible_axes(variable.shape, variable.axes, mesh):
            yield Indivisible(
                variable=variable.id,
                axis=axis,
                size=variable.shape[axis] or 0,
                mesh_axes=variable.axes[axis],
                parts=mesh.size_of(variable.axes[axis]),
            )


# -- what is to be said besides ---------------------------------------------------------------


def _notes(
    trace: Trace, mesh: Mesh | None, variables: tuple[PlannedVariable, ...]
) -> Iterator[str]:
    unknown = dict.fromkeys(v.dtype for v in variables if bytes_per_number(v.dtype) is None)
    if unknown:
        yield (
            f"variables of dtype {wording.listed(map(wording.sanitize, unknown), 3)} have numbers "
            "of no fixed size: their bytes are not counted"
        )
    if mesh is None and trace.distributions and trace.weights:
        told = wording.sanitize(trace.distributions[-1].class_name)
        backend = wording.sanitize(trace.environment.backend or "this backend")
        yield (
            f"no weight got a layout of the {told} that Keras was told of: on {backend} it "
            "does nothing, or it was set too late"
        )
    if mesh is not None and trace.weights:
        early = [weight for weight in trace.weights if weight.layout is None]
        if early:
            number = wording.count(len(early), "weight")
            yield (
                f"{number} of {len(trace.weights):,} got no layout, such as "
                f"{wording.sanitize(early[0].path)}: Keras puts them on the first device, and here "
                "they are counted for each"
            )


def _with_fit(plan: Plan, available: int | None) -> Plan:
    """The plan, with whether it fits: into the fullest device, or into one that has all."""
    if available is None:
        return plan
    devices = [device.memory for device in plan.devices] or [plan.amount.memory]
    trains = bool(plan.optimizer)
    counted = ["weights", "gradients", "optimizer"] if trains else ["weights"]
    needed = max(memory.total if trains else memory.weights for memory in devices)
    if plan.activations is not None and plan.activations.outputs:
        counted.append("outputs of layers")
        needed += plan.activations.on_device
    return replace(plan, fit=MemoryFit(available=available, needed=needed, counted=tuple(counted)))
