"""BT203: a layer is called by another one that does not know it as its own."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from buildtrace.diagnosis import remedies
from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import wording
from buildtrace.traces.totals import totals

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.traces.schema import Call, Finding, LayerRef, LayerState, Weight
    from buildtrace.traces.trace import Trace


def _check(trace: Trace) -> Iterator[Finding]:
    holders = _holders(trace)
    told = set()
    for call in trace.calls:
        layer = call.layer
        if call.landmark != "Layer.__call__" or layer is None or layer.id in told:
            continue
        run = trace.index.run_around(call)
        if run is None or run.layer is None or run.caller == call.caller:
            continue
        if (
            run.layer.id not in trace.index.reported_weights
            or trace.index.holder_of(layer.id) is not None
        ):
            continue  # nobody has read what the owner has, or somebody holds the layer
        weights = _weights(trace, layer)
        if weights and _is_unknown(trace, run.layer, weights, holders):
            told.add(layer.id)
            yield _finding(trace, run.layer, call, weights)


def _holders(trace: Trace) -> dict[int, list[frozenset[int]]]:
    """For each weight, all weights of those who have it."""
    holders: dict[int, list[frozenset[int]]] = defaultdict(list)
    for weights in trace.index.reported_weights.values():
        for number in weights:
            holders[number].append(weights)
    return holders


def _weights(trace: Trace, layer: LayerRef) -> list[Weight]:
    """The weights of a layer, and of the layers in it if it calls any."""
    if layer.id in trace.index.graph_by_model:
        return [trace.weights[n] for n in trace.index.graph_by_model[layer.id].weights]
    return trace.weights_of(layer.id)


def _is_unknown(
    trace: Trace,
    owner: LayerRef,
    weights: list[Weight],
    holders: dict[int, list[frozenset[int]]],
) -> bool:
    """Whether nobody has these weights but the layer itself, and layers in it."""
    own = {weight.id for weight in weights}
    if own & trace.index.reported_weights[owner.id]:
        return False  # by a way that is not read, such as a module of TensorFlow's
    if any(not holder <= own for number in own for holder in holders.get(number, [])):
        return False
    # One that was made and built elsewhere is perhaps kept apart on purpose, such as a teacher.
    return all(_was_made_by(trace, owner, weight) for weight in weights)


def _was_made_by(trace: Trace, owner: LayerRef, weight: Weight) -> bool:
    if weight.call is None:
        return False
    around = trace.ancestors(trace.call(weight.call))
    return any(call.layer is not None and call.layer.id == owner.id for call in around)


def _finding(trace: Trace, owner: LayerRef, call: Call, weights: list[Weight]) -> Finding:
    assert call.layer is not None
    number = totals(weights).parameters
    state = trace.index.state_of(owner.id)
    way = state.hidden.get(call.layer.id, "") if state else ""
    because = ""
    if state is not None and _has_overwritten(state, way):
        because = (
            f": `self.{way}` holds it, but '{owner.name}' has overwritten `self._layers`, where "
            "Keras looks for them"
        )
    elif way:
        because = f", though `self.{wording.sanitize(way)}` leads to it"
    return RULE.finding(
        f"{wording.layer(owner)} calls {wording.layer(call.layer)}, which Keras does not know as "
        f"a part of it{because}: its {wording.count(len(weights), 'weight')} "
        f"({wording.count(number, 'parameter')}) are not among the weights of '{owner.name}', so "
        "they are neither trained nor saved.",
        fix=_fix(owner, call.layer, state, way),
        calls=[call.id],
        caller=call.caller,
        layer=call.layer.id,
    )


def _has_overwritten(state: LayerState, way: str) -> bool:
    """Whether the layer has put a list of its own where Keras 3 keeps those inside.

    None of those that Keras finds is an attribute then, and an attribute that holds one is not
    enough.
    """
    children = {child.id for child in state.children}
    return bool(children) and way.isidentifier() and children == set(state.replaced)


def _fix(owner: LayerRef, layer: LayerRef, state: LayerState | None, way: str) -> str:
    if state is not None and _has_overwritten(state, way):
        return "self.blocks = [...]  # any name but `_layers`, which is Keras' own"
    attribute = layer.class_name.lower()
    held = f"...  # '{layer.name}' itself, or the list it is in"
    if remedies.is_way(way):
        first, last = way.partition("[")[0], way.rpartition(".")[2].partition("[")[0]
        attribute, held = last, f"self.{way}  # so that Keras finds it"
        if "." not in way:
            attribute, held = first, "[...]  # in one piece, when all layers are in it"
    return (
        f"class {state.layer.class_name if state else owner.class_name}(...):\n"
        "    def __init__(self, ...):\n"
        "        super().__init__()\n"
        "        ...\n"
        f"        self.{attribute} = {held}"
    )


RULE = Rule(
    code="BT203",
    title="a layer is called, but not tracked",
    severity="error",
    generations=BOTH,
    why="A layer tracks what its attributes hold: layers, and lists, tuples and dicts "
    "of them. It does not look into other objects, functions or closures, nor into a list that "
    "was appended to a list and grows after that (Keras 3: TrackedList in utils/tracking.py of "
    "keras 3.15.1) or into a set (Keras 2: Layer.__setattr__ in engine/base_layer.py of tf_keras "
    "2.21). Keras 3 finds them in `self._layers`, where no other list may be put. A layer that is "
    "hidden runs, but is left out of training, saving and `trainable`.",
    bad="""\
import numpy as np
from tensorflow import keras


class Tools:
    def __init__(self):
        self.dense = keras.layers.Dense(8)


class Net(keras.Model):
    def __init__(self, **options):
        super().__init__(**options)
        self.tools = Tools()
        self.head = keras.layers.Dense(1)

    def call(self, x):
        return self.head(self.tools.dense(x))


model = Net()
model(np.ones((2, 3), "float32"))
""",
    good="""\
import numpy as np
from tensorflow import keras


class Tools:
    def __init__(self):
        self.dense = keras.layers.Dense(8)


class Net(keras.Model):
    def __init__(self, **options):
        super().__init__(**options)
        self.tools = Tools()
        self.dense = self.tools.dense
        self.head = keras.layers.Dense(1)

    def call(self, x):
        return self.head(self.tools.dense(x))


model = Net()
model(np.ones((2, 3), "float32"))
""",
    check=_check,
)
