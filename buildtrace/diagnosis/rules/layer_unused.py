"""BT204: a layer is tracked, but was never called or built."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.traces.schema import Call, Finding, Graph, Node
    from buildtrace.traces.trace import Trace


def _check(trace: Trace) -> Iterator[Finding]:
    for graph in trace.graphs:
        if graph.source != "flow" or not graph.built:
            continue
        ran = [call for call in trace.index.calls_of(graph.model.id) if call.error is None]
        if not ran:
            continue
        for node in _unused(trace, graph):
            yield _finding(graph, node, ran[0], replaced=_is_replaced(trace, graph, node))


def _unused(trace: Trace, graph: Graph) -> list[Node]:
    """The layers that the model holds, that would make something if they were built."""
    linked = {end for edge in graph.edges for end in (edge.source, edge.target)}
    state = trace.index.state_of(graph.model.id)
    return [
        node
        for node in graph.nodes
        if node.layer is not None
        and node.id not in linked
        and not node.built
        and not trace.index.calls_of(node.layer)
        and not trace.index.builds_of(node.layer)
        and state is not None
        and node.layer in state.unbuilt
    ]


def _is_replaced(trace: Trace, graph: Graph, node: Node) -> bool:
    """Whether another layer was put in its place, so that nobody can ever call it.

    One that an attribute still leads to may wait for training, or for another method.
    """
    state = trace.index.state_of(graph.model.id)
    return state is not None and node.layer in state.replaced


def _finding(graph: Graph, node: Node, ran: Call, *, replaced: bool) -> Finding:
    model, name = graph.model, f"'{node.name}' ({node.class_name})"
    if replaced:
        message = (
            f"Another layer took the place of {name} in {wording.layer(model)} before it was "
            "built, and Keras still has it: without weights, in `layers`, in the summary and in "
            "saved files."
        )
        remedy = f"# make the right layer in `__init__`, instead of '{node.name}':"
    else:
        message = (
            f"{wording.layer(model)} has a layer {name} that was neither called nor built: it has "
            "no weights, and is in the summary and in saved files all the same."
        )
        remedy = f"# if '{node.name}' is left over, do not make it in `__init__`:"
    return RULE.finding(
        message,
        fix=f"{remedy}\nmodel = {model.class_name}(...)  # pass what decides it as an argument",
        calls=[ran.id],
        caller=ran.caller,
        layer=node.layer,
        severity="warning" if replaced else "note",
    )


RULE = Rule(
    code="BT204",
    title="a layer is tracked, but never used",
    severity="warning",
    generations=BOTH,
    why="A layer belongs to a model as soon as an attribute holds it. In Keras 3 it stays when the "
    "attribute gets another value: the tracker only ever adds (Tracker.track in utils/tracking.py "
    "of keras 3.15.1), so that a head that was replaced is still in `layers`, and counts in the "
    "order in which `.weights.h5` files are read. Its own `build` warns of layers that are not "
    "built (Layer.build in layers/layer.py). Keras 2 lets go of what an attribute held before "
    "(Layer.__delattr__ in engine/base_layer.py of tf_keras 2.21). A layer that is used later, by "
    "another method or in training, is fine, but an optimizer that was built before does not "
    "know its weights.",
    bad="""\
import numpy as np
from tensorflow import keras


class Net(keras.Model):
    def __init__(self, **options):
        super().__init__(**options)
        self.stem = keras.layers.Dense(8)
        self.old = keras.layers.Dense(10)
        self.head = keras.layers.Dense(2)

    def call(self, x):
        return self.head(self.stem(x))


model = Net()
model(np.ones((1, 3), "float32"))
""",
    good="""\
import numpy as np
from tensorflow import keras


class Net(keras.Model):
    def __init__(self, **options):
        super().__init__(**options)
        self.stem = keras.layers.Dense(8)
        self.head = keras.layers.Dense(2)

    def call(self, x):
        return self.head(self.stem(x))


model = Net()
model(np.ones((1, 3), "float32"))
""",
    check=_check,
)
