"""BT504: a keyword argument that only the other generation has."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from buildtrace.diagnosis import edits
from buildtrace.diagnosis.packages import LOADS
from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.diagnosis.edits import Edits
    from buildtrace.traces.failures import Raised
    from buildtrace.traces.schema import Finding, SourceLine
    from buildtrace.traces.trace import Trace

_KERAS_3 = {
    "batch_input_shape": "keras.Input(batch_shape=(...))  # as the first layer",
    "weights": "layer.set_weights(...)  # after the layer was built",
    "dynamic": "model.compile(..., run_eagerly=True)  # and no `dynamic`",
    "time_major": "# no time_major: transpose what goes in and what comes out\n"
    "x = keras.ops.transpose(x, (1, 0, 2))",
    "experimental_autocast": "autocast=False",
    "partitioner": "# leave it out: keras.distribution has layouts for variables",
    "synchronization": "# leave it out",
    "use_resource": "# leave it out",
    "lr": "learning_rate=...",
}
"""What Keras 2 takes and Keras 3 does not: argument → what to write instead."""

_RENAMED = {"lr": "learning_rate"}
"""Arguments of Keras 2 that Keras 3 has by another name, for the same values."""

_LEFT_OUT = ("partitioner", "synchronization", "use_resource")
"""Arguments of Keras 2 that change nothing in a build if they are left out."""

_KERAS_2 = {
    "batch_shape": "keras.Input(batch_shape=(...))  # as the first layer",
    "shape": "keras.layers.InputLayer(input_shape=(...))",
}
"""The same the other way round."""

_SAYS = {
    "keras3": re.compile(
        r"Unrecognized keyword arguments passed to (?P<of>[^:\n]+): \{'(?P<name>\w+)':"
        r"|Argument\(s\) not recognized: \{'(?P<option>\w+)':"
        r"|add_weight\(\) got an unexpected keyword argument '(?P<weight>\w+)'"
    ),
    "keras2": re.compile(
        r"\('Keyword argument not understood:', '(?P<name>\w+)'\)"
        r"|^Unrecognized keyword arguments: \['(?P<input>\w+)'"
    ),
}


def _check(trace: Trace) -> Iterator[Finding]:
    for raised in trace.index.raised:
        for generation, known in (("keras3", _KERAS_3), ("keras2", _KERAS_2)):
            match = _SAYS[generation].search(raised.error.message)
            if match is None or raised.generation not in (generation, None):
                continue
            if any(said in raised.reported for said in LOADS):
                continue  # nobody wrote that argument: it is in a file
            groups = match.groupdict()
            name = next(value for key, value in groups.items() if key != "of" and value)
            if name in known:
                yield _finding(trace, raised, generation, name, groups.get("of"), known[name])


def _finding(
    trace: Trace, raised: Raised, generation: str, name: str, of: str | None, fix: str
) -> Finding:
    here, there = ("Keras 3", "Keras 2") if generation == "keras3" else ("Keras 2", "Keras 3")
    layer = raised.calls[-1].layer if raised.calls else None
    whom = f"{of} of {here}" if of else here
    return RULE.finding(
        f"{wording.line(raised.line)} passes `{name}` to {whom}, but only {there} has an argument "
        "of that name.",
        fix=fix,
        calls=raised.ids,
        caller=raised.line,
        layer=None if layer is None else layer.id,
        edits=_edits(trace, raised.line, name) if generation == "keras3" else (),
    )


def _edits(trace: Trace, line: SourceLine | None, name: str) -> Edits:
    if name in _RENAMED:
        return edits.argument_renamed(trace, line, name, _RENAMED[name])
    return edits.argument_left_out(trace, line, name) if name in _LEFT_OUT else edits.NONE


RULE = Rule(
    code="BT504",
    title="an argument that only the other generation has",
    severity="error",
    generations=BOTH,
    why="Keras 3 gave up some arguments of Keras 2, such as `batch_input_shape`, `weights` and "
    "`dynamic` of every layer (Layer.__init__ in layers/layer.py of keras 3.15.1), and renamed "
    "those of InputLayer to `shape` and `batch_shape`, which Keras 2 does not take "
    "(engine/input_layer.py of tf_keras 2.21).",
    bad="""\
from tensorflow import keras

if hasattr(keras, "ops"):  # Keras 3, in the words of Keras 2; and the other way round
    first = keras.layers.Dense(8, batch_input_shape=(4, 3))
else:
    first = keras.layers.InputLayer(batch_shape=(4, 3))
model = keras.Sequential([first])
model.add(keras.layers.Dense(8))
model.add(keras.layers.Dense(1))
""",
    good="""\
from tensorflow import keras

first = keras.Input(batch_shape=(4, 3))
model = keras.Sequential([first])
model.add(keras.layers.Dense(8))
model.add(keras.layers.Dense(1))
""",
    check=_check,
)
