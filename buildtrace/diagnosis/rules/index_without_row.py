"""BT320: an Embedding got an index that it has no row for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from buildtrace.diagnosis import remedies
from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import wording
from buildtrace.traces.shape_origins import ShapeOrigins

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.traces.failures import Raised
    from buildtrace.traces.schema import Call, Finding, Weight
    from buildtrace.traces.trace import Trace

_SAID = re.compile(r"indices\[[\d,]*\] = (-?\d+) is not in \[0, (\d+)\)")
"""What TensorFlow says on a CPU; a GPU and a compiled step say nothing."""

_NODE = re.compile(r"[Dd]etected at node [`']?([\w/]+)")

LOOKUPS = ("TextVectorization", "StringLookup", "IntegerLookup")
"""Layers that give out indices, and know how many there are."""


class _Missed(NamedTuple):
    """What was looked up in vain.

    Attributes:
        row: the first one that has no row.
        table: the weight with the rows.
        call: the call of the layer, if it is known.
    """

    row: int
    table: Weight
    call: Call | None


def _check(trace: Trace) -> Iterator[Finding]:
    for raised in trace.index.raised:
        if trace.error is None or not (said := _SAID.search(raised.error.message)):
            continue
        call = raised.of("Layer.__call__")
        table = _table(trace, raised, call, int(said[2]))
        if table is not None:
            yield _finding(trace, raised, _Missed(int(said[1]), table, call))


def _table(trace: Trace, raised: Raised, call: Call | None, rows: int) -> Weight | None:
    """The weight of an Embedding that has so many rows: the layer's own, or the only one."""
    tables = [w for w in trace.weights if w.name == "embeddings" and w.shape[:1] == (rows,)]
    if call is not None:
        tables = [w for w in tables if call.layer is not None and w.layer == call.layer.id]
    elif len(tables) > 1:
        names = _names(trace, raised)
        tables = [w for w in tables if _name(trace, w) in names]
    return tables[0] if len(tables) == 1 else None


def _names(trace: Trace, raised: Raised) -> list[str]:
    """The layers that an exception out of a compiled step names: such a one comes out of no call.

    Keras 3 has run the model on symbols before, and TensorFlow numbers names that come again.
    """
    node = _NODE.search(raised.error.message)
    names = node[1].split("/") if node else []
    if names and not trace.index.layers_called(names[0]):
        return [re.sub(r"_\d+$", "", name) for name in names]
    return names


def _name(trace: Trace, table: Weight) -> str:
    ref = trace.layers.get(-1 if table.layer is None else table.layer)
    return "" if ref is None else ref.name


def _finding(trace: Trace, raised: Raised, missed: _Missed) -> Finding:
    layer = trace.layers[missed.table.layer or 0]
    rows = missed.table.shape[0] or 0
    builds = trace.index.built_by(layer.id)
    built = next((f", built at {wording.line(b.caller)}," for b in builds if b.caller), "")
    is_next = missed.row == rows and _positions(missed.call) <= rows
    counted = " It seems that they are counted from 1." if is_next else ""
    return RULE.finding(
        f"{wording.layer(layer)}{built} has {wording.count(rows, 'row')}, for the indices 0 to "
        f"{rows - 1}, but got {missed.row}.{counted}",
        _fix(trace, missed, rows),
        calls=[*raised.ids, *[build.id for build in builds]],
        caller=missed.call.caller if missed.call else raised.line,
        layer=layer.id,
    )


def _fix(trace: Trace, missed: _Missed, rows: int) -> str:
    sizes = ", ".join(str(size) for size in missed.table.shape[1:])
    if missed.row < 0:
        return (
            f"x = x + 1  # x: the indices, if {missed.row} stands for what is not known\n"
            f"keras.layers.Embedding({rows + 1}, {sizes})  # so that this has row 0"
        )
    lookup = _lookup(trace, missed.call)
    if lookup is not None and lookup.layer is not None:
        counted = f"{remedies.variable(lookup.layer)}.vocabulary_size()"
        return f"keras.layers.Embedding({counted}, {sizes})  # with the places for padding and OOV"
    positions = _positions(missed.call)
    if positions > rows:
        return f"keras.layers.Embedding({positions}, {sizes})  # a row for each place in the input"
    return (
        f"keras.layers.Embedding({missed.row + 1}, {sizes})  # the largest index + 1: "
        "int(x.max()) + 1"
    )


def _lookup(trace: Trace, call: Call | None) -> Call | None:
    """The layer that made the indices, if it knows how many there are."""
    way = ShapeOrigins(trace).path(call, call.inputs[0].shape) if call and call.inputs else []
    return next((c for c in way if c.layer and c.layer.class_name in LOOKUPS), None)


def _positions(call: Call | None) -> int:
    """How many indices there are, if they are places: those have no axis for the batch."""
    shape = call.inputs[0].shape if call and call.inputs else None
    return shape[0] or 0 if shape is not None and len(shape) == 1 else 0


RULE = Rule(
    code="BT320",
    title="an index that an Embedding has no row for",
    severity="error",
    generations=BOTH,
    why="An Embedding has `input_dim` rows, for the indices from 0 to `input_dim` - 1. With words "
    "counted from 1 (0 is for padding), or a vocabulary that has places for padding and for "
    "unknown words, it takes one or two rows more than there are words (Embedding in "
    "layers/core/embedding.py of keras 3.15 and tf_keras 2.21). TensorFlow says so on a CPU only: "
    "a GPU gives zeros.",
    bad="""\
import numpy as np
from tensorflow import keras

words = np.array([[1, 2, 3], [4, 5, 0]])
model = keras.Sequential([
    keras.Input((3,), dtype="int32"),
    keras.layers.Embedding(5, 4),
    keras.layers.GlobalAveragePooling1D(),
])
model(words)
""",
    good="""\
import numpy as np
from tensorflow import keras

words = np.array([[1, 2, 3], [4, 5, 0]])
model = keras.Sequential([
    keras.Input((3,), dtype="int32"),
    keras.layers.Embedding(6, 4),
    keras.layers.GlobalAveragePooling1D(),
])
model(words)
""",
    check=_check,
    hides=("BT601", "BT602"),
)
