"""BT302: a layer got an input of another size than the one that it was first built for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.diagnosis import edits, remedies
from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import wording
from buildtrace.traces.mismatch import Mismatch, mismatch
from buildtrace.traces.shape_origins import INPUT, ShapeOrigins

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.diagnosis.edits import Edits
    from buildtrace.traces.failures import Raised
    from buildtrace.traces.schema import Call, Finding
    from buildtrace.traces.trace import Trace


def _check(trace: Trace) -> Iterator[Finding]:
    for failure in trace.index.failures:
        misfit = mismatch(trace, failure)
        if misfit is not None and not _is_loaded(trace, misfit.call):
            yield _finding(trace, failure, misfit)


def _is_loaded(trace: Trace, call: Call) -> bool:
    """Whether a call is a part of loading a model.

    What does not fit there is mostly an argument that the config has lost.
    """
    return any(outer.step == "load" for outer in trace.index.ancestors(call))


def _finding(trace: Trace, failure: Raised, misfit: Mismatch) -> Finding:
    assert misfit.build.layer is not None
    first, flatten = _first(trace, misfit), _flatten(trace, misfit)
    before, now = misfit.sizes
    return RULE.finding(
        f"{wording.layer(misfit.build.layer)} was built for "
        f"{wording.shape_in_words(misfit.expected)}{_by(misfit, first)}, "
        f"but got {wording.shape_in_words(misfit.got)}{_through(flatten)}: "
        f"its weights were made for a size of {before}, not {now}.",
        _fix(trace, misfit, first, flatten),
        edits=_edits(trace, misfit, first, flatten),
        calls=[*failure.ids, misfit.build.id, first.id],
        caller=misfit.call.caller,
        layer=misfit.build.layer.id,
    )


def _first(trace: Trace, misfit: Mismatch) -> Call:
    """What brought in the shape that the layer was built for: an Input, or the first call."""
    root = trace.index.root(misfit.build)
    declared = _declared(trace, root)
    if declared is not None:
        return declared
    way = (
        ShapeOrigins(trace).path(root, misfit.expected) if root.layer == misfit.build.layer else []
    )
    return way[-1] if way else root


def _declared(trace: Trace, root: Call) -> Call | None:
    """The Input that a model was made with, if that was before it was built."""
    graph = trace.graph_of(root.layer.id) if root.layer else None
    layers = {node.layer for node in graph.nodes if node.id in graph.inputs} if graph else set()
    for call in trace.calls[: root.id]:
        if call.landmark == INPUT and call.layer and call.layer.id in layers:
            return call
    return None


def _by(misfit: Mismatch, first: Call) -> str:
    where = f" at {wording.line(first.caller)}" if first.caller else ""
    if first.landmark == INPUT and first.layer is not None:
        return f", because of the Input '{first.layer.name}'{where}"
    if first.layer is None or first.layer == misfit.build.layer:
        return f" by its first input{where}"
    doing = "called" if first.landmark == "Layer.__call__" else "built"
    given = f" on {wording.shapes_in_words(first.inputs)}" if first.inputs else ""
    return f" when {wording.layer(first.layer)} was first {doing}{given}{where}"


def _flatten(trace: Trace, misfit: Mismatch) -> Call | None:
    """The Flatten that made the sizes of an image the layer's number of features."""
    way = ShapeOrigins(trace).path(misfit.call, misfit.got)
    return next((c for c in way if c.layer and c.layer.class_name == "Flatten"), None)


def _through(flatten: Call | None) -> str:
    if flatten is None or flatten.layer is None:
        return ""
    return f", which '{flatten.layer.name}' made of {wording.shapes_in_words(flatten.inputs)}"


def _shape_of_data(trace: Trace, misfit: Mismatch, first: Call) -> str:
    """Code for the shape that the Input should have; "" if it is not the Input that is wrong."""
    of_data = trace.index.root(misfit.call) != misfit.call or misfit.got[0] is not None
    if first.landmark != INPUT or not of_data:
        return ""
    known = first.outputs[0].shape == misfit.expected and len(misfit.got) > 1
    return wording.shape_in_words(misfit.got[1:]) if known else "..."


def _edits(trace: Trace, misfit: Mismatch, first: Call, flatten: Call | None) -> Edits:
    if flatten is not None:
        is_image = bool(flatten.inputs) and len(flatten.inputs[0].shape or ()) in (4, 5)
        return edits.pooling_for_flatten(trace, flatten) if is_image else edits.NONE
    shape = _shape_of_data(trace, misfit, first)
    if shape in ("", "..."):
        return edits.NONE
    return edits.argument(trace, first.caller, "Input", "shape", shape, 0)


def _fix(trace: Trace, misfit: Mismatch, first: Call, flatten: Call | None) -> str:
    assert misfit.build.layer is not None
    sizes = flatten.inputs[0].shape if flatten is not None and flatten.inputs else None
    if sizes is not None and len(sizes) in (4, 5):
        kind = "2D" if len(sizes) == 4 else "3D"
        return f"keras.layers.GlobalAveragePooling{kind}()  # instead of Flatten(): takes any size"
    before, now = misfit.sizes
    if shown := _shape_of_data(trace, misfit, first):
        return f"keras.Input(shape={shown})  # the shape of your data, with {now} for {before}"
    made = remedies.constructor(trace, misfit.build.layer)
    return (
        f"{misfit.build.layer.name}_{now} = {made}(...)  # a layer of its own for inputs of size "
        f"{now}; or bring them to size {before}"
    )


RULE = Rule(
    code="BT302",
    title="an input of another size than the one that the layer was built for",
    severity="error",
    generations=BOTH,
    why="A layer is built once, by the first input that it gets: the shape of its weights is fixed "
    "from then on, and its `input_spec` remembers the size. A later input is only compared with it "
    "(assert_input_compatibility in layers/input_spec.py of keras 3.15, engine/input_spec.py of "
    "tf_keras 2.21), and the message does not say where the size came from.",
    bad="""\
import numpy as np
from tensorflow import keras

model = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(4)])
model(np.ones((2, 8, 8, 3), "float32"))
model(np.ones((2, 16, 16, 3), "float32"))
""",
    good="""\
import numpy as np
from tensorflow import keras

model = keras.Sequential([keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(4)])
model(np.ones((2, 8, 8, 3), "float32"))
model(np.ones((2, 16, 16, 3), "float32"))
""",
    check=_check,
    hides=("BT306", "BT601", "BT602"),
)
