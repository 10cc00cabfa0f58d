"""BT310: tensors whose shapes do not fit were added, multiplied or joined."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import wording
from buildtrace.traces.shape_origins import INPUT, ShapeOrigins

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.traces.failures import Raised
    from buildtrace.traces.schema import Call, Finding, Shape, TensorSpec
    from buildtrace.traces.trace import Trace

# What the merging layers of both generations say, and the operators of each.
_SAID = re.compile(
    r"Concatenate` layer requires inputs with matching shapes|"
    r"Inputs have incompatible shapes\. Received shapes|"
    r"Cannot broadcast shape, the failure dim has value|"
    r"Dimensions must be equal, but are \d+ and \d+ for .*__operators__"
)


def _check(trace: Trace) -> Iterator[Finding]:
    for failure in trace.index.failures:
        call = failure.of("Layer.__call__", "Operation.symbolic_call")
        if call is None or call.layer is None or not _SAID.search(failure.error.message):
            continue
        if len(call.inputs) > 1:
            yield _finding(trace, failure, call)


def _finding(trace: Trace, failure: Raised, call: Call) -> Finding:
    assert call.layer is not None
    origins = ShapeOrigins(trace)
    makers = [next(iter(origins.makers(call, spec.shape)), None) for spec in call.inputs]
    parts = [_part(spec, maker) for spec, maker in zip(call.inputs, makers, strict=True)]
    return RULE.finding(
        f"{wording.layer(call.layer)} got shapes that do not fit together: "
        f"{wording.listed(parts)}.",
        _fix(call.inputs),
        calls=[*failure.ids, *[maker.id for maker in makers if maker]],
        caller=call.caller,
        layer=call.layer.id,
    )


def _part(spec: TensorSpec, maker: Call | None) -> str:
    if maker is None or maker.layer is None:
        return wording.shapes_in_words([spec])
    kind = "the Input " if maker.landmark == INPUT else ""
    where = f" at {wording.line(maker.caller)}" if maker.caller else ""
    return f"{wording.shapes_in_words([spec])} from {kind}'{maker.layer.name}'{where}"


def _fix(inputs: tuple[TensorSpec, ...]) -> str:
    first, second = inputs[0].shape, inputs[1].shape
    if first is not None and second is not None and len(first) == len(second) == 4:
        rows, columns = _missing(first, second, 1), _missing(first, second, 2)
        if rows or columns:
            return (
                f"x = keras.layers.ZeroPadding2D((({_halves(rows)}), ({_halves(columns)})))(x)  "
                '# the smaller one; or padding="same" on the way, or an Input of a size that can '
                "be halved as often as it is"
            )
    if first is not None and second is not None and first[:-1] == second[:-1]:
        return f"x = keras.layers.Dense({first[-1]})(x)  # the second one, to the size of the first"
    return "x = keras.layers.Reshape(...)(x)  # so that all have the same sizes"


def _missing(first: Shape, second: Shape, axis: int) -> int:
    sizes = [shape[axis] for shape in (first, second)]
    return abs((sizes[0] or 0) - (sizes[1] or 0)) if None not in sizes else 0


def _halves(size: int) -> str:
    return f"{size // 2}, {size - size // 2}"


RULE = Rule(
    code="BT310",
    title="shapes that do not fit together are merged",
    severity="error",
    generations=BOTH,
    why="Adding and multiplying want equal sizes (or 1), joining wants them equal in every axis "
    "but the joined one (build in layers/merging/base_merge.py and concatenate.py of keras 3.15 "
    "and tf_keras 2.21). Two ways through a model come apart where one of them rounds a size down: "
    "halving 7 and doubling it again gives 6.",
    bad="""\
from tensorflow import keras

inputs = keras.Input((7, 7, 3))
x = keras.layers.MaxPooling2D(2)(inputs)
x = keras.layers.UpSampling2D(2)(x)
outputs = keras.layers.Concatenate()([inputs, x])
model = keras.Model(inputs, outputs)
""",
    good="""\
from tensorflow import keras

inputs = keras.Input((7, 7, 3))
x = keras.layers.MaxPooling2D(2)(inputs)
x = keras.layers.UpSampling2D(2)(x)
x = keras.layers.ZeroPadding2D(((0, 1), (0, 1)))(x)
outputs = keras.layers.Concatenate()([inputs, x])
model = keras.Model(inputs, outputs)
""",
    check=_check,
    hides=("BT601", "BT602"),
)
