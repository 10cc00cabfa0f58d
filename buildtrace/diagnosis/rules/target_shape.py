"""BT702: targets of another shape than the output that they are compared with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.diagnosis import compared_losses
from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.diagnosis.compared_losses import ComparedLoss
    from buildtrace.traces.schema import Finding, Shape
    from buildtrace.traces.trace import Trace


def _check(trace: Trace) -> Iterator[Finding]:
    for one in compared_losses.compared(trace):
        other = _other_batch(one) if one.failed else None
        if other is not None:
            yield _of_other_batch(trace, one, *other)
            continue
        if one.part.paired is not None:
            yield _each_with_each(trace, one)
            continue
        if one.part.function not in compared_losses.ELEMENTWISE:
            continue
        target, predicted = _aligned(one.target, one.predicted)
        if one.failed and not _broadcast(target, predicted):
            yield _refused(trace, one)
        elif not one.failed and _stretched(target, predicted):
            yield _stretches(trace, one)


def _aligned(target: Shape, predicted: Shape) -> tuple[Shape, Shape]:
    """The shapes that the loss compares: it adds or drops a last axis of size 1.

    As squeeze_or_expand_to_same_rank does in losses/loss.py of keras 3.15.
    """
    if len(target) == len(predicted) + 1 and target[-1] == 1:
        target = target[:-1]
    elif len(predicted) == len(target) + 1 and predicted[-1] == 1:
        predicted = predicted[:-1]
    return target, predicted


def _broadcast(target: Shape, predicted: Shape) -> bool:
    """Whether NumPy's rules make the two one shape."""
    pairs = zip(target[::-1], predicted[::-1], strict=False)
    return all(compared_losses.same_size(a, b) or 1 in (a, b) for a, b in pairs)


def _stretched(target: Shape, predicted: Shape) -> bool:
    """Whether they become one shape by repeating the numbers of one of them."""
    if not _broadcast(target, predicted):
        return False
    sizes = zip(target[1:], predicted[1:], strict=False)
    return len(target) != len(predicted) or any(
        1 in (a, b) and not compared_losses.same_size(a, b) for a, b in sizes
    )


def _other_batch(one: ComparedLoss) -> tuple[str, int, int] | None:
    """What has another number of examples than the output: its name, its number, the output's."""
    weight = one.part.sample_weight
    for name, shape in (("y", one.target), ("sample_weight", weight.shape if weight else None)):
        if shape and one.predicted and not compared_losses.same_size(shape[0], one.predicted[0]):
            return name, shape[0] or 0, one.predicted[0] or 0
    return None


def _of_other_batch(trace: Trace, one: ComparedLoss, name: str, given: int, wanted: int) -> Finding:
    things = {"y": "target", "sample_weight": "weight"}[name]
    return RULE.finding(
        f"{one.loss} got the {one.output} for {wording.count(wanted, 'example')}, and "
        f"{wording.count(given, things)}.",
        fix=f"{name} = ...  # {wanted} of them, one for each example of the batch",
        **compared_losses.evidence(trace, one),
    )


def _each_with_each(trace: Trace, one: ComparedLoss) -> Finding:
    """A loss of the user's own: the examples of one lie along the last axis of the other."""
    axis = "None" if len(one.target) < len(one.predicted) else "0"
    return RULE.finding(
        f"{one.loss} pairs the targets, of {wording.shape_in_words(one.target)}, with the "
        f"{one.output}, of {wording.shape_in_words(one.predicted)}, as they are: each example is "
        "compared with each other one, without a word. It is a loss of its own class, for which "
        "Keras adds and drops no axis.",
        fix=compared_losses.with_targets(trace, one, f"{{y}}[..., {axis}]"),
        **compared_losses.evidence(trace, one),
    )


def _stretches(trace: Trace, one: ComparedLoss) -> Finding:
    return _finding(
        trace,
        one,
        "The smaller of them is repeated to fit, without a word, so that numbers are compared that "
        "have nothing to do with each other.",
    )


def _refused(trace: Trace, one: ComparedLoss) -> Finding:
    return _finding(trace, one, "Their numbers cannot be paired off.")


def _finding(trace: Trace, one: ComparedLoss, so: str) -> Finding:
    return RULE.finding(
        f"{one.loss} compares the {one.output}, of {wording.shape_in_words(one.predicted)}, with "
        f"targets of {wording.shape_in_words(one.target)}. {so}",
        fix=_fix(one),
        **compared_losses.evidence(trace, one),
    )


def _fix(one: ComparedLoss) -> str:
    wanted = one.target[-1] if len(one.target) > 1 else 1
    if len(one.target) <= len(one.predicted) and wanted is not None:
        return f"keras.layers.Dense({wanted})  # the last layer; or targets of the output's shape"
    return "y = ...  # targets of the shape of the output"


RULE = Rule(
    code="BT702",
    title="targets of another shape than the output",
    severity="error",
    generations=BOTH,
    why="A loss such as mean_squared_error subtracts the targets from the output. Where the shapes "
    "differ by a last axis of size 1, Keras adds or drops it (squeeze_or_expand_to_same_rank in "
    "losses/loss.py of keras 3.15, utils/losses_utils.py of tf_keras 2.21). Everything else is up "
    "to the backend, which repeats an axis of size 1 as often as the other needs it.",
    bad="""\
import numpy as np
from tensorflow import keras

model = keras.Sequential([keras.Input((20,)), keras.layers.Dense(3)])
model.compile("sgd", "mse")
x, y = np.zeros((10, 20), "float32"), np.zeros((10, 1), "float32")
model.fit(x, y, verbose=0)
""",
    good="""\
import numpy as np
from tensorflow import keras

model = keras.Sequential([keras.Input((20,)), keras.layers.Dense(1)])
model.compile("sgd", "mse")
x, y = np.zeros((10, 20), "float32"), np.zeros((10, 1), "float32")
model.fit(x, y, verbose=0)
""",
    check=_check,
    hides=("BT601", "BT602"),
)
