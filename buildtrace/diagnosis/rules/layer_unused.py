"""BT204: a layer is tracked, but was never called or built."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import wording
from buildtrace.traces.schema import SourceLine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.traces.schema import Call, Finding, LayerRef, LayerState
    from buildtrace.traces.trace import Trace


def _check(trace: Trace) -> Iterator[Finding]:
    for places in _by_class(trace).values():
        yield _finding(trace, places)


def _by_class(trace: Trace) -> dict[object, list[tuple[LayerState, list[LayerRef]]]]:
    """The layers that have unused ones, each with these: those of one class together."""
    by_class: dict[object, list[tuple[LayerState, list[LayerRef]]]] = {}
    for layer in trace.layers:
        state = trace.index.state_of(layer)
        if state is None or not _has_run(trace, state):
            continue
        unused = _unused(trace, state)
        for gone in (True, False):
            some = [child for child in unused if (child.id in state.replaced) is gone]
            numbers = tuple(place for place, ref in enumerate(state.children) if ref in some)
            key = (state.layer.class_name, state.file, state.line, numbers, gone)
            if some:
                by_class.setdefault(key, []).append((state, some))
    return by_class


def _has_run(trace: Trace, state: LayerState) -> bool:
    return state.built and (state.ran or bool(_runs(trace, state)))


def _runs(trace: Trace, state: LayerState) -> list[Call]:
    """The runs of its `call` to the end, without an exception that was caught on the way."""
    return [
        call
        for call in trace.index.calls_of(state.layer.id)
        if trace.index.is_run(call) and not any(c.error for c in trace.index.inside(call))
    ]


def _unused(trace: Trace, state: LayerState) -> list[LayerRef]:
    """The layers that it holds, and that would make something if somebody built or called them."""
    return [
        child
        for child in state.children
        if child.id in state.unbuilt
        and not trace.index.calls_of(child.id)
        and not trace.index.builds_of(child.id)
        and trace.index.may_make_weights(child)
    ]


def _finding(trace: Trace, places: list[tuple[LayerState, list[LayerRef]]]) -> Finding:
    (state, unused), more = places[0], len(places) - 1
    names, one = wording.listed(map(wording.layer, unused)), len(unused) == 1
    runs = _runs(trace, state)
    whom = wording.layer(state.layer) + (f" and {more} more like it" if more else "")
    is_gone = unused[0].id in state.replaced
    # An attribute that still leads there may wait for training, or for another method.
    if is_gone:
        message = (
            f"Another layer took the place of {names} in {whom} before it was built, and Keras "
            "still has it: without weights, in `layers`, in the summary and in saved files."
        )
        does = "make the right layer in `__init__`, instead of"
    else:
        has, were, they = (
            "have" if more else "has",
            "was" if one else "were",
            "it" if one else "they",
        )
        message = (
            f"{whom} {has} {'a layer' if one else 'the layers'} {names} that {were} neither called "
            f"nor built: without weights, {they} {'is' if one else 'are'} in the summary and in "
            "saved files all the same."
        )
        does = "leave out of `__init__`, if nothing is to use it:"
    quoted = wording.listed([wording.quoted(child.name) for child in unused])
    return RULE.finding(
        message,
        fix=f"# {does} {quoted}\n"
        f"model = {state.layer.class_name}(...)  # pass what decides it as an argument",
        calls=[call.id for call in runs[:1]] or [state.after],
        caller=_line(state, unused, runs),
        layer=unused[0].id,
        severity="warning" if is_gone else "note",
    )


def _line(state: LayerState, unused: list[LayerRef], runs: list[Call]) -> SourceLine | None:
    """Where the layer is made; else where the one that holds it was run, or its class."""
    made = [state.made[child.id] for child in unused if child.id in state.made]
    if made or runs:
        return made[0] if made else runs[0].caller
    return SourceLine(file=state.file, line=state.line) if state.line else None


RULE = Rule(
    code="BT204",
    title="a layer is tracked, but never used",
    severity="warning",
    generations=BOTH,
    why="A layer belongs to a model as soon as an attribute holds it. In Keras 3 it stays when the "
    "attribute gets another value: the tracker only ever adds (Tracker.track in utils/tracking.py "
    "of keras 3.15.1), so that a head that was replaced is still in `layers`, and counts in the "
    "order in which `.weights.h5` files are read. Its own `build` warns of layers that are not "
    "built (Layer.build in layers/layer.py). Keras 2 lets go of what an attribute held before "
    "(Layer.__delattr__ in engine/base_layer.py of tf_keras 2.21). A layer that is used later, by "
    "another method or in training, is fine, but an optimizer that was built before does not "
    "know its weights.",
    bad="""\
import numpy as np
from tensorflow import keras


class Net(keras.Model):
    def __init__(self, **options):
        super().__init__(**options)
        self.stem = keras.layers.Dense(8)
        self.old = keras.layers.Dense(10)
        self.head = keras.layers.Dense(2)

    def call(self, x):
        return self.head(self.stem(x))


model = Net()
model(np.ones((1, 3), "float32"))
""",
    good="""\
import numpy as np
from tensorflow import keras


class Net(keras.Model):
    def __init__(self, **options):
        super().__init__(**options)
        self.stem = keras.layers.Dense(8)
        self.head = keras.layers.Dense(2)

    def call(self, x):
        return self.head(self.stem(x))


model = Net()
model(np.ones((1, 3), "float32"))
""",
    check=_check,
)
