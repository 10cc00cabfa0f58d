"""BT307: a layer dropped the mask that a layer after it would have used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.diagnosis import edits
from buildtrace.diagnosis.parsed_files import constructor_in
from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import wording
from buildtrace.traces.schema import SourceLine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.diagnosis.edits import Edits
    from buildtrace.traces.schema import Call, Finding, Graph, Node
    from buildtrace.traces.trace import Trace

USERS = (
    "LSTM GRU SimpleRNN RNN Bidirectional ConvLSTM1D ConvLSTM2D ConvLSTM3D CuDNNLSTM CuDNNGRU "
    "Attention AdditiveAttention MultiHeadAttention GroupQueryAttention GlobalAveragePooling1D"
)
"""Keras' layers whose result depends on the mask of their input."""

CARRIERS = (
    "Activation ActivityRegularization AlphaDropout Add Average BatchNormalization Concatenate "
    "Dense Dropout ELU GaussianDropout GaussianNoise Identity LayerNormalization LeakyReLU "
    "Maximum Minimum Multiply PReLU ReLU SpatialDropout1D Subtract TimeDistributed "
    "UnitNormalization"
)
"""Those that hand the mask on, in both generations."""


def _check(trace: Trace) -> Iterator[Finding]:
    told: set[int] = set()
    for call in trace.calls:
        if not call.mask_dropped or call.layer is None or call.layer.id in told:
            continue
        state = trace.index.state_of(call.layer.id)
        if state is None or not state.file:
            continue  # Keras' own: it is documented, and cannot be changed
        user = _user(trace, call)
        if user is not None:
            told.add(call.layer.id)
            yield _finding(trace, call, *user)


def _user(trace: Trace, call: Call) -> tuple[Graph, Node] | None:
    """The first layer after this one, in a model's graph, that would have used the mask."""
    for graph in trace.graphs:
        nodes = {node.id: node for node in graph.nodes}
        waiting = [node.id for node in graph.nodes if _is_of(trace, graph, node, call)]
        seen = set(waiting)
        while waiting:
            id_ = waiting.pop(0)
            after = [nodes[e.target] for e in graph.edges if e.source == id_]
            for node in after:
                if _uses(trace, node):
                    return graph, node
                if node.id not in seen and _carries(trace, node):
                    seen.add(node.id)
                    waiting.append(node.id)
    return None


def _is_of(trace: Trace, graph: Graph, node: Node, call: Call) -> bool:
    """Whether a node may stand for this call: the layer may be called in other places too."""
    if call.layer is None or node.layer != call.layer.id:
        return False
    around = [outer.layer for outer in trace.ancestors(call)]
    if trace.index.run_around(call) is not None and graph.model not in around:
        return False
    ranks = [[len(spec.shape or ()) for spec in specs] for specs in (node.outputs, call.outputs)]
    return not all(ranks) or ranks[0] == ranks[1]


def _uses(trace: Trace, node: Node) -> bool:
    state = trace.index.state_of(node.layer)
    call = None if state is None else state.method("call")
    return node.class_name in USERS.split() if call is None else "mask" in call.arguments


def _carries(trace: Trace, node: Node) -> bool:
    state = trace.index.state_of(node.layer)
    if state is not None and state.file:
        return state.supports_masking
    return node.class_name in CARRIERS.split()


def _finding(trace: Trace, call: Call, graph: Graph, user: Node) -> Finding:
    assert call.layer is not None
    used = trace.index.calls_of(user.layer)[:1] if user.layer is not None else []
    return RULE.finding(
        f"{wording.layer(call.layer)} dropped the mask of its input "
        f"{wording.shapes_in_words(call.inputs)}, so "
        f"'{user.name}' ({user.class_name}) in '{graph.model.name}' takes the padding for data.",
        _fix(call),
        calls=[call.id, *[first.id for first in used]],
        caller=call.caller,
        layer=call.layer.id,
        edits=_edits(trace, call) if _keeps_steps(call) else (),
    )


def _keeps_steps(call: Call) -> bool:
    """Whether what comes out has the steps of what goes in, so that the mask fits."""
    before, after = call.inputs[0].shape, call.outputs[0].shape if call.outputs else None
    return before is not None and after is not None and before[:2] == after[:2]


def _edits(trace: Trace, call: Call) -> Edits:
    state = None if call.layer is None else trace.index.state_of(call.layer.id)
    if state is None or call.layer is None or not state.line:
        return edits.NONE
    of_class = SourceLine(file=state.file, line=state.line)
    says = "self.supports_masking = True"
    found = constructor_in(trace, of_class, call.layer.class_name)
    if found is not None:
        return edits.at_end(trace, found[0], says)
    first = min(state.methods, key=lambda method: method.line, default=None)
    return edits.method_added(
        trace,
        of_class,
        "def __init__(self, **kwargs):",
        "    super().__init__(**kwargs)",
        f"    {says}",
        ahead_of=first.name if first else "call",
    )


def _fix(call: Call) -> str:
    assert call.layer is not None
    if _keeps_steps(call):
        return (
            f"class {call.layer.class_name}(keras.layers.Layer):\n"
            "    def __init__(self, **kwargs):\n"
            "        super().__init__(**kwargs)\n"
            "        self.supports_masking = True  # hands the mask on as it is"
        )
    mask = "previous_mask" if call.generation == "keras3" else "mask=None"
    return (
        f"class {call.layer.class_name}(keras.layers.Layer):\n"
        f"    def compute_mask(self, inputs, {mask}):\n"
        "        return ...  # the mask, cut as `call` cuts the time axis"
    )


RULE = Rule(
    code="BT307",
    title="a mask was dropped on its way to a layer that uses it",
    severity="warning",
    generations=BOTH,
    why="A layer hands a mask on only if it says that it supports masking, and by default it does "
    "not: what comes out has no mask (Layer._set_mask_metadata and `supports_masking` in "
    "engine/base_layer.py of tf_keras 2.21, layers/layer.py of keras 3.15). Keras 3 warns, Keras "
    "2 says nothing, and the padding is treated as if it were data.",
    bad="""\
from tensorflow import keras


class Scale(keras.layers.Layer):
    def call(self, x):
        return x * 2.0


inputs = keras.Input((5,))
x = keras.layers.Embedding(10, 4, mask_zero=True)(inputs)
x = Scale()(x)
outputs = keras.layers.LSTM(3)(x)
model = keras.Model(inputs, outputs)
""",
    good="""\
from tensorflow import keras


class Scale(keras.layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, x):
        return x * 2.0


inputs = keras.Input((5,))
x = keras.layers.Embedding(10, 4, mask_zero=True)(inputs)
x = Scale()(x)
outputs = keras.layers.LSTM(3)(x)
model = keras.Model(inputs, outputs)
""",
    check=_check,
)
