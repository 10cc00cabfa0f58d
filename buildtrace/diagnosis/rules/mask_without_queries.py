"""BT346: an attention gets a mask of the keys alone, and takes its batch for the queries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.diagnosis import edits
from buildtrace.diagnosis.parsed_files import find_call, last_name
from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.diagnosis.edits import Edits
    from buildtrace.traces.schema import Call, Finding, Shape
    from buildtrace.traces.trace import Trace

_ARGUMENT = "attention_mask"


def _check(trace: Trace) -> Iterator[Finding]:
    told = set()
    for call in trace.calls:
        layer = call.layer
        if call.landmark != "Layer.__call__" or layer is None or layer.id in told:
            continue
        mask = _flat_mask(call) if layer.class_name == "MultiHeadAttention" else None
        # The other masks, of queries and keys, have two axes.
        if mask is not None and find_call(trace, call.caller, keyword=_ARGUMENT):
            told.add(layer.id)
            yield _finding(trace, call, mask)


def _flat_mask(call: Call) -> Shape | None:
    """The shape of a mask of two axes, if its first one can only be the batch."""
    shapes = [spec.shape for spec in call.inputs if spec.shape is not None]
    flat = [sizes for sizes in shapes if len(sizes) == 2]
    sequences = [sizes for sizes in shapes if len(sizes) == 3]
    if len(flat) != 1 or len(sequences) != len(call.inputs) - 1 or not sequences:
        return None
    batch, queries, _ = sequences[0]
    first, keys = flat[0]
    if first != batch or first in (queries, 1) or queries is None:
        return None
    return flat[0] if keys in (sequences[-1][1], None) else None


def _finding(trace: Trace, call: Call, mask: Shape) -> Finding:
    assert call.layer is not None
    queries = call.inputs[0].shape
    failing = [one.id for one in trace.index.failing if one.layer == call.layer]
    return RULE.finding(
        f"{wording.layer(call.layer)} gets an attention_mask of the shape {wording.shape(mask)}, a "
        f"sample and its keys, for queries of the shape {wording.shape(queries)}: it takes a mask "
        "for each query, (batch, queries, keys).",
        fix="attention_mask=mask[:, None, :]  # the same keys for each query",
        calls=[call.id, *failing],
        caller=call.caller,
        layer=call.layer.id,
        edits=_edits(trace, call),
    )


def _edits(trace: Trace, call: Call) -> Edits:
    found = find_call(trace, call.caller, keyword=_ARGUMENT)
    function = "" if found is None else last_name(found[1].func)

    def value(code: str) -> str:
        return f"{code}[:, None, :]" if code.isidentifier() else f"({code})[:, None, :]"

    return edits.argument(trace, call.caller, function, _ARGUMENT, value) if function else ()


RULE = Rule(
    code="BT346",
    title="an attention mask without an axis for the queries",
    severity="error",
    generations=BOTH,
    why="MultiHeadAttention adds the axes that a mask lacks in front: of one with two axes it "
    "takes the first for the queries, not for the batch (_masked_softmax in "
    "layers/attention/multi_head_attention.py of keras 3.15.1 and of tf_keras 2.21). It fails, or, "
    "where a batch has as many samples as there are queries, hides the wrong keys.",
    bad="""\
import numpy as np
from tensorflow import keras

words = keras.Input((5, 8))
known = keras.Input((5,), dtype="bool")
attention = keras.layers.MultiHeadAttention(num_heads=2, key_dim=4)
outputs = attention(words, words, attention_mask=known)
model = keras.Model([words, known], outputs)
model([np.ones((3, 5, 8), "float32"), np.ones((3, 5), "bool")])
""",
    good="""\
import numpy as np
from tensorflow import keras

words = keras.Input((5, 8))
known = keras.Input((5,), dtype="bool")
attention = keras.layers.MultiHeadAttention(num_heads=2, key_dim=4)
outputs = attention(words, words, attention_mask=known[:, None, :])
model = keras.Model([words, known], outputs)
model([np.ones((3, 5, 8), "float32"), np.ones((3, 5), "bool")])
""",
    check=_check,
)
