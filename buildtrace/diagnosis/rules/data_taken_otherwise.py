"""BT312: a model's inputs take data for something else: another key's array, or another value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.diagnosis import edits, remedies
from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import wording
from buildtrace.traces.shape_origins import INPUT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.diagnosis.edits import Edits
    from buildtrace.traces.schema import Cast, Finding, LayerRef, Node, Use
    from buildtrace.traces.trace import Trace

_SAID = "Missing data for input"
"""Keras says so itself, with all keys."""


def _check(trace: Trace) -> Iterator[Finding]:
    for use in trace.uses:
        if use.model is None:
            continue
        if use.taken and not (use.error and _SAID in use.error.message):
            yield _other_key(trace, use, use.model)
        if use.cast is not None:
            yield _other_value(trace, use, use.model, use.cast)


def _other_key(trace: Trace, use: Use, model: LayerRef) -> Finding:
    wrong = [(name, key) for name, key in use.taken.items() if name != key]
    took = wording.listed((f"{key!r} for its input {name!r}" for name, key in wrong), most=4)
    failed = [
        raised
        for raised in trace.index.raised
        if use.error is not None and any(call.layer == model for call in raised.calls)
    ]
    if use.generation == "keras3":
        of = "with more keys than it has inputs"
        names = tuple(use.taken)
        fix = f"batch = {{name: batch[name] for name in {names}}}  # batch: what it is given"
    else:
        of = "though its `inputs` were not given as a list or a dict of them"
        fix = "keras.Model(inputs=list(...), outputs=...)  # `values()` of a dict are no list"
    return RULE.finding(
        f"{wording.layer(model)} was called on a dict {of}, and takes {took}: Keras goes by the "
        "order of the sorted keys, not by the names.",
        fix=fix,
        calls=[number for raised in failed for number in raised.ids],
        caller=use.caller,
        layer=model.id,
        edits=edits.listed_inputs(trace, model) if use.generation == "keras2" else (),
    )


def _other_value(trace: Trace, use: Use, model: LayerRef, cast: Cast) -> Finding:
    becomes = f"becomes {cast.becomes}" if cast.becomes else "does not fit into it"
    return RULE.finding(
        f"The input {cast.input!r} of {wording.layer(model)} is of the dtype {cast.dtype}, and was "
        f"given {cast.given}: {cast.value} {becomes}. Keras casts without a word.",
        fix=_fix_of_cast(trace, model, cast),
        caller=use.caller,
        layer=model.id,
        edits=_edits(trace, model, cast),
    )


def _edits(trace: Trace, model: LayerRef, cast: Cast) -> Edits:
    """The dtype of the Input, where it is not the data that has to be another."""
    node, users = _input_of(trace, model, cast)
    if node is None or _is_of_embedding(cast, users):
        return edits.NONE
    made = [c for c in trace.calls if c.landmark == INPUT and c.layer and c.layer.id == node.layer]
    line = made[0].caller if len(made) == 1 else None
    return edits.argument(trace, line, "Input", "dtype", f'"{_holding(cast)}"')


def _input_of(trace: Trace, model: LayerRef, cast: Cast) -> tuple[Node | None, set[str]]:
    """A model's input in its graph, if that is known, and the classes of what uses it."""
    graph = trace.index.graph_by_model.get(model.id)
    nodes = () if graph is None else graph.nodes
    node = next((n for n in nodes if n.kind == "input" and n.name == cast.input), None)
    if graph is None or node is None or not node.outputs:
        return None, set()
    return node, {nodes[edge.target].class_name for edge in graph.edges if edge.source == node.id}


def _is_of_embedding(cast: Cast, users: set[str]) -> bool:
    return cast.given.startswith("float") and "Embedding" in users


def _holding(cast: Cast) -> str:
    """A dtype that holds what was given."""
    return "float32" if cast.given.startswith("float") else "int64"


def _fix_of_cast(trace: Trace, model: LayerRef, cast: Cast) -> str:
    node, users = _input_of(trace, model, cast)
    if node is None:
        return f'x = x.astype("{cast.dtype}")  # x: the data, made such that nothing is lost'
    if _is_of_embedding(cast, users):
        return f'x = np.rint(x).astype("{cast.dtype}")  # x: the data; an Embedding wants integers'
    shape = remedies.without_batch(node.outputs[0].shape)
    return (
        f'keras.Input({shape}, name="{cast.input}", dtype="{_holding(cast)}")  # it holds the data'
    )


RULE = Rule(
    code="BT312",
    title="a model's input takes other data than it is given",
    severity="error",
    generations=BOTH,
    why="A functional model casts data to the dtypes of its inputs (_conform_to_reference_input in "
    "engine/functional.py of tf_keras 2.21, Functional._convert_inputs_to_tensors in "
    "models/functional.py of keras 3.15.1): a fraction is cut off, and a number that is too large "
    "becomes another one. If its inputs are a dict, Keras 3 sorts the keys of both dicts and "
    "takes the first ones, so that one key more can shift all "
    "(Functional._standardize_inputs there). Keras 2 does so if the model was made "
    "with no list and no dict, such as the `values()` of one "
    "(Functional._flatten_to_reference_inputs there).",
    bad="""\
import numpy as np
from tensorflow import keras

images = np.random.default_rng(0).uniform(0, 1, (4, 8, 8, 1)).astype("float32")
inputs = keras.Input((8, 8, 1), dtype="uint8")
outputs = keras.layers.Dense(2)(keras.layers.Flatten()(keras.layers.Rescaling(1.0)(inputs)))
model = keras.Model(inputs, outputs)
model.predict(images, verbose=0)
""",
    good="""\
import numpy as np
from tensorflow import keras

images = np.random.default_rng(0).uniform(0, 1, (4, 8, 8, 1)).astype("float32")
inputs = keras.Input((8, 8, 1), dtype="float32")
outputs = keras.layers.Dense(2)(keras.layers.Flatten()(keras.layers.Rescaling(1.0)(inputs)))
model = keras.Model(inputs, outputs)
model.predict(images, verbose=0)
""",
    check=_check,
    hides=("BT306",),
)
