"""What a call's arguments and result tell, for each way that the landmark tables name.

A reader says which layer the call is about, what to read when it starts, and what to read when
it has ended well. All read shapes and names only, and write them into the record.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from buildtrace.capture import loading, snapshot
from buildtrace.capture.flow import DataFlow
from buildtrace.capture.operations import is_audible
from buildtrace.capture.record import Reader

if TYPE_CHECKING:
    from buildtrace.capture.record import HookedLandmark, Record
    from buildtrace.generations.base import Reads


# -- which layer ----------------------------------------------------------------------------


def _no_layer(_hooked: HookedLandmark, _args: Any, _kwargs: Any) -> None:
    return None


def _self_or_none(hooked: HookedLandmark, args: Any, kwargs: Any) -> Any:
    """A function has tensors as its first argument; a method, the model or layer."""
    is_method = "." in hooked.function.name
    if not is_method:
        return None
    return args[0] if args else kwargs.get("self")


def _owner_of_function(hooked: HookedLandmark, args: Any, _kwargs: Any) -> Any:
    """The layer whose method is run, or that is run itself."""
    if args and isinstance(args[0], hooked.adapter.layer_class):
        return args[0]
    return getattr(args[0], "__self__", None) if args else None


def _operation_of_node(_hooked: HookedLandmark, args: Any, kwargs: Any) -> Any:
    return args[1] if len(args) > 1 else kwargs.get("operation", kwargs.get("layer"))


# -- what goes in ---------------------------------------------------------------------------


def _tensors_in(record: Record) -> None:
    args, around = record.args, record.parent
    if len(args) > 1 and type(args[1]) is record.hooked.symbol:  # the most common case: kept fast
        if around is not None and around.layer is record.layer and _is_first(args[1], around):
            record.inputs = around.inputs  # handed on to this call
            return
        if len(args) == 2 and not record.kwargs:
            record.inputs = snapshot.one_spec(args[1].shape, args[1].dtype)
            return
    tensors = _tensors(record)
    record.inputs = snapshot.specs_of(tensors)
    if tensors and type(tensors[0]).__name__ == "KerasTensor":  # of this Keras, or of another
        record.foreign = snapshot.foreign_classes(tensors, record.hooked.adapter.package)
    if tensors and not _is_symbol(record, tensors[0]):
        _follow(record, tensors)  # else Keras itself keeps the graph of its symbolic tensors


def _is_first(tensor: Any, record: Record) -> bool:
    """Whether the layer of this call was called on `tensor` first of all."""
    return len(record.args) > 1 and record.args[1] is tensor


def _shapes_in(record: Record) -> None:
    given = (*record.args[1:], *record.kwargs.values())
    if len(given) == 1:
        record.inputs = snapshot.shapes(given[0])
    else:
        record.inputs = tuple([shape for value in given for shape in snapshot.shapes(value)])


def _initializer_in(record: Record) -> None:
    """Note which initializer runs, for the `add_weight` around it."""
    name = type(record.args[0]).__name__
    around = record.parent
    while around is not None and around.initializer is None:
        around.initializer = name
        if around.hooked.makes_weight:
            break
        around = around.parent


def _inputs_of_parent(record: Record) -> None:
    if record.parent is not None:
        record.inputs = record.parent.inputs


# -- what comes out -------------------------------------------------------------------------


def _tensors_out(record: Record, result: Any) -> None:
    if record.hooked.calls_layer and len(record.args) > 1 and _has_mask(record.args[1]):
        _note_dropped_mask(record, result)
    if type(result) is record.hooked.symbol and record.flow is None and record.sources is None:
        record.outputs = snapshot.one_spec(result.shape, result.dtype)
        return
    tensors = snapshot.tensors(result)
    record.outputs = snapshot.specs_of(tensors)
    if record.flow is not None:
        record.flow.set_outputs(tensors)
    if record.sources is not None:
        _join(record, tensors)


def _has_mask(given: Any) -> bool:
    if isinstance(given, (list, tuple)):
        return any(_has_mask(part) for part in given)
    return getattr(given, "_keras_mask", None) is not None


def _note_dropped_mask(record: Record, result: Any) -> None:
    """A tensor with a mask went in; Keras hands it on at the end of `Layer.__call__`."""
    if not any(map(_has_mask, snapshot.tensors(result))):
        record.mask_dropped = not _supports_masking(record.layer)


def _supports_masking(layer: Any) -> bool:
    """Whether a layer hands a mask on.

    A Lambda of Keras 2 says so in any case, as it has a `compute_mask`: that gives what it was made
    with as `mask`, and no mask if that was nothing.
    """
    is_without = type(layer).__name__ == "Lambda" and getattr(layer, "mask", layer) is None
    return getattr(layer, "supports_masking", False) and not is_without


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
    if record.parent is not None and record.parent.hooked.landmark.reads == "input":
        record.parent.outputs = record.outputs


def _ends_out(record: Record, _result: Any) -> None:
    """A graph's inputs and outputs, from `f(inputs, outputs)` or a method like it."""
    given = record.args if record.layer is None else record.args[1:]
    inputs = given[0] if given else record.kwargs.get("inputs")
    outputs = given[1] if len(given) > 1 else record.kwargs.get("outputs")
    record.inputs, record.outputs = snapshot.specs(inputs), snapshot.specs(outputs)


def _data_in(record: Record) -> None:
    """The data that a model is trained on, if it is told apart from the targets; or else all."""
    if "x" in record.hooked.parameters:
        record.inputs = snapshot.specs(record.hooked.named_arguments(record).get("x"))
    else:
        _given(record)


def _given(record: Record) -> None:
    """All tensors that go in, in the order of the arguments."""
    record.inputs = snapshot.specs((record.args[1:], record.kwargs))


READERS: dict[Reads, Reader] = {
    "call": Reader(None, _tensors_in, _tensors_out, reads_state=True),
    "trial": Reader(_owner_of_function, _tensors_in, _tensors_out),
    "state": Reader(None, _inputs_of_parent, None, reads_state=True),
    "shapes": Reader(None, _shapes_in, _shapes_out, reads_state=True),
    "weight": Reader(None, None, None),
    "variable": Reader(_no_layer, None, None),
    "initializer": Reader(_no_layer, _initializer_in, None),
    "node": Reader(_operation_of_node, None, _node_out),
    "graph": Reader(_self_or_none, None, _ends_out, reads_state=True),
    "input": Reader(_self_or_none, None, _input_out, reads_state=True),
    "training": Reader(None, _data_in, _input_out),
    "container": Reader(_no_layer, _given, _input_out),
    "loss": Reader(_no_layer, _given, _input_out),
    "optimizer": Reader(_no_layer, None, None),
    "held": Reader(_no_layer, None, None),
    "file": Reader(_self_or_none, loading.open_file, loading.layer_out),
    "config": Reader(_no_layer, None, loading.layer_out),
    "values": Reader(loading.owner, loading.open_part, None),
    "name": Reader(_no_layer, None, None),
}


def _is_symbol(record: Record, value: Any) -> bool:
    return type(value) is record.hooked.symbol


def _tensors(record: Record) -> list[Any]:
    """The tensors that a layer is called on; one that is passed twice counts once."""
    symbol = record.hooked.adapter.tensor_class
    tensors = []
    for value in (*record.args[1:], *record.kwargs.values()):
        if type(value) is symbol:
            tensors.append(value)
        else:
            tensors += snapshot.tensors(value)
    if len(tensors) < 2:
        return tensors
    return list({id(tensor): tensor for tensor in tensors}.values())


def kind_of_input(args: Any) -> type:
    """The type of the first tensor that a layer was called on."""
    leaf = args[1] if len(args) > 1 else None
    try:
        while isinstance(leaf, (list, tuple, dict)) and leaf:
            leaf = next(iter(leaf.values() if isinstance(leaf, dict) else leaf))
    except Exception:  # a list of the user's own kind
        return type(leaf)
    return type(leaf)


# -- what flows between layers, for models whose graph Keras does not keep ------------------


def _follow(record: Record, tensors: list[Any]) -> None:
    """Find out where the inputs of a called layer come from, and be ready to see inside it."""
    follow_inside(record)
    parent = record.parent
    if parent is None or parent.layer is None or parent.layer is record.layer:
        return
    if record.hooked.calls_layer:
        if parent.flow is None:
            if not _is_followed(parent):
                return
            parent.flow = _new_flow(parent, tensors)
        record.sources = parent.flow.sources(tensors)


def _is_followed(record: Record) -> bool:
    """Whether what runs in the layer is worth a graph: not for layers of Keras such as LSTM."""
    adapter = record.hooked.adapter
    if record.hooked.of_training:
        return False
    return isinstance(record.layer, adapter.model_class) or not adapter.is_own(record.layer)


def follow_inside(record: Record) -> None:
    """Follow from the start what flows in a layer of the user's that is about to run on data."""
    if record.hooked.adapter.is_own(record.layer):
        return
    tensors = _tensors(record)
    if tensors and is_audible(tensors[0]):
        record.flow = _new_flow(record, tensors)


def _new_flow(record: Record, tensors: list[Any]) -> DataFlow:
    """What flows between the layers that run directly inside this call.

    Args:
        record: the call; if it was given tensors, they are the flow's inputs.
        tensors: some that flow in it, to tell whether we can hear of operations on them.
    """
    flow = DataFlow()
    flow.audible = next((tensor for tensor in tensors if is_audible(tensor)), None)
    if record.hooked.landmark.reads == "call":
        for tensor in _tensors(record):
            if not _is_symbol(record, tensor):
                flow.add_input(tensor)
    return flow


def join_failed(record: Record) -> None:
    """Add a layer that `_follow` saw start, and that an exception has ended now."""
    parent = record.parent
    if parent is not None and parent.flow is not None and record.sources is not None:
        ref = snapshot.layer_ref(record.layer, record.number or 0)
        parent.flow.add_failed(ref.id, ref.name, ref.class_name, record.sources)


def symbols(record: Record) -> list[Any]:
    """The symbolic tensors that a layer or operation is called on; none if it is no such call."""
    if record.hooked.reader is not READERS["call"]:
        return []
    return [tensor for tensor in _tensors(record) if isinstance(tensor, record.hooked.symbol)]


def _join(record: Record, tensors: list[Any]) -> None:
    """Add a layer that `_follow` saw start, and that has ended now, to the flow around it."""
    parent = record.parent
    if parent is not None and parent.flow is not None and record.sources is not None:
        ref = snapshot.layer_ref(record.layer, record.number or 0)
        parent.flow.add_layer(ref.id, ref.name, ref.class_name, record.sources, tensors)
