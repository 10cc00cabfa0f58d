"""BT327: values that a layer is to have from the start are of another shape than its weights."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from buildtrace.diagnosis import remedies
from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.traces.failures import Raised
    from buildtrace.traces.schema import Finding, LayerRef, Shape
    from buildtrace.traces.trace import Trace

_SAID = re.compile(
    r"Layer (\S+) weight shape (\([\d, ]*\)) is not compatible with provided weight shape "
    r"(\([\d, ]*\))"
)
_CONSTANT = "Constant.__call__"
_SHAPES = re.compile(r"\(\d+,(?: \d+(?:, \d+)*)?\)")


class _GivenValues(NamedTuple):
    """Values that are not of the shape that is wanted.

    Attributes:
        layer: the layer; `None` if only its name is known.
        name: its name.
        wants: the shape of its weight.
        given: that of the values.
        how: as an argument, in code.
    """

    layer: LayerRef | None
    name: str
    wants: Shape
    given: Shape
    how: str


def _check(trace: Trace) -> Iterator[Finding]:
    for raised in trace.index.raised:
        if trace.error is None or _is_loading(raised):
            continue
        misfit = _said(trace, raised) or _constant(raised)
        if misfit is not None:
            yield _finding(raised, misfit)


def _is_loading(raised: Raised) -> bool:
    """Whether the values come from a file: what does not fit there is another rule's."""
    uses_file = raised.use is not None and "load" in raised.use.name
    return uses_file or any(call.step == "load" for call in raised.calls)


def _said(trace: Trace, raised: Raised) -> _GivenValues | None:
    said = _SAID.search(raised.error.message)
    if said is None:
        return None
    line = raised.line
    statement = trace.index.source_code.statement(line) if line else ""
    refs = [ref for ref in trace.layers.values() if ref.name == said[1]]
    how = "set_weights" if "set_weights(" in statement else "weights="
    layer = refs[0] if len(refs) == 1 else None
    return _GivenValues(layer, said[1], _sizes(said[2]), _sizes(said[3]), how)


def _constant(raised: Raised) -> _GivenValues | None:
    """A constant initializer: the line that fails in it has both shapes."""
    compared = raised.error.compared
    if not raised.calls or raised.calls[-1].name != _CONSTANT or compared is None:
        return None
    shapes = [_sizes(text) for text in _SHAPES.findall(compared.values)]
    layer = next((call.layer for call in reversed(raised.calls) if call.layer), None)
    if layer is None or len(shapes) < 2 or shapes[0] == shapes[1]:
        return None
    return _GivenValues(layer, layer.name, shapes[1], shapes[0], "initializer")


def _sizes(text: str) -> Shape:
    return tuple(map(int, re.findall(r"\d+", text)))


def _finding(raised: Raised, misfit: _GivenValues) -> Finding:
    whom = wording.layer(misfit.layer) if misfit.layer else wording.quoted(misfit.name)
    return RULE.finding(
        f"{whom} has a weight of the shape {wording.shape_in_words(misfit.wants)}, and is to get "
        f"values of the shape {wording.shape_in_words(misfit.given)} for it.",
        _fix(misfit),
        calls=raised.ids,
        caller=raised.line,
        layer=misfit.layer.id if misfit.layer else None,
    )


def _fix(misfit: _GivenValues) -> str:
    wants, given = misfit.wants, misfit.given
    if len(given) == 2 and wants == given[::-1]:
        return "values[0] = values[0].T  # as (inputs, units), Keras' order; Torch has it reversed"
    if misfit.layer is not None and misfit.layer.class_name == "Embedding" and len(given) == 2:
        argument = {
            "initializer": "embeddings_initializer=keras.initializers.Constant(matrix)",
            "weights=": "weights=[matrix]",
        }.get(misfit.how, "...")
        return (
            f"keras.layers.Embedding(*matrix.shape, {argument})  # {given[0]} rows of {given[1]}; "
            "or a matrix with a row for each index, padding too"
        )
    name = remedies.variable(misfit.layer) if misfit.layer else "layer"
    return (
        f"[weight.shape for weight in {name}.weights]  # the shapes that it takes, in this order; "
        "or a layer of the sizes of the values"
    )


RULE = Rule(
    code="BT327",
    title="values of another shape than the weight that they are for",
    severity="error",
    generations=BOTH,
    why="The sizes of a layer's arguments and of its input settle the shapes of its weights; the "
    "values have to be of these. A matrix of word vectors mostly has a row more than there are "
    "words, for padding (Layer.set_weights in layers/layer.py of keras 3.15, "
    "engine/base_layer.py of tf_keras 2.21).",
    bad="""\
import numpy as np
from tensorflow import keras

matrix = np.zeros((101, 8), "float32")
known = keras.initializers.Constant(matrix)
embedding = keras.layers.Embedding(100, 8, embeddings_initializer=known)
model = keras.Sequential([keras.Input((4,), dtype="int32"), embedding])
""",
    good="""\
import numpy as np
from tensorflow import keras

matrix = np.zeros((101, 8), "float32")
known = keras.initializers.Constant(matrix)
embedding = keras.layers.Embedding(*matrix.shape, embeddings_initializer=known)
model = keras.Sequential([keras.Input((4,), dtype="int32"), embedding])
""",
    check=_check,
    hides=("BT601", "BT602"),
)
