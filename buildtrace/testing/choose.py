"""What of a trace an assertion speaks of: layers by name or class, and how they were built."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Protocol

    from buildtrace.traces.schema import Call, LayerRef, Weight
    from buildtrace.traces.trace import Trace

    class Named(Protocol):
        """A layer or model of Keras."""

        @property
        def name(self) -> str:
            """Its name."""


BUILD, CALL = "Layer.build", "Layer.__call__"
"""The landmarks that say where a layer is built, and where it is used."""


def name_of(layer: str | Named) -> str:
    """The name that was given, or that a layer of Keras has."""
    return layer if isinstance(layer, str) else layer.name


def layers_called(trace: Trace, layer: str | Named) -> list[LayerRef]:
    """The layers of this name, or else of this class, in order of appearance."""
    name = name_of(layer)
    layers = list(trace.layers.values())
    named = [ref for ref in layers if ref.name == name]
    return named or [ref for ref in layers if ref.class_name == name]


def quoted(name: str) -> str:
    """A name of the user's, for a message: on one line, whatever is in it."""
    return f"'{wording.sanitize(name)}'"


def known(trace: Trace) -> str:
    """The layers that there are, for a message."""
    names = dict.fromkeys(quoted(ref.name) for ref in trace.layers.values())
    return wording.listed(names, 12) or "none"


def described(ref: LayerRef) -> str:
    """A layer's name and class, for a message."""
    return f"{quoted(ref.name)} {wording.layer_class(ref)}"


def builds_of(trace: Trace, layer: int) -> list[Call]:
    """The times that a layer was built: calls of its `build`, those inside of others left out.

    `Layer.build` is a layer's own only if it has no other: Keras 2 calls it after each `build`.
    A functional model has none at all: it is built by the call that makes it.
    """
    calls = [call for call in trace.calls if call.layer and call.layer.id == layer]
    found = [call for call in calls if call.landmark == BUILD]
    found = [call for call in found if call.name != BUILD] or found
    found = found or [call for call in calls if call.changes.get("built") == (False, True)]
    ids = {call.id for call in found}
    return [c for c in found if not any(outer.id in ids for outer in trace.ancestors(c))]


def made_in_build(trace: Trace, weight: Weight) -> bool:
    """Whether a weight was made by a `build`, not by `__init__`, `call` or somebody else."""
    if weight.call is None:
        return False
    for call in trace.ancestors(trace.call(weight.call)):
        if call.landmark == BUILD:
            return True
        if call.landmark == CALL:
            return False
    return False


def unbuilt(trace: Trace) -> Iterator[tuple[LayerRef, LayerRef | None]]:
    """The layers that a model has and that are not built, each with its model.

    A model that is itself not built comes with `None`.
    """
    for graph in trace.graphs:
        if not graph.built:
            yield graph.model, None
        seen: set[int] = set()
        for node in graph.nodes:
            if not node.built and node.layer is not None and node.layer not in seen:
                seen.add(node.layer)
                yield trace.layers[node.layer], graph.model
