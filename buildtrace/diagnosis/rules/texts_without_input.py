"""BT347: a Sequential begins with a layer that takes texts, and has no Input that says so."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from buildtrace.diagnosis import edits, remedies
from buildtrace.diagnosis.parsed_files import spelled
from buildtrace.diagnosis.rule import Rule
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.diagnosis.edits import Edits
    from buildtrace.traces.failures import Raised
    from buildtrace.traces.schema import Call, Finding, Node, SourceLine
    from buildtrace.traces.trace import Trace

_TEXTS_CAST = re.compile(r"Cast string to \w+ is not supported")
OF_TEXTS = ("StringLookup", "TextVectorization", "Hashing", "HashedCrossing")
"""Layers that take texts."""


def _check(trace: Trace) -> Iterator[Finding]:
    for raised in trace.index.raised:
        if not _TEXTS_CAST.search(f"{raised.error.message}\n{raised.reported}"):
            continue
        for call in raised.calls:
            first = _first(trace, call)
            if first is not None:
                yield _finding(trace, raised, call, *first)
                break


def _first(trace: Trace, call: Call) -> tuple[Node, Node] | None:
    """The Input that Keras itself gave a Sequential, and the layer of texts behind it."""
    is_called = call.landmark == "Layer.__call__" and call.layer is not None
    if not is_called or not call.layer or call.layer.class_name != "Sequential":
        return None
    given = call.inputs[0].dtype if call.inputs else None
    graph = trace.index.graph_by_model.get(call.layer.id)
    if graph is None or given not in ("string", None) or len(graph.nodes) < 2:
        return None
    start, layer = graph.nodes[:2]
    dtype = start.outputs[0].dtype if start.outputs else None
    is_own = start.kind == "input" and start.name == f"{layer.name}_input"
    return (start, layer) if is_own and layer.class_name in OF_TEXTS and dtype != "string" else None


def _finding(trace: Trace, raised: Raised, call: Call, start: Node, layer: Node) -> Finding:
    assert call.layer is not None
    dtype = start.outputs[0].dtype or "numbers"
    sizes = call.inputs[0].shape if call.inputs else None
    code = f'keras.Input({remedies.without_batch(sizes)}, dtype="string")'
    ref = trace.index.layer_by_id[layer.layer or 0]
    return RULE.finding(
        f"{wording.layer(call.layer)} has no Input, and takes {wording.sanitize(dtype)}, what "
        f"{wording.layer(ref)} gives: at {wording.line(raised.line)} it is given texts.",
        fix=f"{code}  # first in the Sequential",
        calls=raised.ids,
        caller=raised.line,
        layer=call.layer.id,
        edits=_edits(trace, call, code),
    )


def _edits(trace: Trace, call: Call, code: str) -> Edits:
    """In front of all layers, whether they are in a list or are added one by one."""
    assert call.layer is not None
    line = _made(trace, call.layer.id)
    code = spelled(trace, line.file, code) if line else ""
    if line is None or not code:
        return edits.NONE
    listed = edits.layer_first(trace, line, "Sequential", code)
    return listed or edits.before_call(trace, line, "add", lambda model: f"{model}.add({code})")


def _made(trace: Trace, model: int) -> SourceLine | None:
    """The line where the model got its first layer."""
    graphs = [c for c in trace.calls if c.layer and c.layer.id == model and c.step == "graph"]
    return graphs[0].caller if graphs else None


RULE = Rule(
    code="BT347",
    title="texts for a Sequential without an Input of texts",
    severity="error",
    generations=("keras2",),
    why="A Sequential whose first layer knows its input's shape, by `adapt` or `input_shape`, "
    "makes an Input of that layer's dtype. That of a layer that looks up texts is the dtype of "
    "what it gives, numbers: the texts are cast to that in front of the layer (Sequential.add in "
    "engine/sequential.py, Functional._conform_to_reference_input in engine/functional.py of "
    "tf_keras 2.21). Keras 3 builds a Sequential for what it is given.",
    bad="""\
import tensorflow as tf
from tensorflow import keras

towns = tf.constant([["Paris"], ["Auckland"]])
model = keras.Sequential([keras.layers.Hashing(8, input_shape=(1,)), keras.layers.Embedding(8, 2)])
model(towns)
""",
    good="""\
import tensorflow as tf
from tensorflow import keras

towns = tf.constant([["Paris"], ["Auckland"]])
model = keras.Sequential(
    [keras.Input((1,), dtype="string"), keras.layers.Hashing(8), keras.layers.Embedding(8, 2)]
)
model(towns)
""",
    check=_check,
    hides=("BT332",),
)
