"""What a call's arguments and result tell, for each way that the landmark tables name.

A reader has three parts: which layer the call is about, what to read when it starts, and what
to read when it has ended well. All read shapes and names only, and write them into the record.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from buildtrace.capture import snapshot
from buildtrace.capture.flow import Flow
from buildtrace.capture.operations import is_audible

if TYPE_CHECKING:
    from collections.abc import Callable

    from buildtrace.capture.record import Record
    from buildtrace.generations.base import Reads


class Reader(NamedTuple):
    """How to read the calls of a landmark."""

    layer_of: Callable[[Record], Any]
    open: Callable[[Record], None]
    close: Callable[[Record, Any], None]


# -- which layer ----------------------------------------------------------------------------


def _self(record: Record) -> Any:
    return record.args[0]


def _no_layer(_record: Record) -> None:
    return None


def _self_or_none(record: Record) -> Any:
    """A function has tensors as its first argument; a method, the model or layer."""
    is_method = "." in record.function.name
    return record.args[0] if is_method else None


def _operation_of_node(record: Record) -> Any:
    named = record.kwargs
    return record.args[1] if len(record.args) > 1 else named.get("operation", named.get("layer"))


# -- what goes in ---------------------------------------------------------------------------


def _nothing(_record: Record, _result: Any = None) -> None:
    return None


def _tensors_in(record: Record) -> None:
    tensors = _tensors(record)
    record.inputs = _specs(tensors)
    if tensors and type(tensors[0]) is not record.probe.adapter.tensor_class:
        _follow(record, tensors)  # else Keras itself keeps the graph of its symbolic tensors


def _shapes_in(record: Record) -> None:
    given = (*record.args[1:], *record.kwargs.values())
    record.inputs = tuple([made for value in given for made in snapshot.shapes(value)])


def _inputs_of_parent(record: Record) -> None:
    if record.parent is not None:
        record.inputs = record.parent.inputs


# -- what comes out -------------------------------------------------------------------------


def _tensors_out(record: Record, result: Any) -> None:
    tensors = [result] if _is_symbol(record, result) else list(snapshot.tensors(result))
    record.outputs = _specs(tensors)
    if record.flow is not None:
        record.flow.set_outputs(tensors)
    if record.sources is not None:
        _join(record, tensors)


def _shapes_out(record: Record, result: Any) -> None:
    record.outputs = snapshot.shapes(result)


def _input_out(record: Record, result: Any) -> None:
    if result is not None:
        record.outputs = snapshot.specs(result)


def _node_out(record: Record, _result: Any) -> None:
    named = record.kwargs
    record.inputs = snapshot.specs(
        (record.args[2:4], named.get("call_args"), named.get("call_kwargs"))
    )
    record.outputs = snapshot.specs(record.args[4:] or named.get("outputs"))
    if record.parent is not None and record.parent.probe.landmark.reads == "input":
        record.parent.outputs = record.outputs


def _ends_out(record: Record, _result: Any) -> None:
    """A graph's inputs and outputs, from `f(inputs, outputs)` or a method like it."""
    given = record.args if record.layer is None else record.args[1:]
    inputs = given[0] if given else record.kwargs.get("inputs")
    outputs = given[1] if len(given) > 1 else record.kwargs.get("outputs")
    record.inputs, record.outputs = snapshot.specs(inputs), snapshot.specs(outputs)


def _initializer_out(record: Record, _result: Any) -> None:
    """Note which initializer ran, for the `add_weight` around it."""
    name = type(record.args[0]).__name__
    around = record.parent
    while around is not None:
        around.note = name
        if around.probe.landmark.reads == "weight":
            break
        around = around.parent


READERS: dict[Reads, Reader] = {
    "call": Reader(_self, _tensors_in, _tensors_out),
    "state": Reader(_self, _inputs_of_parent, _nothing),
    "shapes": Reader(_self, _shapes_in, _shapes_out),
    "weight": Reader(_self, _nothing, _nothing),
    "initializer": Reader(_no_layer, _nothing, _initializer_out),
    "node": Reader(_operation_of_node, _nothing, _node_out),
    "graph": Reader(_self_or_none, _nothing, _ends_out),
    "input": Reader(_self_or_none, _nothing, _input_out),
    "name": Reader(_no_layer, _nothing, _nothing),
}


def _is_symbol(record: Record, value: Any) -> bool:
    return type(value) is record.probe.adapter.tensor_class


def _specs(tensors: list[Any]) -> tuple[Any, ...]:
    return tuple([snapshot.spec(tensor.shape, tensor.dtype) for tensor in tensors])


def _tensors(record: Record) -> list[Any]:
    """The tensors that a layer is called on; one that is passed twice counts once."""
    args = record.args
    if len(args) == 2 and not record.kwargs and _is_symbol(record, args[1]):
        return [args[1]]
    found = snapshot.tensors((args[1:], record.kwargs))
    return list({id(tensor): tensor for tensor in found}.values())


# -- what flows between layers, for models whose graph Keras does not keep ------------------


def _follow(record: Record, tensors: list[Any]) -> None:
    """A layer is called: find out where its inputs come from, and be ready to see inside it."""
    follow_inside(record)
    parent = record.parent
    if parent is None or parent.layer is None or parent.layer is record.layer:
        return
    if record.probe.landmark.name == "Layer.__call__":
        if parent.flow is None:
            parent.flow = _new_flow(parent, tensors)
        record.sources = parent.flow.sources(tensors)


def follow_inside(record: Record) -> None:
    """A layer of the user's is about to run on data: follow that from the start."""
    tensors = _tensors(record)
    if tensors and is_audible(tensors[0]) and not record.probe.adapter.is_own(record.layer):
        record.flow = _new_flow(record, tensors)


def _new_flow(record: Record, tensors: list[Any]) -> Flow:
    """What flows between the layers that run directly inside this call.

    Args:
        record: the call; if it was given tensors, they are the flow's inputs.
        tensors: some that flow in it, to tell whether we can hear of operations on them.
    """
    flow = Flow()
    flow.audible = next((tensor for tensor in tensors if is_audible(tensor)), None)
    if record.probe.landmark.reads == "call":
        for tensor in _tensors(record):
            if not _is_symbol(record, tensor):
                flow.add_input(tensor)
    return flow


def _join(record: Record, tensors: list[Any]) -> None:
    """The layer that `_follow` saw start has ended: it is a node of the flow around it."""
    parent = record.parent
    ref = record.ref
    if parent is not None and parent.flow is not None and record.sources is not None and ref:
        parent.flow.add_layer(ref.id, ref.name, ref.class_name, record.sources, tensors)
