"""Counts the multiply-adds of a forward pass, and names the layers that it has no formula for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.planning.called_layers import CalledLayer, called_layers
from buildtrace.planning.formulas import Kernel, LayerWork, of_class
from buildtrace.planning.planned import Flops, LayerFlops, NotCounted
from buildtrace.traces.index import BUILD
from buildtrace.traces.schema import LARGEST

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.planning.called_layers import KnownSizes
    from buildtrace.traces.schema import LayerRef, Weight
    from buildtrace.traces.trace import Trace

NO_FORMULA = "no formula"
OWN_CODE = "a class that is not of Keras"
NOT_RUN = "its `call` has not run, so that it is not known what it calls"
OWN_WEIGHTS = "its own code uses weights of its own"
NOT_CALLED = "no call of it is in the graph of a model"
UNKNOWN_SIZE = "an axis of unknown size"
OTHER_FORM = "not of the form that its formula is for"
"""Why a layer is not counted."""

CountedKey = tuple[int | None, str]
"""A layer by its id, or an operation by its name."""


def multiply_adds(trace: Trace, batch: int = 1) -> Flops:
    """The multiply-adds of all models of a trace, each layer once for each of its calls.

    See `formulas` for what counts. What several models have in common is counted for the one that
    does most of it; what the code of a class outside of Keras does between the layers in it is
    counted only where the trace has operations for it.

    Args:
        trace: of a run or of a saved model; weights need not have values.
        batch: how many samples go in; axes of unknown size but that of the batch are not guessed.
    """
    counted: dict[CountedKey, LayerFlops] = {}
    not_counted: dict[CountedKey, NotCounted] = {}
    for graph in trace.index.outermost_graphs:
        in_model: dict[CountedKey, LayerFlops] = {}
        for called in called_layers(trace, graph):
            _count(trace, called, batch, in_model, not_counted)
        for key, flops in in_model.items():
            if key not in counted or counted[key].multiply_adds < flops.multiply_adds:
                counted[key] = flops
    seen = {key[0] for key in (*counted, *not_counted)}
    not_counted |= {(left.layer.id, ""): left for left in _left_out(trace, seen) if left.layer}
    return Flops(
        batch=batch,
        multiply_adds=min(sum(flops.multiply_adds for flops in counted.values()), LARGEST),
        layers=tuple(counted.values()),
        not_counted=tuple(not_counted.values()),
    )


def _count(
    trace: Trace,
    called: CalledLayer,
    batch: int,
    counted: dict[CountedKey, LayerFlops],
    not_counted: dict[CountedKey, NotCounted],
) -> None:
    """Puts a call of a layer with what is counted, or not counted."""
    node = called.node
    key = (node.layer, node.name if node.layer is None else "")
    layer = None if node.layer is None else trace.layers.get(node.layer)
    result = _flops_of(trace, called, batch)
    if isinstance(result, str):
        not_counted[key] = NotCounted(
            name=node.name, class_name=node.class_name, layer=layer, reason=result
        )
        return
    formula, number = result
    before = counted.get(key)
    counted[key] = LayerFlops(
        name=node.name,
        class_name=node.class_name,
        layer=layer,
        calls=min(called.times + (before.calls if before else 0), 2**31 - 1),
        multiply_adds=min(number * called.times + (before.multiply_adds if before else 0), LARGEST),
        formula=formula,
    )


def _flops_of(trace: Trace, called: CalledLayer, batch: int) -> tuple[str, int] | str:
    """The formula of a call and the multiply-adds that it says; else why these are not known."""
    node = called.node
    if node.layer is not None and _is_users(trace, node.layer):
        return NOT_RUN if node.layer in trace.index.part_graphs else OWN_CODE
    formula = of_class(node.class_name, _wrapped(trace, node.layer))
    if formula is None:
        return NO_FORMULA
    inputs = _known(called.inputs(trace, batch))
    outputs = _known(called.outputs(trace, batch))
    if inputs is None or outputs is None:
        return UNKNOWN_SIZE
    number = formula.multiply_adds(LayerWork(inputs, outputs, _kernels(trace, node.layer)))
    return OTHER_FORM if number is None else (formula.text, number)


def _known(tensors: list[KnownSizes | None]) -> list[KnownSizes] | None:
    known = [sizes for sizes in tensors if sizes is not None]
    return known if len(known) == len(tensors) else None


def _is_users(trace: Trace, layer: int) -> bool:
    """Whether the class of a layer is not Keras' own, so that its name says nothing of it."""
    state = trace.index.state_of(layer)
    if state is not None and state.file:
        return True
    saved = trace.saved.layers[layer] if _is_saved(trace, layer) and trace.saved else None
    return bool(saved and saved.module and saved.module.split(".")[0] not in ("keras", "tf_keras"))


def _is_saved(trace: Trace, layer: int) -> bool:
    return trace.saved is not None and layer < len(trace.saved.layers)


def _wrapped(trace: Trace, layer: int | None) -> str:
    """The class of the layer that a wrapper builds; "" if it is not known."""
    if layer is None or trace.layers[layer].class_name != "TimeDistributed":
        return ""
    for build in trace.index.built_by(layer):
        for inner in trace.index.inside(build):
            if inner.landmark == BUILD and inner.layer and inner.layer.id != layer:
                return inner.layer.class_name
    return ""


def _kernels(trace: Trace, layer: int | None) -> list[Kernel]:
    weights = [] if layer is None else trace.index.weights_within(layer)
    return [_kernel(weight, trace.layers.get(weight.layer or 0)) for weight in weights]


def _kernel(weight: Weight, owner: LayerRef | None) -> Kernel:
    shape = tuple(size or 0 for size in weight.shape)
    name, class_name = (owner.name, owner.class_name) if owner else ("", "")
    return Kernel(name, class_name, weight.name, shape)


def _left_out(trace: Trace, seen: set[int | None]) -> Iterator[NotCounted]:
    """The layers with weights that no call in a model's graph was met of."""
    within = trace.index.weights_within
    covered = {weight.id for layer in seen if layer is not None for weight in within(layer)}
    left = [w for w in trace.weights if not w.replaced and w.id not in covered]
    for layer in dict.fromkeys(weight.layer for weight in left):
        ref = None if layer is None else trace.layers.get(layer)
        if ref is not None:
            reason = OWN_WEIGHTS if ref.id in trace.index.graph_by_model else NOT_CALLED
            yield NotCounted(name=ref.name, class_name=ref.class_name, layer=ref, reason=reason)
