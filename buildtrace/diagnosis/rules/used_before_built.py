"""BT101: something was asked of a model that was not built yet."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from buildtrace.diagnosis import edits, remedies
from buildtrace.diagnosis.parsed_files import maker_of, spelled
from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from buildtrace.diagnosis.edits import Edits
    from buildtrace.traces.schema import ErrorInfo, Finding, TensorSpec, Use
    from buildtrace.traces.trace import Trace

WANTS_BUILT = {
    "summary": "its table has neither shapes nor weights",
    "save": "the file has no weights",
    "save_weights": "the file has no weights",
    "load_weights": "there were no weights to load into",
    "model_to_dot": "there are no shapes to draw",
}
"""Method or function → what comes of it if it is silent."""

NOT_BUILT = re.compile(
    r"has not yet been built|have not yet been created|has not created its variables"
    r"|expected 0 variables|input shape is not available"
)
"""How the two generations say that a model is not built, where they say it."""


def _check(trace: Trace) -> Iterator[Finding]:
    told = set()
    for use in trace.uses:
        what = use.name.rpartition(".")[2]
        if what in WANTS_BUILT and use.model is not None and _is_too_early(use, what):
            if _is_made_good(trace, use):
                continue
            if (use.model.id, use.caller) not in told:  # `save` calls `save_weights`
                yield _of_use(trace, use, what)
            told.add((use.model.id, use.caller))
    error = trace.error
    if error is not None and not any(use.error for use in trace.uses):
        yield from _of_weights(error)


def _is_too_early(use: Use, what: str) -> bool:
    """Whether it went wrong, or will without a word.

    A file of TensorFlow's own format may be loaded into a model of Keras 2 before it is built: the
    values wait for the variables. So loading has to fail to be told.
    """
    if use.built:
        return False
    if use.error is not None:
        return NOT_BUILT.search(use.error.message) is not None
    return bool(use.unbuilt) and what != "load_weights"


def _is_made_good(trace: Trace, use: Use) -> bool:
    """Whether the script caught the exception, and did the same later with success."""
    later = (other for other in trace.index.uses_by(use.name) if other.before > use.before)
    return use.error is not None and any(o.model == use.model and not o.error for o in later)


def _of_use(trace: Trace, use: Use, what: str) -> Finding:
    assert use.model is not None
    silent = use.error is None
    came = f"it raises {use.error.type}" if use.error else WANTS_BUILT[what]
    return RULE.finding(
        f"{use.name} was called on {wording.layer(use.model)} before it was built"
        f"{_unbuilt(use)}: {came}.",
        fix=_fix(trace, use),
        caller=use.caller,
        layer=use.model.id,
        why=_why(use),
        severity="warning" if what in ("summary", "model_to_dot") and silent else "error",
        edits=_edits(trace, use, what),
    )


def _edits(trace: Trace, use: Use, what: str) -> Edits:
    """The Input of a Sequential, or a call before the line, if it is known what comes in."""
    assert use.model is not None
    line, known = use.caller, remedies.inputs(trace, use.model)
    if line is None or not known:
        return edits.NONE
    if use.model.class_name == "Sequential":
        if use.weights or len(known) != 1:
            return edits.NONE
        shape = remedies.without_batch(known[0].shape)
        code = spelled(trace, line.file, f"keras.Input({shape})")
        made = maker_of(trace, use.model, line)
        return edits.layer_first(trace, made, "Sequential", code) if code else edits.NONE
    data = ", ".join(remedies.zeros(use.generation, spec) for spec in known)
    given = spelled(trace, line.file, data)
    return edits.before_call(trace, line, what, lambda model: f"{model}({given})" if given else "")


def _unbuilt(use: Use) -> str:
    """The layers in the model that have no weights yet."""
    names = [wording.layer(ref) for ref in use.unbuilt[:3]]
    if len(use.unbuilt) > len(names):
        names.append(f"{len(use.unbuilt) - len(names)} more")
    if not names:
        return ""
    there = f", though it has {wording.count(use.weights, 'weight')} already" if use.weights else ""
    return f" ({wording.listed(names)} {'is' if len(names) == 1 else 'are'} not built{there})"


def _why(use: Use) -> str:
    assert use.model is not None
    if use.model.class_name == "Sequential" and use.generation == "keras2" and use.weights:
        return (
            "A Sequential of Keras 2 takes its input shape from a keras.Input in the first place, "
            "or from the first layer's `input_shape`. A model in the first place, built or not, "
            "does not give it (Sequential.add in engine/sequential.py of tf_keras 2.21); in Keras "
            "3 it does."
        )
    return RULE.why


def _fix(trace: Trace, use: Use) -> str:
    """Where the input shape comes from: for a Sequential the first line, else a call on data."""
    assert use.model is not None
    if use.model.class_name != "Sequential":
        call = remedies.call_on_data(trace, use.model, use.generation)
        return f"{call}  # builds it; then go on"
    known = remedies.inputs(trace, use.model) or _of_front(trace, use)
    sizes = known[0].shape if len(known) == 1 else None
    first = f"keras.Input({remedies.without_batch(sizes)}),"
    if sizes is None:
        first = "keras.Input(shape),  # shape: that of one sample of your data"
    more = "the built model and the layers, as now" if use.weights else "the layers, as now"
    return f"keras.Sequential([\n    {first}\n    ...,  # {more}\n])"


def _of_front(trace: Trace, use: Use) -> Sequence[TensorSpec]:
    """The input of the model in first place: the only one that has the weights that are there."""
    fitting = [g for g in trace.graphs if use.weights and len(g.weights) == use.weights]
    if len(fitting) != 1 or len(fitting[0].inputs) != 1:
        return ()
    return fitting[0].nodes[fitting[0].inputs[0]].outputs


def _of_weights(error: ErrorInfo) -> Iterator[Finding]:
    """`model.weights` of Keras 2 ended the run: it is an attribute, which is not recorded."""
    match = re.match(r"Weights for model '([^']*)' have not yet been created", error.message)
    if match:
        model = match[1]
        yield RULE.finding(
            f"The weights of the model '{model}' were asked for before it was built: {error.type}.",
            fix="model.build((None, ...))  # the shape of a batch of your data; then go on",
            caller=error.place,
        )


RULE = Rule(
    code="BT101",
    title="model used before it was built",
    severity="error",
    generations=BOTH,
    why="Weights are made by `build`, which needs to know the shape of the input. A Sequential "
    "without keras.Input and a subclassed model learn it from `build(shape)` or from the first "
    "call. Until then Keras 2 raises, except in `save_weights` and `save` to its newer files, "
    "which write none (engine/training.py and saving/saving_lib.py of tf_keras 2.21). Keras 3 "
    "shows '?' in `summary`, and raises in `save_weights` and `load_weights` "
    "(utils/summary_utils.py and saving/saving_lib.py of keras 3.15).",
    bad="""\
from tensorflow import keras

model = keras.Sequential([keras.layers.Dense(8), keras.layers.Dense(1)])
model.summary()
""",
    good="""\
from tensorflow import keras

model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(8), keras.layers.Dense(1)])
model.summary()
""",
    check=_check,
)
