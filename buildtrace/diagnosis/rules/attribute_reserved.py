"""BT208: an attribute of a layer is assigned that Keras keeps to itself.

Some refuse that; others take it, and Keras then knows less of the layer than it should.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from buildtrace.diagnosis import edits
from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.traces.failures import Raised
    from buildtrace.traces.schema import Finding, LayerState, SourceLine
    from buildtrace.traces.trace import Trace

_KERAS = (
    re.compile(r"""Can't set the attribute "(?P<name>\w+)", likely because it conflicts"""),
    re.compile(r"`Model\.(?P<name>layers)` attribute is reserved"),
)
"""What Keras says itself: tf_keras of any property, Keras 3 of `Model.layers`."""

_PYTHON = (
    re.compile(r"^property '(?P<name>\w+)' of '(?P<of>[^'\n]+)' object has no setter$"),
    re.compile(r"^can't set attribute '(?P<name>\w+)'$"),  # Python 3.10
)
_PROPERTIES = frozenset(
    [
        "compiled_metrics",
        "compute_dtype",
        "distribute_strategy",
        "dtype",
        "input",
        "input_dtype",
        "losses",
        "metrics",
        "metrics_names",
        "metrics_variables",
        "non_trainable_variables",
        "non_trainable_weights",
        "output",
        "quantization_mode",
        "trainable_variables",
        "trainable_weights",
        "variable_dtype",
        "variables",
        "weights",
    ]
)
"""Properties without a setter of Keras 3's Layer and Model, in which Python's words are all that
there is. `path` is left out: many classes of other people have one."""


def _check(trace: Trace) -> Iterator[Finding]:
    for raised in trace.index.raised:
        assigned = _assigned(raised)
        if assigned is not None:
            yield _finding(trace, raised, *assigned)
    for state in trace.states:
        for name, line in state.overwritten.items():
            yield _overwritten(trace, state, name, line)


def _assigned(raised: Raised) -> tuple[str, str] | None:
    """The attribute, and the class if it is named; `None` if it is about something else."""
    if raised.error.type != "AttributeError":
        return None
    for pattern in _KERAS:
        match = pattern.search(raised.error.message)
        if match:
            return match["name"], ""
    for pattern in _PYTHON:
        match = pattern.search(raised.error.message.strip())
        if match and match["name"] in _PROPERTIES:
            return match["name"], match.groupdict().get("of", "")
    return None


def _finding(trace: Trace, raised: Raised, name: str, class_name: str) -> Finding:
    whose = f"of {class_name}" if class_name else "of a layer"
    layer = raised.calls[-1].layer if raised.calls else None
    return RULE.finding(
        f"{wording.line(raised.line)} assigns the attribute `{name}` {whose}, which Keras "
        "reserves: every layer or model has a property of that name that cannot be set.",
        fix=f"self.{_other_name(name)} = ...  # any name that Keras does not have",
        calls=raised.ids,
        caller=raised.line,
        layer=None if layer is None else layer.id,
        edits=edits.attribute_renamed(trace, raised.line, name, _other_name(name)),
    )


def _overwritten(trace: Trace, state: LayerState, name: str, line: SourceLine) -> Finding:
    other = _other_name(name)
    return RULE.finding(
        f"{wording.line(line)} assigns the attribute `{wording.sanitize(name)}` of "
        f"{wording.sanitize(state.layer.class_name)}, in which Keras lists what belongs to a "
        "layer: it then knows nothing of what other attributes hold, and saves nothing of what "
        "this one does.",
        fix=f"self.{other} = ...  # any name that Keras does not have",
        calls=[state.after],
        caller=line,
        layer=state.layer.id,
        edits=edits.attribute_renamed(trace, line, name, other),
    )


def _other_name(name: str) -> str:
    return f"{name}_layer" if name in ("input", "output") else f"my_{name.lstrip('_')}"


RULE = Rule(
    code="BT208",
    title="a reserved attribute is assigned",
    severity="error",
    generations=BOTH,
    why="`input`, `output`, `weights`, `losses`, `metrics`, `dtype` and more are properties of "
    "every layer, which Python does not let anyone set; a model also has `layers`. Keras 2 "
    "says so (Layer.__setattr__ in engine/base_layer.py of tf_keras 2.21), and has `name`, "
    "`input_shape` and `updates` too; in Keras 3 the message is Python's own (Layer in "
    "layers/layer.py of keras 3.15.1). What Keras 3 tracks is in `_layers`, "
    "`_trainable_variables`, `_metrics` and the like: they can be set, without a word.",
    bad="""\
import numpy as np
from tensorflow import keras


class Net(keras.Model):
    def __init__(self, **options):
        super().__init__(**options)
        self.head = keras.layers.Dense(1)
        self.losses = []

    def call(self, x):
        return self.head(x)


model = Net()
model(np.ones((2, 3), "float32"))
""",
    good="""\
import numpy as np
from tensorflow import keras


class Net(keras.Model):
    def __init__(self, **options):
        super().__init__(**options)
        self.head = keras.layers.Dense(1)
        self.my_losses = []

    def call(self, x):
        return self.head(x)


model = Net()
model(np.ones((2, 3), "float32"))
""",
    check=_check,
)
