"""BT324: TimeDistributed takes away an axis that its layer needs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from buildtrace.diagnosis import edits
from buildtrace.diagnosis.parsed_files import maker_of
from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import wording
from buildtrace.traces.shape_origins import INPUT, ShapeOrigins

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.diagnosis.edits import Edits
    from buildtrace.traces.failures import Raised
    from buildtrace.traces.schema import Call, Finding, LayerRef
    from buildtrace.traces.trace import Trace

WRAPPER = "TimeDistributed"
RECURRENT = ("LSTM", "GRU", "SimpleRNN", "RNN", "Bidirectional")

_TOO_FEW = re.compile(r"should be passed an `input_shape ?` with at least 3 dimensions")
_AXES = re.compile(r"is incompatible with the layer: expected (?:min_)?ndim=(\d+), found ndim=")
_KERNEL = re.compile(r"Kernel shape must have the same length .* kernel of shape (\([^)]*\))")


def _check(trace: Trace) -> Iterator[Finding]:
    for failure in trace.index.failures:
        call = _wrapper_call(failure)
        if call is None:
            continue
        inner = _inner(failure)
        if _TOO_FEW.search(failure.error.message) or (inner and _lacks_axis(failure, inner)):
            yield _finding(trace, failure, call, inner.layer if inner else None)


def _wrapper_call(failure: Raised) -> Call | None:
    """The call of a TimeDistributed on one input that this came out of."""
    calls = [c for c in failure.calls if c.layer and c.layer.class_name == WRAPPER]
    return next((c for c in calls if c.landmark == "Layer.__call__" and c.inputs), None)


def _inner(failure: Raised) -> Call | None:
    """The build or the call of the layer inside."""
    outer = False
    for call in failure.calls:
        if call.layer and call.layer.class_name == WRAPPER:
            outer = True
        elif outer and call.landmark in ("Layer.build", "Layer.__call__") and call.layer:
            return call
    return None


def _lacks_axis(failure: Raised, inner: Call) -> bool:
    """Whether the layer inside failed as it got an axis too few: it says so, or it is recurrent."""
    assert inner.layer is not None
    shape = inner.inputs[0].shape if inner.inputs else None
    if shape is None:
        return False
    if said := _AXES.search(failure.error.message):
        return int(said[1]) == len(shape) + 1
    if said := _KERNEL.search(failure.error.message):
        return said[1].count(",") == len(shape)
    return len(shape) == 2 and inner.layer.class_name in RECURRENT


def _finding(trace: Trace, failure: Raised, call: Call, inner: LayerRef | None) -> Finding:
    assert call.layer is not None
    way = ShapeOrigins(trace).path(call, call.inputs[0].shape)
    recurrent = _recurrent(way, len(call.inputs[0].shape or ()))
    inside = f"{wording.layer(inner)}, the layer inside, lacks" if inner else "there would be"
    kind = "an axis" if inner else "no features left"
    return RULE.finding(
        f"{wording.layer(call.layer)} got {wording.shapes_in_words(call.inputs)}{_from(way)}, and "
        f"takes the second axis off as the time: {inside} {kind}.",
        _fix(recurrent, inner),
        edits=_edits(trace, recurrent),
        calls=[*failure.ids, *[maker.id for maker in way[:1]]],
        caller=call.caller,
        layer=call.layer.id,
    )


def _from(way: list[Call]) -> str:
    maker = way[0] if way else None
    if maker is None or maker.layer is None:
        return ""
    kind = "the Input " if maker.landmark == INPUT else ""
    return f" from {kind}'{maker.layer.name}' at {wording.line(maker.caller)}"


def _recurrent(way: list[Call], axes: int) -> Call | None:
    """The call of a recurrent layer that gave its last step alone."""
    for call in way:
        if call.layer is None or len(call.outputs[0].shape or ()) != axes:
            return None
        if call.layer.class_name in RECURRENT[:3]:
            return call
    return None


def _fix(recurrent: Call | None, inner: LayerRef | None) -> str:
    if recurrent is not None and recurrent.layer is not None:
        return (
            f"keras.layers.{recurrent.layer.class_name}(..., return_sequences=True)  # "
            f"'{recurrent.layer.name}': passes on every step, which TimeDistributed is for"
        )
    layer = f"keras.layers.{inner.class_name}(...)" if inner else "keras.layers.Dense(...)"
    return f"{layer}  # the layer as it is, without TimeDistributed: there is no axis for the time"


def _edits(trace: Trace, recurrent: Call | None) -> Edits:
    if recurrent is None or recurrent.layer is None:
        return edits.NONE
    line = maker_of(trace, recurrent.layer, recurrent.caller)
    return edits.argument(trace, line, recurrent.layer.class_name, "return_sequences", "True")


RULE = Rule(
    code="BT324",
    title="TimeDistributed without an axis for the time",
    severity="error",
    generations=BOTH,
    why="TimeDistributed applies its layer to each step of (batch, time, ...): the layer inside "
    "gets the input without the second axis. A recurrent layer gives one step only, unless "
    "return_sequences=True (TimeDistributed.build in layers/rnn/time_distributed.py of keras 3.15 "
    "and tf_keras 2.21).",
    bad="""\
from tensorflow import keras

model = keras.Sequential(
    [
        keras.Input((10, 8)),
        keras.layers.LSTM(4),
        keras.layers.TimeDistributed(keras.layers.Dense(1)),
    ]
)
""",
    good="""\
from tensorflow import keras

model = keras.Sequential(
    [
        keras.Input((10, 8)),
        keras.layers.LSTM(4, return_sequences=True),
        keras.layers.TimeDistributed(keras.layers.Dense(1)),
    ]
)
""",
    check=_check,
    hides=("BT301", "BT306", "BT601", "BT602"),
)
