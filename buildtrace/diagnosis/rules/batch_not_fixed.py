"""BT325: a stateful recurrent layer whose batches have no size of their own, or another one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import wording
from buildtrace.traces.shape_origins import INPUT, ShapeOrigins

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.traces.failures import Raised
    from buildtrace.traces.schema import Call, Finding
    from buildtrace.traces.trace import Trace

_UNKNOWN = re.compile(
    r"If a RNN is stateful, it needs to know its batch size|"
    r"using `stateful=True` in a RNN, the batch size must be static"
)
_OTHER = re.compile(
    r"If an RNN is stateful, the batch size of the input sequences must be the same.*?"
    r"Expected batch size: (\d+).*?Received batch size: (\d+)",
    re.DOTALL,
)


def _check(trace: Trace) -> Iterator[Finding]:
    for failure in trace.index.failures:
        call = failure.of("Layer.__call__")
        if call is None or call.layer is None or not call.inputs:
            continue
        if _UNKNOWN.search(failure.error.message):
            yield _unknown(trace, failure, call)
        elif said := _OTHER.search(failure.error.message):
            yield _other(failure, call, int(said[1]), int(said[2]))


def _unknown(trace: Trace, failure: Raised, call: Call) -> Finding:
    assert call.layer is not None
    way = ShapeOrigins(trace).path(call, call.inputs[0].shape)
    first = way[-1] if way and way[-1].landmark == INPUT else None
    where = f", from the Input at {wording.line(first.caller)}" if first and first.caller else ""
    shape = (first.outputs[0] if first else call.inputs[0]).shape or ()
    return RULE.finding(
        f"{wording.layer(call.layer)} keeps a state for each row of a batch, and its input "
        f"{wording.shapes_in_words(call.inputs[:1])}{where} does not say how many rows that is.",
        f"keras.Input(shape={wording.shape_in_words(shape[1:])}, batch_size=32)  # as many as each "
        "batch has, in `fit` and `predict` as well; or without stateful=True",
        calls=[*failure.ids, *([first.id] if first else [])],
        caller=call.caller,
        layer=call.layer.id,
    )


def _other(failure: Raised, call: Call, before: int, now: int) -> Finding:
    assert call.layer is not None
    return RULE.finding(
        f"{wording.layer(call.layer)} keeps a state for each of the {before} rows of a batch, but "
        f"got a batch of {now}.",
        f"x = x[:len(x) // {before} * {before}]  # whole batches only, with batch_size={before}; "
        f"for batches of {now} a model of its own with the same weights",
        calls=failure.ids,
        caller=failure.line or call.caller,
        layer=call.layer.id,
    )


RULE = Rule(
    code="BT325",
    title="a stateful layer without a fixed number of rows",
    severity="error",
    generations=BOTH,
    why="With stateful=True a recurrent layer starts each batch where the same row of the batch "
    "before has ended. The states are weights, which are made in `build` and have a row for each: "
    "so the size of a batch has to be known, and stays (RNN.build in layers/rnn/rnn.py of keras "
    "3.15, layers/rnn/base_rnn.py of tf_keras 2.21).",
    bad="""\
from tensorflow import keras

model = keras.Sequential(
    [
        keras.Input((10, 8)),
        keras.layers.LSTM(4, stateful=True),
        keras.layers.Dense(1),
    ]
)
""",
    good="""\
from tensorflow import keras

model = keras.Sequential(
    [
        keras.Input((10, 8), batch_size=4),
        keras.layers.LSTM(4, stateful=True),
        keras.layers.Dense(1),
    ]
)
""",
    check=_check,
    hides=("BT301", "BT601", "BT602"),
)
