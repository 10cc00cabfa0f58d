"""BT403: an output was asked of a layer that has several, one for each call of it, or none."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.traces.schema import Call, ErrorInfo, Finding, LayerRef, Node
    from buildtrace.traces.trace import Trace

# What the properties of a layer say: Keras 2 of several nodes, both of none.
_SEVERAL = re.compile(r'[Ll]ayer "?(.+?)"? has multiple inbound nodes')
_NONE = re.compile(
    r'[Ll]ayer "?(.+?)"? (?:has never been called and thus has no defined (?:input|output)|'
    r"has no inbound nodes|is not connected, no input to return)"
)
# What Python says in Keras 3, whose layers have no such attribute any more.
_NO_ENDS = re.compile(r"'(.+)' object has no attribute '(?:in|out)puts'")
_GONE = re.compile(
    r"'(.+)' object has no attribute '"
    r"((?:in|out)put_shape|get_(?:in|out)put(?:_shape)?_at|(?:in|out)bound_nodes)'"
)


def _check(trace: Trace) -> Iterator[Finding]:
    error = trace.error
    if error is None or error.type != "AttributeError" or not error.lines:
        return
    if said := _SEVERAL.search(error.message):
        yield from (_several(trace, error, layer) for layer in _named(trace, said[1]))
    elif said := _NONE.search(error.message):
        yield from (_none(trace, error, layer) for layer in _named(trace, said[1]))
    elif said := _NO_ENDS.search(error.message):
        yield from (_none(trace, error, model) for model in _subclassed(trace, said[1]))
    elif said := _GONE.search(error.message):
        layer = _of_class(trace, said[1])
        if layer is not None:
            yield _gone(trace, error, layer, said[2])


def _named(trace: Trace, name: str) -> list[LayerRef]:
    """The last layer of this name, if there is one."""
    return [ref for _, ref in sorted(trace.layers.items()) if ref.name == name][-1:]


def _of_class(trace: Trace, class_name: str) -> LayerRef | None:
    """A layer of this class; one with several nodes if there is one."""
    layers = [
        ref
        for ref in trace.layers.values()
        if ref.class_name == class_name and trace.index.calls_of(ref.id)
    ]
    return max(layers, key=lambda ref: len(_nodes(trace, ref)), default=None)


def _subclassed(trace: Trace, class_name: str) -> list[LayerRef]:
    """The last subclassed model of this class, if there is one."""
    graphs = [graph for graph in trace.graphs if graph.source == "flow"]
    return [g.model for g in graphs if g.model.class_name == class_name][-1:]


def _nodes(trace: Trace, layer: LayerRef) -> list[Node]:
    """The layer's nodes in the graph that has most of them, in the order of its calls."""
    most: list[Node] = []
    for graph in trace.graphs:
        nodes = [node for node in graph.nodes if node.layer == layer.id]
        most = nodes if graph.source == "keras" and len(nodes) > len(most) else most
    return sorted(most, key=lambda node: node.index)


def _proof(trace: Trace, layer: LayerRef) -> list[int]:
    return [call.id for call in [*trace.index.calls_of(layer.id), *trace.index.builds_of(layer.id)]]


# -- several ----------------------------------------------------------------------------------


def _several(trace: Trace, error: ErrorInfo, layer: LayerRef) -> Finding:
    asked = "output_shape" if "shape" in error.message else "output"
    if '"layer input"' in error.message or "input shape" in error.message:
        asked = asked.replace("output", "input")
    return RULE.finding(
        f"`{asked}` was asked of {wording.layer(layer)}, which has "
        f"{_shapes(trace, layer) or 'several'}: one for each call of it.",
        f"{layer.name}.get_{asked}_at(0)  # of the first call; 1 of the second, and so on",
        calls=_proof(trace, layer),
        caller=error.lines[0],
        layer=layer.id,
    )


def _shapes(trace: Trace, layer: LayerRef) -> str:
    """What each node gives out, if there are several."""
    nodes = _nodes(trace, layer)
    return (
        wording.listed([wording.shapes_in_words(node.outputs) for node in nodes])
        if len(nodes) > 1
        else ""
    )


# -- an attribute that Keras 3 does not have --------------------------------------------------


def _gone(trace: Trace, error: ErrorInfo, layer: LayerRef, asked: str) -> Finding:
    several = _shapes(trace, layer)
    which = f"; {wording.layer(layer)} has {several}, one for each call of it" if several else ""
    side = "input" if asked.startswith(("input", "get_input", "inbound")) else "output"
    fix = f"{layer.name}.{side}.shape"
    if several or "shape" not in asked:
        fix = f"[node.{side}_tensors for node in {layer.name}._inbound_nodes]  # one for each call"
        fix = fix.replace("output_tensors", "outputs")
    return RULE.finding(
        f"`{asked}` was asked of a layer, but layers of Keras 3 do not have it{which}.",
        fix,
        calls=_proof(trace, layer),
        caller=error.lines[0],
        layer=layer.id,
        why=_GONE_WHY,
    )


_GONE_WHY = (
    "A layer has one node for each time that it was called on symbols, each with its own inputs "
    "and outputs. Keras 2 had `output_shape` and the like for all of them, and raised where they "
    "differed; Keras 3 has kept `input` and `output` alone, and these are those of the first node "
    "(Operation.output in ops/operation.py of keras 3.15)."
)


# -- none -------------------------------------------------------------------------------------


def _none(trace: Trace, error: ErrorInfo, layer: LayerRef) -> Finding:
    graph = trace.graph_of(layer.id)
    calls = trace.index.calls_of(layer.id)
    if graph is not None and graph.source == "keras":
        happened = "has the nodes of its own layers, but was never called on a symbol itself"
        fix = f"{layer.name}.outputs[0]  # and {layer.name}.inputs[0]: the ends of its own graph"
    elif calls:
        where = f" at {wording.line(calls[0].caller)}" if calls[0].caller else ""
        data = wording.shapes_in_words(calls[0].inputs)
        happened = f"was called on data alone, {data}{where}, and so has no node"
        fix = _on_symbols(trace, calls[0])
    else:
        happened = "was never called, and so has no node"
        fix = f"outputs = {layer.name}(keras.Input(...))"
    return RULE.finding(
        f"An input or output was asked of {wording.layer(layer)}, which {happened}.",
        fix,
        calls=_proof(trace, layer),
        caller=error.lines[0],
        layer=layer.id,
    )


def _on_symbols(trace: Trace, call: Call) -> str:
    """How to call the layer, or the model that it is in, on symbols."""
    root = trace.index.root(call)
    assert call.layer is not None
    given = [spec.shape for spec in root.inputs if spec.shape is not None]
    symbols = [f"keras.Input({wording.shape_in_words(shape[1:])})" for shape in given]
    inputs = symbols[0] if len(symbols) == 1 else f"[{', '.join(symbols)}]"
    if root.layer is None or (root.layer == call.layer and call.layer.id not in _models(trace)):
        return f"outputs = {call.layer.name}({inputs})  # a call on a symbol makes a node"
    return (
        f"inputs = {inputs}\n"
        f"model = keras.Model(inputs, {root.layer.name}.call(inputs))  # each layer has a node now"
    )


def _models(trace: Trace) -> set[int]:
    return {graph.model.id for graph in trace.graphs}


RULE = Rule(
    code="BT403",
    title="an output asked of a layer that has several, or none",
    severity="error",
    generations=BOTH,
    why="A layer has one node for each time that it was called on symbols, and none for calls on "
    "data. `output` and `output_shape` are those of its only node; if there are several of "
    "different shapes, or none, there is no answer (Layer.output_shape in engine/base_layer.py of "
    "tf_keras 2.21, Operation.output in ops/operation.py of keras 3.15).",
    bad="""\
from tensorflow import keras

shared = keras.layers.Conv1D(4, 3, name="shared")
a = keras.Input((8, 3))
b = keras.Input((6, 3))
pool = keras.layers.GlobalMaxPooling1D()
outputs = keras.layers.Concatenate()([pool(shared(a)), pool(shared(b))])
model = keras.Model([a, b], outputs)
print(shared.output_shape)
""",
    good="""\
from tensorflow import keras

shared = keras.layers.Conv1D(4, 3, name="shared")
a = keras.Input((8, 3))
b = keras.Input((6, 3))
pool = keras.layers.GlobalMaxPooling1D()
outputs = keras.layers.Concatenate()([pool(shared(a)), pool(shared(b))])
model = keras.Model([a, b], outputs)
print([node.outputs for node in shared._inbound_nodes])
""",
    check=_check,
)
