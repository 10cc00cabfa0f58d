"""BT503: a positional argument that stands in another place in the other generation."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from buildtrace.diagnosis import edits
from buildtrace.diagnosis.migration.migration_findings import of_others
from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.diagnosis.edits import Edits
    from buildtrace.traces.failures import Raised
    from buildtrace.traces.schema import Finding, SourceLine
    from buildtrace.traces.trace import Trace


class _Moved(NamedTuple):
    """What an argument in the wrong place is told as.

    Attributes:
        generation: the one that says it.
        function: the landmark that says it; "" if it is none.
        error: types of the exception.
        says: its text.
        wants: what stands first there, and what was given instead.
        fix: the call with names.
        called: the last name of what is called.
        names: those of the arguments that are in another order, as the other generation has it.
        first: the number of the first that is.
    """

    generation: str
    function: str
    error: tuple[str, ...]
    says: re.Pattern[str]
    wants: str
    fix: str
    called: str
    names: tuple[str, ...]
    first: int = 0


_WEIGHT = 'self.add_weight(name="{name}", shape=(...))  # by name, it is right in both'
_MOVED = (
    _Moved(
        "keras3",
        "Layer.add_weight",
        ("ValueError", "TypeError"),
        re.compile(
            r"`name` must be passed as a keyword argument. Received: add_weight\('(?P<name>[^']*)'"
            r"|add_weight\(\) got multiple values for argument '(?:shape|initializer)'"
            r"|^Could not interpret initializer identifier: [(\[]"
            r"|^Cannot convert '(?P<named>[^']*)' to a shape"
        ),
        "the first argument of `Layer.add_weight` is the shape, but was given the name",
        _WEIGHT,
        "add_weight",
        ("name", "shape", "dtype", "initializer", "regularizer", "trainable"),
    ),
    _Moved(
        "keras2",
        "Layer.add_weight",
        ("TypeError",),
        re.compile(
            r"add_weight\(\) got multiple values for argument 'name'"
            r"|can only concatenate (?:tuple|list) \(not \"str\"\) to"
        ),
        "the first argument of `Layer.add_weight` is the name, but was given the shape",
        _WEIGHT,
        "add_weight",
        ("shape", "initializer", "dtype", "trainable"),
    ),
    _Moved(
        "keras3",
        "",
        ("ValueError",),
        re.compile(
            r"^Expected `loss_weights` argument to be a float .*Received instead: "
            r"loss_weights=(?P<name>.*) of type <class 'str'>",
            re.DOTALL,
        ),
        "the third argument of `compile` is `loss_weights`, but was given the metrics",
        'model.compile(optimizer, loss, metrics=["{name}"])  # by name, it is right in both',
        "compile",
        ("optimizer", "loss", "metrics", "loss_weights"),
        2,
    ),
    _Moved(
        "keras3",
        "",
        ("ValueError",),
        re.compile(
            r"^Expected `trainable` to be a boolean. Received: trainable=(?P<name>.*) \(of type "
            r"<class 'str'>\)"
        ),
        "the argument after the layers is `trainable`, but was given the name",
        'keras.Sequential([...], name="{name}")  # by name, it is right in both',
        "Sequential",
        ("layers", "name"),
        1,
    ),
)


def _check(trace: Trace) -> Iterator[Finding]:
    for raised in trace.index.raised:
        for moved in _MOVED:
            match = _match(raised, moved)
            if match is not None:
                yield _finding(trace, raised, moved, match)
    yield from of_others(trace, RULE)


def _match(raised: Raised, moved: _Moved) -> re.Match[str] | None:
    """What the exception says of an argument; `None` if it is about something else."""
    error = raised.error
    if moved.function:
        if not raised.calls or raised.calls[-1].landmark != moved.function:
            return None
        error = raised.calls[-1].error or error
    if error.type not in moved.error or raised.generation not in (moved.generation, None):
        return None
    return moved.says.search(error.message)


def _finding(trace: Trace, raised: Raised, moved: _Moved, match: re.Match[str]) -> Finding:
    layer = raised.calls[-1].layer if raised.calls else None
    names = [value for value in match.groupdict().values() if value]
    here, there = ("Keras 3", "Keras 2") if moved.generation == "keras3" else ("Keras 2", "Keras 3")
    line = raised.calls[-1].caller if raised.calls else raised.line
    return RULE.finding(
        f"{wording.line(line)} passes arguments to {here} in the order of {there}: {moved.wants}.",
        fix=moved.fix.replace("{name}", names[0] if names else "w"),
        calls=raised.ids,
        caller=line,
        layer=None if layer is None else layer.id,
        edits=_edits(trace, line, moved),
    )


def _edits(trace: Trace, line: SourceLine | None, moved: _Moved) -> Edits:
    """The same call with names; one metric alone becomes a list, as Keras 3 wants it."""
    if moved.called == "compile":
        return edits.argument(trace, line, "compile", "", _as_metrics, moved.first)
    return edits.arguments_named(trace, line, moved.called, moved.names, moved.first)


def _as_metrics(code: str) -> str:
    return f"metrics=[{code}]" if code[:1] in ("'", '"') else f"metrics={code}"


RULE = Rule(
    code="BT503",
    title="arguments in the order of the other generation",
    severity="error",
    generations=BOTH,
    why="The order of some arguments changed. `Layer.add_weight` begins with the name in Keras 2 "
    "(engine/base_layer.py of tf_keras 2.21) and with the shape in Keras 3 (layers/layer.py of "
    "keras 3.15.1, which takes the name only as a keyword); the third argument of `Model.compile` "
    "is the metrics in Keras 2 and the loss weights in Keras 3; the second of `Sequential` is the "
    "name in Keras 2 and `trainable` in Keras 3.",
    bad="""\
import numpy as np
from tensorflow import keras


class Scale(keras.layers.Layer):
    def build(self, input_shape):
        shape = (input_shape[-1],)
        if hasattr(keras, "ops"):  # Keras 3, in the order of Keras 2; and the other way round
            self.w = self.add_weight("w", shape, initializer="ones")
        else:
            self.w = self.add_weight(shape, initializer="ones")
        super().build(input_shape)

    def call(self, x):
        return x * self.w


layer = Scale()
layer(np.ones((2, 3), "float32"))
""",
    good="""\
import numpy as np
from tensorflow import keras


class Scale(keras.layers.Layer):
    def build(self, input_shape):
        shape = (input_shape[-1],)
        self.w = self.add_weight(name="w", shape=shape, initializer="ones")
        super().build(input_shape)

    def call(self, x):
        return x * self.w


layer = Scale()
layer(np.ones((2, 3), "float32"))
""",
    check=_check,
)
