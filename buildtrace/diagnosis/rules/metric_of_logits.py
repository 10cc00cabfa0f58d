"""BT709: a metric that takes the output for a probability, where the loss takes it for logits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.diagnosis import compared_losses, edits, remedies
from buildtrace.diagnosis.parsed_files import spelled
from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.diagnosis.compared_losses import ComparedLoss
    from buildtrace.diagnosis.edits import Edits
    from buildtrace.traces.schema import Call, Finding, MetricPart, SourceLine
    from buildtrace.traces.trace import Trace

_WITH_OPTION = ("AUC", "BinaryCrossentropy", "CategoricalCrossentropy")
"""Metrics of Keras' own that have an argument `from_logits`."""


def _check(trace: Trace) -> Iterator[Finding]:
    losses = list(compared_losses.compared(trace))
    for call in trace.calls:
        parts = call.metrics.parts if call.metrics is not None and call.error is None else ()
        for part in parts:
            loss = _loss_of(trace, losses, call, part)
            if loss is not None and _takes_probabilities(part):
                yield _finding(trace, loss, call, part)


def _loss_of(
    trace: Trace, losses: list[ComparedLoss], call: Call, part: MetricPart
) -> ComparedLoss | None:
    """The loss of the same output, if that takes logits, and the model does not hide what it is."""
    model = compared_losses.model_of(trace, call)
    same = [one for one in losses if one.model == model]
    outputs = {one.part.output for one in same}
    if part.output:
        same = [one for one in same if one.part.output == part.output]
    elif len(outputs) > 1:
        return None
    # Which of several losses it goes with is not told: JAX and Torch make metrics before the loss.
    is_sure = all(one.part.from_logits and one.part.activation in ("", "linear") for one in same)
    return same[-1] if model is not None and same and is_sure else None


def _takes_probabilities(part: MetricPart) -> bool:
    """Whether it compares with numbers that only probabilities are both below and above."""
    if part.from_logits is not None:
        return not part.from_logits
    return any(0 < number < 1 for number in part.thresholds)


def _finding(trace: Trace, loss: ComparedLoss, call: Call, part: MetricPart) -> Finding:
    evidence = compared_losses.evidence(trace, loss, of_compile=True)
    evidence["calls"] += [call.id]
    name = wording.quoted(part.name)
    if part.from_logits is None:
        numbers = wording.listed([f"{number:g}" for number in part.thresholds])
        does, end = f"compares the {loss.output} with {numbers}", ", of which 0 is as likely as not"
    else:
        does, end = f"takes the {loss.output} for probabilities", ", which may be any numbers"
    return RULE.finding(
        f"The metric {name} {does}, but the loss {loss.loss} takes it for logits "
        f"(from_logits=True){end}.",
        fix=_fix(part),
        edits=_edits(trace, part, evidence["caller"]),
        **evidence,
    )


def _is_accuracy(part: MetricPart) -> bool:
    """Whether it is BinaryAccuracy, or what "accuracy" stands for."""
    return part.class_name == "BinaryAccuracy" or part.function == "binary_accuracy"


def _fix(part: MetricPart) -> str:
    if _is_accuracy(part):
        return f"keras.metrics.BinaryAccuracy({remedies.text(part.name)}, threshold=0.0)"
    if part.class_name in _WITH_OPTION:
        return f"keras.metrics.{part.class_name}(from_logits=True)"
    return (
        'activation="sigmoid"  # in the last layer, and the loss without from_logits=True: '
        f"{wording.sanitize(part.class_name)} knows no logits"
    )


def _edits(trace: Trace, part: MetricPart, line: SourceLine | None) -> Edits:
    if part.class_name in _WITH_OPTION:
        return edits.argument(trace, line, part.class_name, "from_logits", "True")
    if not _is_accuracy(part) or line is None:
        return edits.NONE
    made = edits.argument(trace, line, "BinaryAccuracy", "threshold", "0.0")
    name = spelled(trace, line.file, "keras.metrics.BinaryAccuracy")
    if made or not name:
        return made
    given = remedies.text(part.name)
    return edits.expression(trace, line, given, f"{name}({given}, threshold=0.0)")


RULE = Rule(
    code="BT709",
    title="a metric that takes logits for probabilities",
    severity="warning",
    generations=BOTH,
    why="With from_logits=True a loss makes probabilities of the model's outputs by itself; the "
    "metrics get the outputs as they are. 'accuracy' of one number is BinaryAccuracy, and that "
    "counts a yes from 0.5 on, which as a logit is a probability of 0.62; precision, recall and "
    "F1 compare in the same way, and AUC wants probabilities unless it is told otherwise. The "
    "model is trained rightly, and judged wrongly (metrics/accuracy_metrics.py of keras 3.15.1 "
    "and tf_keras 2.21).",
    bad="""\
import numpy as np
from tensorflow import keras

model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
loss = keras.losses.BinaryCrossentropy(from_logits=True)
model.compile("adam", loss, metrics=["accuracy"])
x, y = np.zeros((8, 3), "float32"), np.arange(8) % 2
model.fit(x, y, verbose=0)
""",
    good="""\
import numpy as np
from tensorflow import keras

model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
loss = keras.losses.BinaryCrossentropy(from_logits=True)
model.compile("adam", loss, metrics=[keras.metrics.BinaryAccuracy("accuracy", threshold=0.0)])
x, y = np.zeros((8, 3), "float32"), np.arange(8) % 2
model.fit(x, y, verbose=0)
""",
    check=_check,
)
