"""Looks things up of the layers of a saved file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.traces import wording

if TYPE_CHECKING:
    from buildtrace.traces.schema import SavedFile
    from buildtrace.traces.trace import Trace


def parameters_inside(trace: Trace, file: SavedFile) -> dict[int, int]:
    """How many parameters each layer has, those of the layers in it included, by its id."""
    sizes = {layer.id: 0 for layer in file.layers}
    for weight in trace.weights:
        if weight.layer in sizes:
            sizes[weight.layer] += weight.parameters
    return _with_inner(sizes, file)


def layers_inside(file: SavedFile) -> dict[int, int]:
    """How many layers each layer is with all in it, by its id."""
    return _with_inner({layer.id: 1 for layer in file.layers}, file)


def _with_inner(sizes: dict[int, int], file: SavedFile) -> dict[int, int]:
    for layer in reversed(file.layers):  # what is inside stands behind
        if layer.within in sizes:
            sizes[layer.within] += sizes[layer.id]
    return sizes


def output_shapes(trace: Trace) -> dict[int, str]:
    """What comes out of each layer where it is first called, by its id, as far as it is known."""
    return {
        node.layer: wording.tensors(node.outputs)
        for graph in trace.graphs
        for node in graph.nodes
        if node.layer is not None and not node.index
    }
