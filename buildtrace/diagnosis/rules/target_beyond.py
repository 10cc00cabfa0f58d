"""BT706: class numbers that the output has no place for, and others that the loss cannot take."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from buildtrace.diagnosis import compared_losses, edits
from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.diagnosis.compared_losses import ComparedLoss
    from buildtrace.diagnosis.edits import Edits
    from buildtrace.traces.schema import Finding
    from buildtrace.traces.trace import Trace

_PROBABILITIES = frozenset({"binary_crossentropy", "binary_focal_crossentropy"})
"""Functions of Keras whose targets are from 0 to 1."""

_OF_TENSORFLOW = re.compile(
    r"Received a label value of -?\d+ which is outside the valid range of \[0, (\d+)\)\."
    r"\s+Label values:((?: -?\d+)+)"
)
_OF_TORCH = re.compile(r"Target (-?\d+) is out of bounds")


class _Range(NamedTuple):
    """What is known of the numbers in the targets.

    Attributes:
        smallest: of those in a batch; of the one that Torch complains of, that.
        largest: as well.
    """

    smallest: int
    largest: int

    @property
    def said(self) -> str:
        """In a sentence, behind "targets"."""
        if self.smallest == self.largest:
            return f"such as {self.smallest}"
        return f"from {self.smallest} to {self.largest}"


def _check(trace: Trace) -> Iterator[Finding]:
    losses = list(compared_losses.compared(trace))
    told_by_error = _told_by_error(trace, losses)
    for one in losses:
        if one.part.function in _PROBABILITIES and one.part.bounds is not None:
            bounds = _Range(*one.part.bounds)
            if bounds.smallest < 0 or bounds.largest > 1:
                yield _no_probabilities(trace, one, bounds)
        if one.part.function not in compared_losses.CLASS_NUMBERS or not one.predicted:
            continue
        numbers = _Range(*one.part.bounds) if one.part.bounds else told_by_error.get(one.call.id)
        classes = one.predicted[-1]
        if numbers and classes and not 0 <= numbers.smallest <= numbers.largest < classes:
            yield _beyond(trace, one, numbers, classes)


def _told_by_error(trace: Trace, losses: list[ComparedLoss]) -> dict[int, _Range]:
    """What an exception says of the targets: of TensorFlow's, the last loss with so many classes.

    That comes out of a compiled step, which is none of the calls.
    """
    told: dict[int, _Range] = {}
    for one in losses:
        found = _OF_TORCH.search(one.call.error.message) if one.call.error else None
        if found is not None:
            told[one.call.id] = _Range(int(found[1]), int(found[1]))
    found = _OF_TENSORFLOW.search(trace.error.message) if trace.error else None
    if found is not None:
        numbers = [int(number) for number in found[2].split()]
        fitting = [
            one
            for one in losses
            if one.part.function in compared_losses.CLASS_NUMBERS
            and one.predicted[-1:] == (int(found[1]),)
        ]
        if fitting:
            told[fitting[-1].call.id] = _Range(min(numbers), max(numbers))
    return told


def _beyond(trace: Trace, one: ComparedLoss, numbers: _Range, classes: int) -> Finding:
    has = f"places for the classes 0 to {classes - 1}" if classes > 1 else "a place for class 0"
    message = (
        f"{one.loss} got targets {numbers.said} for the {one.output}, of "
        f"{wording.shape_in_words(one.predicted)}, which has {has}."
    )
    if numbers.smallest == 1 and numbers.largest == classes > 1:
        message += " They seem to be counted from 1."
    if trace.environment.backend == "jax":
        message += " On JAX they count for nothing, without a word."
    is_from_one = numbers.smallest == 1 and numbers.largest == classes > 1
    changes = _edits(trace, one) if is_from_one else edits.NONE
    return _finding(trace, one, message, _fix(trace, one, numbers, classes), changes)


def _fix(trace: Trace, one: ComparedLoss, numbers: _Range, classes: int) -> str:
    if numbers.smallest < 0:
        logits = "from_logits=True, " if one.part.from_logits else ""
        loss = f"SparseCategoricalCrossentropy({logits}ignore_class={numbers.smallest})"
        return f"keras.losses.{loss}  # if {numbers.smallest} stands for no class"
    if numbers.smallest == 1 and numbers.largest == classes > 1:
        return compared_losses.with_targets(trace, one, "{y} - 1")
    if classes == 1 and numbers.largest == 1:
        return compared_losses.compiled_with(one, 'loss="binary_crossentropy"')
    activation = (
        f', activation="{one.part.activation}"' if classes > 1 else ', activation="softmax"'
    )
    if classes > 1 and not one.part.activation:
        activation = ""
    return f"keras.layers.Dense(int(y.max()) + 1{activation})  # the last layer"


def _no_probabilities(trace: Trace, one: ComparedLoss, numbers: _Range) -> Finding:
    return _finding(
        trace,
        one,
        f"{one.loss} got targets {numbers.said} for the {one.output}, of "
        f"{wording.shape_in_words(one.predicted)}. It takes numbers from 0 to 1: with others, "
        "what it computes has no least value.",
        _fix_of_probabilities(trace, one, numbers),
    )


def _fix_of_probabilities(trace: Trace, one: ComparedLoss, numbers: _Range) -> str:
    smallest, largest = numbers.smallest, numbers.largest
    if smallest < 0:
        return compared_losses.with_targets(trace, one, "({y} > 0).astype('float32')")
    if (smallest, largest) == (1, 2):
        return compared_losses.with_targets(trace, one, "{y} - 1")
    if len(one.target) > 2 or (one.predicted[-1] or 0) > 1:
        return compared_losses.with_targets(
            trace, one, f"{{y}} / {255 if largest > 9 else largest}"
        )
    loss = compared_losses.compiled_with(one, 'loss="sparse_categorical_crossentropy"')
    return f'keras.layers.Dense(int(y.max()) + 1, activation="softmax")  # the last layer\n{loss}'


def _edits(trace: Trace, one: ComparedLoss) -> Edits:
    """Targets that are counted from 0, where `fit` gets them."""
    line = compared_losses.evidence(trace, one)["caller"]
    return edits.argument(
        trace, line, "fit", "y", lambda code: f"{code} - 1" if code.isidentifier() else "", 1
    )


def _finding(
    trace: Trace, one: ComparedLoss, message: str, fix: str, changes: Edits = edits.NONE
) -> Finding:
    return RULE.finding(message, fix=fix, **compared_losses.evidence(trace, one), edits=changes)


RULE = Rule(
    code="BT706",
    title="targets that are numbers beyond what the output stands for",
    severity="error",
    generations=BOTH,
    why="sparse_categorical_crossentropy takes each target for the place of the class in the "
    "output: from 0 to one less than the number of its units. TensorFlow on a CPU and Torch "
    "refuse another one, a GPU gives NaN, and JAX makes a one-hot row of zeros of it, which counts "
    "for nothing (sparse_categorical_crossentropy in backend/tensorflow/nn.py, backend/jax/nn.py "
    "and backend/torch/nn.py of keras 3.15, backend.py of tf_keras 2.21). binary_crossentropy "
    "takes each for a probability. Data is looked at in a dry fit alone: --no-train, and check.",
    bad="""\
import numpy as np
from tensorflow import keras

model = keras.Sequential([keras.Input((20,)), keras.layers.Dense(8, activation="softmax")])
model.compile("sgd", "sparse_categorical_crossentropy")
x, y = np.zeros((10, 20), "float32"), np.arange(10) % 8 + 1
model.fit(x, y, verbose=0)
""",
    good="""\
import numpy as np
from tensorflow import keras

model = keras.Sequential([keras.Input((20,)), keras.layers.Dense(8, activation="softmax")])
model.compile("sgd", "sparse_categorical_crossentropy")
x, y = np.zeros((10, 20), "float32"), np.arange(10) % 8
model.fit(x, y, verbose=0)
""",
    check=_check,
    hides=("BT601", "BT602"),
)
