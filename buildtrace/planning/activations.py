"""What the outputs of layers take in memory for one batch: a lower bound of activations, no peak.

A training step keeps what goes into the kernels until it goes backwards, unless it is told to
compute parts again. Not all outputs are kept for that: XLA and others compute an activation, a
normalization or a sum again from what went in. So those count that have products behind them, of
kernels or of attention (see `formulas`); of classes that Keras does not have, those with a matrix
among their weights. What layers need inside of them, such as the scores of an attention, and what
the code between them makes is more than that.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from buildtrace.planning.called_layers import CalledLayer, called_layers
from buildtrace.planning.formulas import of_class
from buildtrace.planning.planned import Activations, LayerOutput, Mesh, NotCounted
from buildtrace.planning.without_products import WITHOUT_PRODUCTS
from buildtrace.traces.dtype_sizes import bytes_per_number
from buildtrace.traces.schema import LARGEST

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.planning.called_layers import KnownSizes
    from buildtrace.traces.schema import Node
    from buildtrace.traces.trace import Trace

UNKNOWN_SIZE = "an axis of unknown size"
UNKNOWN_DTYPE = "a dtype of unknown size"
"""Why an output is not counted."""


def lower_bound(trace: Trace, batch: int, mesh: Mesh | None = None) -> Activations:
    """The outputs of layers of a trace's models that have products behind them, each tensor once.

    Args:
        trace: of a run or of a saved model.
        batch: how many samples go in; other axes of unknown size are not guessed.
        mesh: devices that batches are split over, if it says along which of its axes. An output may
            be split along other axes as well, as weights are: it counts as if it were.
    """
    outputs, unknown = _outputs(trace, batch)
    whole = sum(output.size for output in outputs)
    return Activations(
        batch=batch,
        size=min(whole, LARGEST),
        on_device=min(whole if mesh is None else _on_device(trace, batch, mesh), LARGEST),
        outputs=outputs,
        unknown=unknown,
    )


def _on_device(trace: Trace, batch: int, mesh: Mesh) -> int:
    """What a device has at least of the outputs: of its share of the batch."""
    samples = mesh.size_of((mesh.batch_axis,)) if mesh.batch_axis else 1
    outputs, _ = _outputs(trace, -(-batch // samples))
    return sum(output.size // _parts(trace, output, mesh) for output in outputs)


def _parts(trace: Trace, output: LayerOutput, mesh: Mesh) -> int:
    """In how many parts an output may be split, besides the batch: as the layer's weights are.

    Of what has no weights it is not known, and it may be split over all devices.
    """
    weights = trace.index.weights_within(output.layer.id) if output.layer else []
    layouts = [weight.layout.axes for weight in weights if weight.layout]
    along = {name for axes in layouts for names in axes for name in names}
    names = (along if weights else set(mesh.axes)) - {mesh.batch_axis}
    return max(mesh.size_of(tuple(names)), 1)


def _outputs(trace: Trace, batch: int) -> tuple[tuple[LayerOutput, ...], tuple[NotCounted, ...]]:
    """What the layers give for a batch, and those of which that is not known, each layer once."""
    outputs: list[LayerOutput] = []
    unknown: dict[tuple[int | None, str], NotCounted] = {}
    for called in _calls(trace):
        tensors = called.outputs(trace, batch)
        for sizes, tensor in zip(tensors, called.node.outputs, strict=True):
            found = _output(trace, called, sizes, tensor.dtype)
            if isinstance(found, LayerOutput):
                outputs.append(found)
            else:
                unknown[called.node.layer, called.node.name] = found
    return tuple(outputs), tuple(unknown.values())


def _calls(trace: Trace) -> Iterator[CalledLayer]:
    """The calls in all models; of a model whose layers are all in one before it, none.

    Such a model gives another one's outputs in between: the tensors are the same.
    """
    seen: set[int] = set()
    for graph in trace.index.outermost_graphs:
        layers = {node.layer for node in graph.nodes if node.layer is not None}
        if layers and layers <= seen:
            continue
        seen |= layers
        yield from (c for c in called_layers(trace, graph) if _has_products(trace, c.node))


def _has_products(trace: Trace, node: Node) -> bool:
    """Whether what comes out of a call takes more to have again than to go through what goes in."""
    if of_class(node.class_name) is not None:
        return node.class_name not in WITHOUT_PRODUCTS
    weights = trace.index.weights_within(node.layer)
    return any(len(weight.shape) > 1 for weight in weights)


def _output(
    trace: Trace, called: CalledLayer, sizes: KnownSizes | None, dtype: str | None
) -> LayerOutput | NotCounted:
    node = called.node
    layer = None if node.layer is None else trace.layers.get(node.layer)
    number = bytes_per_number(dtype or "")
    if sizes is None or number is None:
        reason = UNKNOWN_SIZE if sizes is None else UNKNOWN_DTYPE
        return NotCounted(name=node.name, class_name=node.class_name, layer=layer, reason=reason)
    return LayerOutput(
        name=node.name,
        class_name=node.class_name,
        layer=layer,
        shape=sizes,
        dtype=dtype or "",
        calls=min(called.times, 2**31 - 1),
        size=min(math.prod(sizes) * number * called.times, LARGEST),
    )
