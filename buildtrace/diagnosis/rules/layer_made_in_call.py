"""BT201: a layer is made in `call`, and so anew each time that `call` runs."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from buildtrace.diagnosis import remedies
from buildtrace.diagnosis.locked import LOCKED, ONCE, is_about_weight, made_by
from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.traces.schema import Call, Finding, LayerRef, SourceLine
    from buildtrace.traces.trace import Trace


def _check(trace: Trace) -> Iterator[Finding]:
    told = set()
    for maker, runs in _makers(trace).items():
        anew = _made_anew(trace, maker, runs)
        if anew:
            told.add(maker.owner.id)
            yield _anew(trace, maker, anew)
    for raised in trace.index.raised:
        run = made_by(raised)
        if run is None or run.layer is None or not raised.says(LOCKED) or run.layer.id in told:
            continue
        if not is_about_weight(raised, trace.children(raised.calls[-1])):
            told.add(run.layer.id)
            yield _refused(run.layer, raised.ids, raised.line)


# -- layers that change from run to run -----------------------------------------------------------


class _Maker(NamedTuple):
    """A line of a layer's `call` that calls a layer of some class."""

    owner: LayerRef
    line: SourceLine
    class_name: str


def _makers(trace: Trace) -> dict[_Maker, dict[int, list[Call]]]:
    """The lines that call layers: for each, what it called in each run of its `call`."""
    runs_by_maker: dict[_Maker, dict[int, list[Call]]] = defaultdict(lambda: defaultdict(list))
    for call in trace.calls:
        if call.landmark != "Layer.__call__" or call.layer is None or call.caller is None:
            continue
        run = trace.index.run_around(call)
        # A line of the owner's own: Keras' models call their layers without one.
        if run is not None and run.layer is not None and run.caller != call.caller:
            maker = _Maker(run.layer, call.caller, call.layer.class_name)
            runs_by_maker[maker][run.id].append(call)
    return runs_by_maker


def _made_anew(trace: Trace, maker: _Maker, runs: dict[int, list[Call]]) -> list[Call]:
    """Calls of layers that were new in their run, and gone in the next; empty without proof."""
    held = trace.index.reported_weights.get(maker.owner.id)
    fresh = [[c for c in calls if _is_new(trace, c, calls)] for calls in runs.values()]
    if held is None or len(fresh) < 2 or not all(fresh):
        return []
    if any(held & _weights(trace, calls) for calls in fresh[:-1]):
        return []  # several layers of the owner's, which take turns
    if len(fresh) > 2 or _is_proven(trace, held, fresh):
        return [calls[0] for calls in fresh]
    return []


def _is_proven(trace: Trace, held: frozenset[int], fresh: list[list[Call]]) -> bool:
    """Whether nobody but `call` can have put another layer in the place of the one before."""
    first, second, last = fresh[0][0], fresh[1][0], fresh[-1][0]
    untracked = not held & _weights(trace, fresh[-1])
    refused = last.error is not None and ONCE in last.error.message
    return untracked or refused or trace.index.root(first).id == trace.index.root(second).id


def _is_new(trace: Trace, call: Call, run: list[Call]) -> bool:
    """Whether this call made the layer's weights, or failed to, and no other run calls the layer.

    One without weights, such as Flatten, may be made anew each time: there is nothing to lose.
    """
    assert call.layer is not None
    others = trace.index.calls_of(call.layer.id)
    if others[0].id != call.id or {c.id for c in others} - {c.id for c in run}:
        return False
    if call.error is not None:
        return any(inner.landmark == "Layer.build" for inner in trace.index.inside(call))
    return bool(trace.index.weights_made_in(call))


def _weights(trace: Trace, calls: list[Call]) -> set[int]:
    return {weight.id for call in calls for weight in trace.index.weights_made_in(call)}


def _anew(trace: Trace, maker: _Maker, anew: list[Call]) -> Finding:
    layers = [call.layer for call in anew if call.layer is not None]
    names = [f"'{layer.name}'" for layer in layers]
    if len(names) > 3:
        names = [*names[:3], wording.count(len(names) - 3, "other")]
    held = trace.index.reported_weights[maker.owner.id]
    proven = _is_proven(trace, held, [[call] for call in anew])
    return RULE.finding(
        f"`call` of {wording.layer(maker.owner)} makes another {maker.class_name} each time it "
        f"runs ({wording.line(maker.line)}): {wording.listed(names)}, all with new weights, so "
        "that what one of them learns is lost with the next.",
        fix=_fix(maker.class_name.lower(), remedies.constructor(trace, layers[0])),
        calls=[call.id for call in anew],
        caller=maker.line,
        layer=maker.owner.id,
        severity="error" if proven else "warning",
    )


# -- layers that Keras refused --------------------------------------------------------------------


def _refused(owner: LayerRef, calls: list[int], line: SourceLine | None) -> Finding:
    where = f" at {wording.line(line)}" if line is not None else ""
    return RULE.finding(
        f"`call` of {wording.layer(owner)} makes a layer{where} when '{owner.name}' is already "
        "built, and Keras refuses it: it would be another one at each call.",
        fix=_fix("dense", "keras.layers.Dense"),
        calls=calls,
        caller=line,
        layer=owner.id,
    )


def _fix(name: str, made: str) -> str:
    return (
        "def __init__(self):\n"
        "    super().__init__()\n"
        f"    self.{name} = {made}(...)  # made once\n"
        "\n"
        "def call(self, x):\n"
        f"    return self.{name}(x)"
    )


RULE = Rule(
    code="BT201",
    title="a layer is made in `call`",
    severity="error",
    generations=BOTH,
    why="`call` runs again and again: at each use, for each function that is traced, and once "
    "more while the layer is built. A layer that it makes is new each time, with fresh weights. "
    "Keras 2 keeps the last one and says nothing (Layer.__setattr__ in engine/base_layer.py of "
    "tf_keras 2.21), until a traced function makes variables twice. Keras 3 locks a layer's "
    "state when it is built (Layer._lock_state in layers/layer.py of keras 3.15.1), so that an "
    "attribute that holds a new layer is refused; one that is in no attribute passes unseen.",
    bad="""\
import numpy as np
from tensorflow import keras


class Net(keras.Model):
    def call(self, x):
        self.dense = keras.layers.Dense(4)
        return self.dense(x)


x, y = np.ones((2, 3), "float32"), np.ones((2, 4), "float32")
model = Net()
model(x)
model.compile("sgd", "mse")
model.fit(x, y, verbose=0)
""",
    good="""\
import numpy as np
from tensorflow import keras


class Net(keras.Model):
    def __init__(self, **options):
        super().__init__(**options)
        self.dense = keras.layers.Dense(4)

    def call(self, x):
        return self.dense(x)


x, y = np.ones((2, 3), "float32"), np.ones((2, 4), "float32")
model = Net()
model(x)
model.compile("sgd", "mse")
model.fit(x, y, verbose=0)
""",
    check=_check,
    hides=("BT203", "BT206"),
)
