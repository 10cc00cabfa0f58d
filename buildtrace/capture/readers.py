"""What a call's arguments and result tell, for each way that the landmark tables name.

`open_call` runs when a call starts, `close_call` when it has ended well. Both read shapes and
names only, and write them into the record.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from buildtrace.capture import snapshot
from buildtrace.capture.flow import Flow
from buildtrace.capture.operations import is_eager

if TYPE_CHECKING:
    from buildtrace.capture.record import Record

_WITH_LAYER = frozenset({"call", "state", "shapes", "weight"})


def layer_of(record: Record) -> Any:
    """The layer, operation or model that a call is about, if there is one."""
    reads = record.probe.landmark.reads
    args = record.args
    if reads in _WITH_LAYER:
        return args[0]
    if reads == "node":
        named = record.kwargs
        return args[1] if len(args) > 1 else named.get("operation", named.get("layer"))
    if reads in {"graph", "input"} and args:
        # A function has tensors as its first argument; a method, the model or layer.
        return args[0] if hasattr(args[0], "_inbound_nodes") or _is_new(record) else None
    return None


def _is_new(record: Record) -> bool:
    return record.function.name.endswith(".__init__")


def open_call(record: Record) -> None:
    """Read what goes in."""
    reads = record.probe.landmark.reads
    if reads == "call":
        tensors = _tensors(record)
        record.inputs = tuple(snapshot.spec(t.shape, t.dtype) for t in tensors)
        if tensors:
            _follow(record, tensors)
    elif reads == "shapes":
        given = (*record.args[1:], *record.kwargs.values())
        record.inputs = tuple(made for value in given for made in snapshot.shapes(value))
    elif reads == "state" and record.parent is not None:
        record.inputs = record.parent.inputs


def close_call(record: Record, result: Any) -> None:
    """Read what came out."""
    reads = record.probe.landmark.reads
    if reads == "call":
        tensors = list(snapshot.tensors(result))
        record.outputs = tuple(snapshot.spec(t.shape, t.dtype) for t in tensors)
        if record.flow is not None:
            record.flow.set_outputs(tensors)
        _join(record, tensors)
    elif reads == "shapes":
        record.outputs = snapshot.shapes(result)
    elif reads == "input":
        record.outputs = snapshot.specs(result)
    elif reads == "initializer" and record.parent is not None:
        _note_initializer(record)
    elif reads == "graph":
        record.inputs, record.outputs = _ends(record)
    elif reads == "node":
        record.inputs = snapshot.specs((record.args[2:], _without_outputs(record.kwargs)))
        record.outputs = snapshot.specs(record.kwargs.get("outputs"))
        if record.parent is not None and record.parent.probe.landmark.reads == "input":
            record.parent.outputs = record.outputs


def _tensors(record: Record) -> list[Any]:
    found = snapshot.tensors((record.args[1:], record.kwargs))
    return list({id(tensor): tensor for tensor in found}.values())  # one may be passed twice


def _without_outputs(kwargs: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in kwargs.items() if name in {"call_args", "call_kwargs"}}


def _ends(record: Record) -> tuple[Any, Any]:
    """Specs of a graph's inputs and outputs, from `f(inputs, outputs)` or a method like it."""
    given = record.args if record.layer is None else record.args[1:]
    inputs = given[0] if given else record.kwargs.get("inputs")
    outputs = given[1] if len(given) > 1 else record.kwargs.get("outputs")
    return snapshot.specs(inputs), snapshot.specs(outputs)


def _note_initializer(record: Record) -> None:
    name = type(record.args[0]).__name__
    around = record.parent
    while around is not None:
        around.note = name
        if around.probe.landmark.reads == "weight":
            break
        around = around.parent


# -- what flows between layers, for models whose graph Keras does not keep ------------------


def _follow(record: Record, tensors: list[Any]) -> None:
    """A layer is called: find out where its inputs come from, and be ready to see inside it."""
    if type(tensors[0]) is record.probe.adapter.tensor_class:
        return  # Keras itself keeps the graph of its own symbolic tensors
    follow_inside(record)
    parent = record.parent
    if parent is None or parent.layer is None or parent.layer is record.layer:
        return
    if record.probe.landmark.name == "Layer.__call__":
        if parent.flow is None:
            parent.flow = _new_flow(parent)
        record.sources = parent.flow.sources(tensors)


def follow_inside(record: Record) -> None:
    """A layer of the user's is about to run on data: follow that from the start."""
    tensors = _tensors(record)
    if tensors and is_eager(tensors[0]) and not record.probe.adapter.is_own(record.layer):
        record.flow = _new_flow(record)


def _new_flow(record: Record) -> Flow:
    """What flows between the layers that run directly inside this call; its inputs are known."""
    flow = Flow()
    if record.probe.landmark.reads == "call":
        symbol = record.probe.adapter.tensor_class
        for tensor in _tensors(record):
            if type(tensor) is not symbol:
                flow.add_input(tensor)
    return flow


def _join(record: Record, tensors: list[Any]) -> None:
    """The layer that `_follow` saw start has ended: it is a node of the flow around it."""
    parent = record.parent
    if record.sources is None or parent is None or parent.flow is None or record.ref is None:
        return
    ref = record.ref
    parent.flow.add_layer(ref.id, ref.name, ref.class_name, record.sources, tensors)
