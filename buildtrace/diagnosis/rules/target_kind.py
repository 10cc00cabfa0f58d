"""BT701: class numbers for a loss that takes one-hot targets, or the other way round."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.diagnosis import compared_losses, edits, remedies
from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.diagnosis.compared_losses import ComparedLoss
    from buildtrace.diagnosis.edits import Edits
    from buildtrace.traces.schema import Finding
    from buildtrace.traces.trace import Trace


def _check(trace: Trace) -> Iterator[Finding]:
    for one in compared_losses.compared(trace):
        if not one.predicted or (one.predicted[-1] or 0) < 2:
            continue
        if one.part.function in compared_losses.ONE_HOT and _are_numbers(one):
            yield _numbers(trace, one)
        elif one.part.function in compared_losses.CLASS_NUMBERS and _are_one_hot(one):
            yield _one_hot(trace, one)


def _are_numbers(one: ComparedLoss) -> bool:
    """Whether the targets have no axis for the classes, or one of size 1."""
    without = one.predicted[:-1]
    return _fit(one.target, without) or _fit(one.target, (*without, 1))


def _are_one_hot(one: ComparedLoss) -> bool:
    return _fit(one.target, one.predicted)


def _fit(target: tuple[int | None, ...], wanted: tuple[int | None, ...]) -> bool:
    if len(target) != len(wanted):
        return False
    if target and wanted and (target[-1] is None) != (wanted[-1] is None):
        return False
    return all(map(compared_losses.same_size, target, wanted))


def _numbers(trace: Trace, one: ComparedLoss) -> Finding:
    one_hot = f"keras.utils.to_categorical(y, {one.predicted[-1]})"
    if one.part.function == "categorical_crossentropy":
        fix = compared_losses.compiled_with(one, f'loss="sparse_{one.loss}"')
        fix = f"{fix}  # or {one_hot}"
    else:  # there is no sparse one
        fix = f"y = {one_hot}"
    return _finding(
        trace,
        one,
        "the numbers of classes",
        "one number for each class",
        fix,
        _edits(trace, one, "categorical_crossentropy", "sparse_categorical_crossentropy"),
    )


def _one_hot(trace: Trace, one: ComparedLoss) -> Finding:
    fix = compared_losses.compiled_with(one, 'loss="categorical_crossentropy"')
    return _finding(
        trace,
        one,
        "one number for each class",
        "the number of the class alone",
        fix,
        _edits(trace, one, "sparse_categorical_crossentropy", "categorical_crossentropy"),
    )


def _edits(trace: Trace, one: ComparedLoss, loss: str, instead: str) -> Edits:
    """Another loss where `compile` is told it by name; a loss of several outputs is in a dict."""
    line = compared_losses.evidence(trace, one, of_compile=True)["caller"]
    names = {repr(loss), remedies.text(loss)}
    return edits.argument(
        trace,
        line,
        "compile",
        "loss",
        lambda code: remedies.text(instead) if code in names else "",
        1,
    )


def _finding(
    trace: Trace, one: ComparedLoss, got: str, wanted: str, fix: str, changes: Edits
) -> Finding:
    return RULE.finding(
        f"{one.loss} got targets of {wording.shape_in_words(one.target)} for the {one.output}, of "
        f"{wording.shape_in_words(one.predicted)}: {got}, where it takes {wanted}.",
        fix=fix,
        **compared_losses.evidence(trace, one),
        edits=changes,
    )


RULE = Rule(
    code="BT701",
    title="targets of another kind than the loss takes",
    severity="error",
    generations=BOTH,
    why="categorical_crossentropy compares two lists of probabilities, so its targets have a "
    "number for each class (one-hot), as the output has. sparse_categorical_crossentropy is the "
    "same for targets that are the number of the class. Neither converts what it gets "
    "(backend/tensorflow/nn.py of keras 3.15, backend.py of tf_keras 2.21).",
    bad="""\
import numpy as np
from tensorflow import keras

model = keras.Sequential([keras.Input((20,)), keras.layers.Dense(8, activation="softmax")])
model.compile("sgd", "categorical_crossentropy")
x, y = np.zeros((10, 20), "float32"), np.arange(10) % 8
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
