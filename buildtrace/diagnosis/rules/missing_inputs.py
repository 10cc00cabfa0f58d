"""BT402: a model was not given all the inputs that its outputs are computed from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.traces.schema import Call, Finding, Graph, Node
    from buildtrace.traces.trace import Trace


def _check(trace: Trace) -> Iterator[Finding]:
    if trace.error is None:
        return
    failed = {call.layer.id for call in trace.index.failing if call.layer}
    for graph in trace.graphs:
        if graph.missing and graph.model.id in failed:
            yield _finding(trace, graph)


def _finding(trace: Trace, graph: Graph) -> Finding:
    nodes = {node.id: node for node in graph.nodes}
    missing = [nodes[id_] for id_ in graph.missing]
    makers = [call for node in missing for call in _makers(trace, node)]
    given = [nodes[id_] for id_ in graph.inputs if id_ in nodes]
    names = wording.listed([_named(trace, node) for node in missing])
    return RULE.finding(
        f"The outputs of '{graph.model.name}' are computed from {names} as well, which "
        f"{'is' if len(missing) == 1 else 'are'} not among its inputs.",
        _fix([*given, *missing]),
        calls=[*[call.id for call in trace.index.failing], *[call.id for call in makers]],
        caller=trace.index.failing[0].caller,
        layer=graph.model.id,
    )


def _makers(trace: Trace, node: Node) -> list[Call]:
    return [
        call
        for call in trace.calls
        if call.landmark == "InputLayer.__init__" and call.layer and call.layer.id == node.layer
    ]


def _named(trace: Trace, node: Node) -> str:
    places = [wording.line(call.caller) for call in _makers(trace, node) if call.caller]
    shape = f", {wording.shapes_in_words(node.outputs)}" if node.outputs else ""
    return f"the Input '{node.name}' ({', '.join(places) or 'somewhere'}{shape})"


def _fix(inputs: list[Node]) -> str:
    names = [node.name for node in inputs]
    inside = names[0] if len(names) == 1 else f"[{', '.join(names)}]"
    return f"keras.Model({inside}, outputs)  # every Input that the outputs are computed from"


RULE = Rule(
    code="BT402",
    title="a model without all of its inputs",
    severity="error",
    generations=BOTH,
    why="A functional model is what lies between its inputs and its outputs. Keras walks back from "
    "the outputs; where it comes to an Input that the model was not given, the graph is open "
    "(map_graph in ops/function.py of keras 3.15, which names neither; _map_graph_network in "
    "engine/functional.py of tf_keras 2.21). A new Input of the same shape is a different one: the "
    "model needs the very symbol that the layers were called on.",
    bad="""\
from tensorflow import keras

a = keras.Input((3,), name="a")
b = keras.Input((3,), name="b")
outputs = keras.layers.Add()([keras.layers.Dense(4)(a), keras.layers.Dense(4)(b)])
model = keras.Model(a, outputs)
""",
    good="""\
from tensorflow import keras

a = keras.Input((3,), name="a")
b = keras.Input((3,), name="b")
outputs = keras.layers.Add()([keras.layers.Dense(4)(a), keras.layers.Dense(4)(b)])
model = keras.Model([a, b], outputs)
""",
    check=_check,
)
