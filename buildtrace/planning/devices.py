"""The devices that a trace speaks of: a mesh, or those that its variables say they lie on."""

from __future__ import annotations

import re
from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING

from buildtrace.planning.planned import Memory, Mesh, PlannedDevice, PlannedPattern

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from buildtrace.planning.planned import PlannedVariable
    from buildtrace.traces.schema import Distribution
    from buildtrace.traces.trace import Trace

_PLACE = re.compile(r"^(\S*/[A-Za-z_]+):(\d{1,9}(?:-\d{1,9})?(?:,\d{1,9}(?:-\d{1,9})?)*)$")
"""Devices as a trace names them: "/GPU:0,1", "/worker:1/GPU:0-3"."""

USUAL = "/CPU:0"
"""Where a variable lies of which nothing else is said."""

MOST = 10_000
"""So many devices are listed of a variable: a file may name any number."""


def distribution_of(trace: Trace) -> Distribution | None:
    """The distribution that most weights are spread by; else the last one, if there is any."""
    used = Counter(weight.layout.distribution for weight in trace.weights if weight.layout)
    if used:
        return trace.distributions[used.most_common(1)[0][0]]
    return trace.distributions[-1] if trace.distributions else None


def mesh_of(distribution: Distribution, source: str, shape: tuple[int, ...] = ()) -> Mesh:
    """The mesh of a distribution, or one of another shape with the same axes."""
    return Mesh(
        class_name=distribution.class_name,
        source=source,
        axes=distribution.mesh_axes,
        shape=tuple(max(size, 1) for size in shape or distribution.mesh_shape),
        batch_axis=distribution.batch_axis,
        patterns=tuple(
            PlannedPattern(
                pattern=entry.pattern,
                axes=entry.axes,
                others=len(entry.outputs) + entry.variables,
                caller=entry.caller,
            )
            for entry in distribution.patterns
        ),
    )


def devices_of(
    trace: Trace, mesh: Mesh | None, variables: Iterable[PlannedVariable]
) -> tuple[PlannedDevice, ...]:
    """What each device holds; nothing if no device but the usual one is spoken of."""
    if mesh is not None:
        return _of_mesh(mesh, variables)
    places = {weight.id: weight.placement for weight in trace.weights if weight.placement}
    devices = {place: names(place) for place in set(places.values())}
    if not any(devices.values()):
        return ()
    held: dict[str, Counter[str]] = {}
    for variable in variables:
        place = places.get(-1 if variable.weight is None else variable.weight)
        for name in devices[place] if place else [USUAL]:
            held.setdefault(name, Counter())[variable.kind] += variable.size
    return tuple(
        PlannedDevice(names=(name,), memory=_memory(sums)) for name, sums in sorted(held.items())
    )


def names(placement: str | None) -> list[str]:
    """The devices that a placement names, one by one: "/GPU:0-2" has three."""
    return list(islice(_names(placement), MOST))


def _names(placement: str | None) -> Iterator[str]:
    for word in (placement or "").split():
        match = _PLACE.match(word)
        if match is None:
            continue
        for part in match[2].split(","):
            first, _, last = part.partition("-")
            for number in range(int(first), int(last or first) + 1):
                yield f"{match[1]}:{number}"


def _of_mesh(mesh: Mesh, variables: Iterable[PlannedVariable]) -> tuple[PlannedDevice, ...]:
    sums: Counter[str] = Counter()
    for variable in variables:
        sums[variable.kind] += variable.on_device
    last = str(mesh.devices - 1)
    ends = ("0", last) if mesh.devices > 1 else ("0",)
    return (PlannedDevice(names=ends, number=mesh.devices, memory=_memory(sums)),)


def _memory(sums: Counter[str]) -> Memory:
    return Memory(weights=sums["weight"], gradients=sums["gradient"], optimizer=sums["optimizer"])
