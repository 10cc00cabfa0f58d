"""BT320: an Embedding got an index that it has no row for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from buildtrace.diagnosis import edits, remedies
from buildtrace.diagnosis.parsed_files import maker_of
from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import wording
from buildtrace.traces.shape_origins import ShapeOrigins

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.diagnosis.edits import Edits
    from buildtrace.traces.failures import Raised
    from buildtrace.traces.schema import Call, Finding, LayerRef, Shape, SourceLine, Use, Weight
    from buildtrace.traces.trace import Trace

_SAID = re.compile(r"indices\[[\d,]*\] = (-?\d+) is not in \[0, (\d+)\)")
"""What TensorFlow says on a CPU; a GPU and a compiled step say nothing."""

_NODE = re.compile(r"[Dd]etected at node [`']?([\w/]+)")

TABLE = "embeddings"
"""What an Embedding calls its weight."""

LOOKUPS = ("TextVectorization", "StringLookup", "IntegerLookup")
"""Layers that give out indices, and know how many there are."""


class _Missed(NamedTuple):
    """What was looked up in vain.

    Attributes:
        value: the index without a row; of an exception the first one that has none.
        layer: the Embedding.
        sizes: of its table.
        line: the user's.
        calls: ids of the calls that it came out of.
        call: the call of the layer, if it is known.
    """

    value: int
    layer: LayerRef
    sizes: Shape
    line: SourceLine | None
    calls: list[int]
    call: Call | None = None


def _check(trace: Trace) -> Iterator[Finding]:
    in_data = [missed for use in trace.uses if (missed := _in_data(trace, use)) is not None]
    told = {missed.layer.id for missed in in_data}
    raised = [missed for one in trace.index.raised if (missed := _raised(trace, one)) is not None]
    for missed in (*in_data, *(one for one in raised if one.layer.id not in told)):
        yield _finding(trace, missed)


def _in_data(trace: Trace, use: Use) -> _Missed | None:
    if use.missed is None or (use.error is not None and trace.error is None):
        return None  # the script has caught what came of it
    layer = use.missed.layer
    tables = (weight for weight in trace.weights if weight.layer == layer.id)
    known = (w.shape for w in tables if w.name == TABLE and w.shape[:1] == (use.missed.rows,))
    sizes = next(known, (use.missed.rows,))
    return _Missed(use.missed.index, layer, sizes, use.caller, [])


def _raised(trace: Trace, raised: Raised) -> _Missed | None:
    said = _SAID.search(raised.error.message) if trace.error is not None else None
    if said is None:
        return None
    call = raised.of("Layer.__call__")
    table = _table(trace, raised, call, int(said[2]))
    layer = None if table is None else trace.layers.get(-1 if table.layer is None else table.layer)
    if table is None or layer is None:
        return None
    line = call.caller if call else raised.line
    return _Missed(int(said[1]), layer, table.shape, line, raised.ids, call)


def _table(trace: Trace, raised: Raised, call: Call | None, rows: int) -> Weight | None:
    """The weight of the Embedding at work, if it has so many rows."""
    tables = [w for w in trace.weights if w.name == TABLE and w.shape[:1] == (rows,)]
    if call is not None:
        tables = [w for w in tables if call.layer is not None and w.layer == call.layer.id]
    else:
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


def _finding(trace: Trace, missed: _Missed) -> Finding:
    rows = missed.sizes[0] or 0
    builds = trace.index.built_by(missed.layer.id)
    built = next((f", built at {wording.line(b.caller)}," for b in builds if b.caller), "")
    counted = " It seems that they are counted from 1." if _is_next(missed) else ""
    return RULE.finding(
        f"{wording.layer(missed.layer)}{built} has {wording.count(rows, 'row')}, for the indices 0 "
        f"to {rows - 1}, but got {missed.value}.{counted}",
        _fix(trace, missed, rows),
        edits=_edits(trace, missed, builds),
        calls=[*missed.calls, *[build.id for build in builds]],
        caller=missed.line,
        layer=missed.layer.id,
    )


def _is_next(missed: _Missed) -> bool:
    """Whether it is one more than the last one, and no place in the input."""
    return missed.value == missed.sizes[0] and _positions(missed.call) <= missed.value


def _fix(trace: Trace, missed: _Missed, rows: int) -> str:
    sizes = ", ".join(str(size) for size in missed.sizes[1:]) or "..."
    if missed.value < 0:
        return (
            f"x = x + 1  # x: the indices, if {missed.value} stands for what is not known\n"
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
        f"keras.layers.Embedding({missed.value + 1}, {sizes})  # the largest index + 1: "
        "int(x.max()) + 1"
    )


def _edits(trace: Trace, missed: _Missed, builds: list[Call]) -> Edits:
    """One row more, or as many as there are places: how many words there are nobody has said."""
    positions = _positions(missed.call)
    near = next((build.caller for build in builds if build.caller), missed.line)
    line = maker_of(trace, missed.layer, near)
    if positions > (missed.sizes[0] or 0):
        return edits.argument(trace, line, "Embedding", "input_dim", str(positions), 0)
    if not _is_next(missed) or _lookup(trace, missed.call) is not None:
        return edits.NONE
    more = str(missed.value + 1)
    return edits.argument(
        trace,
        line,
        "Embedding",
        "input_dim",
        lambda code: more if code.isdigit() else f"{code} + 1" if code.isidentifier() else "",
        0,
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
    "a GPU gives zeros. Where an Input goes right into an Embedding, the numbers that the model is "
    "given are looked at as well.",
    bad="""\
import numpy as np
from tensorflow import keras

words = np.array([[1, 2, 3], [4, 5, 0]])
model = keras.Sequential(
    [
        keras.Input((3,), dtype="int32"),
        keras.layers.Embedding(5, 4),
        keras.layers.GlobalAveragePooling1D(),
    ]
)
model(words)
""",
    good="""\
import numpy as np
from tensorflow import keras

words = np.array([[1, 2, 3], [4, 5, 0]])
model = keras.Sequential(
    [
        keras.Input((3,), dtype="int32"),
        keras.layers.Embedding(6, 4),
        keras.layers.GlobalAveragePooling1D(),
    ]
)
model(words)
""",
    check=_check,
    hides=("BT601", "BT602"),
)
