"""BT712: weights of classes, where a sample has several classes, or one that has no weight."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from buildtrace.diagnosis import compared_losses, edits, remedies
from buildtrace.diagnosis.compared_losses import CLASS_NUMBERS
from buildtrace.diagnosis.parsed_files import find_call, name_in
from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.diagnosis.compared_losses import ComparedLoss
    from buildtrace.diagnosis.edits import Edits
    from buildtrace.traces.schema import ClassWeights, Finding, Shape, Use
    from buildtrace.traces.trace import Trace

_YES_OR_NO = frozenset({"binary_crossentropy", "binary_focal_crossentropy"})
_NOT_THERE = re.compile(r"GatherV2.+= (\d+) is not in \[0, (\d+)\)", re.DOTALL)
_MATRIX = 2
"""So many axes have targets of which the last axis may be the classes."""


def _check(trace: Trace) -> Iterator[Finding]:
    losses = list(compared_losses.compared(trace))
    for use in trace.index.uses_by("Model.fit"):
        weights = use.class_weights
        if weights is None or use.model is None:
            continue
        own = [one for one in losses if one.model == use.model and one.call.id < use.before]
        loss = own[-1] if own else None
        shape = weights.targets or (loss.target if loss is not None else None)
        if shape is not None and (_is_misread(loss, shape) or _is_refused(use, shape)):
            yield _several(trace, use, weights, loss, shape)
            continue
        lacking = _without_weight(use, weights, loss)
        if lacking is not None:
            yield _one(use, weights, loss, lacking)


def _is_misread(loss: ComparedLoss | None, shape: Shape) -> bool:
    """Whether the last axis is none of classes, and Keras looks for the largest number along it."""
    is_matrix = len(shape) >= _MATRIX and shape[-1] not in (1, None)
    return is_matrix and loss is not None and loss.part.function in CLASS_NUMBERS | _YES_OR_NO


def _is_refused(use: Use, shape: Shape) -> bool:
    """Whether Keras 3 has failed over more than one class a sample."""
    return use.generation == "keras3" and use.error is not None and len(shape) > _MATRIX


def _several(
    trace: Trace, use: Use, weights: ClassWeights, loss: ComparedLoss | None, shape: Shape
) -> Finding:
    misread = _is_misread(loss, shape)
    does = (
        "takes the place of the largest number along their last axis for the class of a sample"
        if misread
        else "wants one class of each sample"
    )
    return RULE.finding(
        f"The fit at {wording.line(use.caller)} is given class_weight for targets of "
        f"{wording.shape_in_words(shape)}: a sample has more than one class there, and Keras "
        f"{does}.",
        fix=_fix(use, loss),
        calls=[] if loss is None else [loss.call.id],
        caller=use.caller,
        layer=use.model.id if use.model else None,
        edits=_edits(trace, use, weights, loss),
    )


def _fix(use: Use, loss: ComparedLoss | None) -> str:
    model = remedies.variable(use.model) if use.model else "model"
    if loss is not None and loss.part.function in _YES_OR_NO:
        return (
            "# no class_weight, but a loss of your own that weighs each yes:\n"
            "tf.nn.weighted_cross_entropy_with_logits(y_true, logits, pos_weight)"
        )
    return (
        "weights = np.array([...])  # of class 0, of class 1, and so on\n"
        f"{model}.fit(x, y, sample_weight=weights[y])  # one for each class in `y`"
    )


def _edits(trace: Trace, use: Use, weights: ClassWeights, loss: ComparedLoss | None) -> Edits:
    """A weight for each number of the targets, if these are the numbers of the classes."""
    found = find_call(trace, use.caller, "fit")
    is_sure = loss is not None and loss.part.function in CLASS_NUMBERS and use.caller is not None
    if found is None or not is_sure or [*weights.classes] != [*range(len(weights.classes))]:
        return edits.NONE
    file, call = found
    named = [given.value for given in call.keywords if given.arg == "y"]
    targets = file.code((named or call.args[1:2])[0]) if named or call.args[1:] else ""
    numpy = name_in(trace, file.name, "numpy")
    if not targets.isidentifier() or not numpy:
        return edits.NONE

    def of_each(code: str) -> str:
        return f"{numpy}.array({_in_order(code, len(weights.classes))})[{targets}]"

    line = use.caller
    return edits.together(
        edits.argument_renamed(trace, line, "class_weight", "sample_weight", "fit"),
        edits.argument(trace, line, "fit", "class_weight", of_each),
    )


def _in_order(code: str, count: int) -> str:
    """The values of a dict with the keys 0, 1, and so on, as a list."""
    node = ast.parse(code, mode="eval").body
    if isinstance(node, ast.Dict) and all(isinstance(key, ast.Constant) for key in node.keys):
        pairs = zip(node.keys, node.values, strict=True)
        in_order = sorted(pairs, key=lambda pair: getattr(pair[0], "value", 0))
        return f"[{', '.join(ast.unparse(value) for _, value in in_order)}]"
    return f"[{code if code.isidentifier() else f'({code})'}[n] for n in range({count})]"


def _without_weight(use: Use, weights: ClassWeights, loss: ComparedLoss | None) -> int | None:
    """A class of the targets that has no weight: Keras 2 fails of it, and Keras 3 takes 1."""
    if use.generation != "keras2" or not weights.classes:
        return None
    bounds = loss.part.bounds if loss is not None else None
    if bounds is not None and bounds[1] > weights.classes[-1]:
        return bounds[1]
    looked_up = _NOT_THERE.search(use.error.message) if use.error is not None else None
    is_of_these = looked_up is not None and int(looked_up[2]) == len(weights.classes)
    return int(looked_up[1]) if looked_up is not None and is_of_these else None


def _one(use: Use, weights: ClassWeights, loss: ComparedLoss | None, lacking: int) -> Finding:
    model = remedies.variable(use.model) if use.model else "model"
    listed = wording.listed([str(one) for one in weights.classes], most=6)
    return RULE.finding(
        f"The fit at {wording.line(use.caller)} is given class_weight for {listed}, and class "
        f"{lacking} is among the targets: Keras 2 looks up a weight for each.",
        fix=f"{model}.fit(x, y, class_weight={{..., {lacking}: 1.0}})",
        calls=[] if loss is None else [loss.call.id],
        caller=use.caller,
        layer=use.model.id if use.model else None,
    )


RULE = Rule(
    code="BT712",
    title="class_weight that does not go with the targets",
    severity="error",
    generations=BOTH,
    why="`class_weight` is made a weight for each sample before the training: where the last axis "
    "of the targets has more than one number, Keras takes the place of the largest for the class, "
    "as if they were one-hot. Of a sequence or an image of class numbers that is a position; "
    "Keras 2 then looks up a weight that there may not be, and Keras 3 takes 1 "
    "(class_weight_to_sample_weights in trainers/data_adapters/data_adapter_utils.py of keras "
    "3.15.1; _make_class_weight_map_fn in engine/data_adapter.py of tf_keras 2.21).",
    bad="""\
import numpy as np
from tensorflow import keras

inputs = keras.Input((5,), dtype="int32")
x = keras.layers.Embedding(20, 8)(inputs)
model = keras.Model(inputs, keras.layers.Dense(2, activation="softmax")(x))
model.compile("sgd", "sparse_categorical_crossentropy")
words = np.arange(20).reshape(4, 5)
tags = words % 2
model.fit(words, tags, class_weight={0: 0.1, 1: 0.9}, verbose=0)
""",
    good="""\
import numpy as np
from tensorflow import keras

inputs = keras.Input((5,), dtype="int32")
x = keras.layers.Embedding(20, 8)(inputs)
model = keras.Model(inputs, keras.layers.Dense(2, activation="softmax")(x))
model.compile("sgd", "sparse_categorical_crossentropy")
words = np.arange(20).reshape(4, 5)
tags = words % 2
model.fit(words, tags, sample_weight=np.array([0.1, 0.9])[tags], verbose=0)
""",
    check=_check,
    hides=("BT601", "BT602"),
)
