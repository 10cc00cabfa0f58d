"""BT404: Keras has no picture of a subclassed model, and Keras 2 no shapes in its summary."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.traces.schema import Finding, LayerRef, Shape, Use
    from buildtrace.traces.trace import Trace


def _check(trace: Trace) -> Iterator[Finding]:
    told: set[tuple[int, str]] = set()
    for use in trace.index.uses_by("model_to_dot", "Model.summary"):
        if use.model is None or not use.built or (use.model.id, use.name) in told:
            continue
        if use.name == "Model.summary" and use.generation == "keras3":
            continue  # it has the shapes of what was called, if anything was
        graph = trace.graph_of(use.model.id)
        if graph is not None and graph.source == "flow":
            told.add((use.model.id, use.name))
            yield _finding(trace, use, use.model)


def _finding(trace: Trace, use: Use, model: LayerRef) -> Finding:
    runs = [
        call
        for call in [*trace.index.calls_of(model.id), *trace.index.builds_of(model.id)]
        if call.inputs
    ]
    lacks = "only one box" if use.name == "model_to_dot" else "'multiple' for every shape"
    return RULE.finding(
        f"{wording.layer(model)} is subclassed: Keras keeps no graph of it, so its "
        f"{'picture' if use.name == 'model_to_dot' else 'summary'} has {lacks}. buildtrace has "
        "the graph.",
        _fix(use, model, [spec.shape for spec in runs[0].inputs] if runs else []),
        calls=[call.id for call in runs[:1]],
        caller=use.caller,
        layer=model.id,
    )


def _fix(use: Use, model: LayerRef, shapes: list[Shape | None]) -> str:
    symbols = [
        f"keras.Input({wording.shape_in_words(shape[1:])})" for shape in shapes if shape is not None
    ]
    inside = symbols[0] if len(symbols) == 1 else f"[{', '.join(symbols)}]"
    graph = f"keras.Model(i, {model.name}.call(i))"
    shown = f"keras.utils.plot_model({graph})"
    if use.name == "Model.summary":
        shown = f"{graph}.summary()"
    return f"i = {inside if symbols else 'keras.Input(...)'}\n{shown}"


RULE = Rule(
    code="BT404",
    title="Keras keeps no graph of a subclassed model",
    severity="note",
    generations=BOTH,
    why="What a subclassed model does is written in its `call`, in Python. Keras keeps a graph "
    "only of what was put together from symbols, and treats everything else as one box "
    "(model_to_dot in utils/vis_utils.py of tf_keras 2.21, utils/model_visualization.py of keras "
    "3.15). The table of Keras 2 reads its shapes from that graph as well.",
    bad="""\
import numpy as np
from tensorflow import keras


class Net(keras.Model):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.a = keras.layers.Dense(4)
        self.b = keras.layers.Dense(2)

    def call(self, x):
        return self.b(self.a(x))


net = Net()
net(np.ones((2, 3), "float32"))
try:
    keras.utils.model_to_dot(net)
except ImportError as error:
    print(error)
""",
    good="""\
import numpy as np
from tensorflow import keras


class Net(keras.Model):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.a = keras.layers.Dense(4)
        self.b = keras.layers.Dense(2)

    def call(self, x):
        return self.b(self.a(x))


net = Net()
net(np.ones((2, 3), "float32"))
inputs = keras.Input((3,))
model = keras.Model(inputs, net.call(inputs))
try:
    keras.utils.model_to_dot(model)
except ImportError as error:
    print(error)
""",
    check=_check,
)
