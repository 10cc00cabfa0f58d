"""BT206: a layer or a weight is added to a layer that is built already."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.diagnosis.locked import LOCKED, made_by
from buildtrace.diagnosis.rule import Rule
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.traces.failures import Raised
    from buildtrace.traces.schema import Call, Finding
    from buildtrace.traces.trace import Trace


def _check(trace: Trace) -> Iterator[Finding]:
    for raised in trace.index.raised:
        if not raised.says(LOCKED):
            continue
        build = next((c for c in reversed(raised.calls) if c.landmark == "Layer.build"), None)
        if build is not None:
            yield _built_again(trace, raised, build)
        elif made_by(raised) is None:
            yield _added(trace, raised)


def _built_again(trace: Trace, raised: Raised, build: Call) -> Finding:
    assert build.layer is not None
    name = build.layer.name
    before = [
        call
        for call in trace.index.builds_of(build.layer.id)
        if call.id < build.id and call.error is None
    ]
    first = f", which {wording.line(before[0].caller)} had built" if before else ", which is built"
    return RULE.finding(
        f"{build.name} ran again at {wording.line(build.caller)} for {wording.layer(build.layer)}"
        f"{first}: it makes its weights or layers a second time, and Keras refuses them.",
        fix=f"if not {name}.built:\n    {name}.build(input_shape)",
        calls=[*(call.id for call in before[:1]), *raised.ids],
        caller=build.caller,
        layer=build.layer.id,
    )


def _added(trace: Trace, raised: Raised) -> Finding:
    owner = next((call.layer for call in reversed(raised.calls) if call.layer is not None), None)
    builds = trace.index.builds_of(owner.id) if owner is not None else []
    whom = wording.layer(owner) if owner is not None else "a layer"
    when = f", by {wording.line(builds[0].caller)}" if builds else ""
    return RULE.finding(
        f"{wording.line(raised.line)} adds a weight or a layer to {whom} that is built "
        f"already{when}: its state is locked by then.",
        fix="# before the first call and before `build`:\n"
        "def __init__(self, ...):\n"
        "    super().__init__()\n"
        "    self.head = keras.layers.Dense(...)  # all layers that it will ever have\n"
        "# or leave the built model as it is, and make a new one from its layers:\n"
        "model = keras.Sequential([base, keras.layers.Dense(...)])",
        calls=[*(call.id for call in builds[:1]), *raised.ids],
        caller=raised.line,
        layer=None if owner is None else owner.id,
    )


RULE = Rule(
    code="BT206",
    title="state added to a layer that is built",
    severity="error",
    generations=("keras3",),
    why="When a layer is built, Keras 3 locks the lists of its weights and sub-layers "
    "(Layer._lock_state in layers/layer.py, Tracker.add_to_store in utils/tracking.py of keras "
    "3.15.1): optimizers and saved files rely on them. An attribute that gets a new layer or "
    "variable is then refused, even if it replaces another one, and so is a second run of a "
    "`build` that makes them. Functional and Sequential models are not locked in this way; Keras "
    "2 locks nothing.",
    bad="""\
import numpy as np
from tensorflow import keras


class Net(keras.Model):
    def __init__(self):
        super().__init__()
        self.stem = keras.layers.Dense(8)
        self.head = keras.layers.Dense(10)

    def call(self, x):
        return self.head(self.stem(x))


x = np.ones((2, 3), "float32")
model = Net()
model(x)
model.head = keras.layers.Dense(2)
model(x)
""",
    good="""\
import numpy as np
from tensorflow import keras


class Net(keras.Model):
    def __init__(self, classes):
        super().__init__()
        self.stem = keras.layers.Dense(8)
        self.head = keras.layers.Dense(classes)

    def call(self, x):
        return self.head(self.stem(x))


x = np.ones((2, 3), "float32")
model = Net(2)
model(x)
model(x)
""",
    check=_check,
)
