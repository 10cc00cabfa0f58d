"""BT303: a layer's `build` built a child from another shape than its `call` feeds that child."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.diagnosis import remedies
from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import wording
from buildtrace.traces.index import is_users
from buildtrace.traces.mismatch import Mismatch, mismatch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.traces.failures import Raised
    from buildtrace.traces.schema import Call, Finding, Shape
    from buildtrace.traces.trace import Trace


def _check(trace: Trace) -> Iterator[Finding]:
    for failure in trace.index.failures:
        misfit = mismatch(trace, failure)
        holder = None if misfit is None else _holders_build(trace, misfit)
        if misfit is not None and holder is not None:
            yield _finding(trace, failure, misfit, holder)


def _holders_build(trace: Trace, misfit: Mismatch) -> Call | None:
    """The `build` that built this layer by hand, if it is that of the layer whose call failed."""
    if misfit.build.parent is None:
        return None
    builder = trace.call(misfit.build.parent)
    inside = any(outer.layer == builder.layer for outer in trace.ancestors(misfit.call))
    is_build = builder.layer != misfit.build.layer and builder.landmark == "Layer.build"
    return builder if is_build and is_users(builder) and inside else None


def _finding(trace: Trace, failure: Raised, misfit: Mismatch, holder: Call) -> Finding:
    assert misfit.build.layer is not None
    assert holder.layer is not None
    own = any(spec.shape == misfit.expected for spec in holder.inputs)
    shape = wording.shape_in_words(misfit.expected)
    return RULE.finding(
        f"{holder.name} of {wording.layer(holder.layer)} built its child "
        f"{wording.layer(misfit.build.layer)} from {'its own input shape ' if own else ''}{shape}, "
        f"but `call` feeds the child {wording.shape_in_words(misfit.got)}.",
        _fix(trace, misfit, holder),
        calls=[*failure.ids, misfit.build.id, holder.id],
        caller=misfit.build.caller,
        layer=misfit.build.layer.id,
    )


def _fix(trace: Trace, misfit: Mismatch, holder: Call) -> str:
    child = misfit.build.layer
    assert child is not None
    assert holder.layer is not None
    (held,) = remedies.attributes(trace.index.state_of(holder.layer.id), [child])
    return (
        "def build(self, input_shape):\n"
        f"    # '{child.name}' gets the shape that `call` feeds it\n"
        f"    {held}.build({_shape(misfit.expected, misfit.got)})\n"
        "    super().build(input_shape)"
    )


def _shape(expected: Shape, got: Shape) -> str:
    """The right shape as an expression in `input_shape`, if only its last axis was wrong."""
    if len(got) > 1 and expected[1:-1] == got[1:-1]:
        return f"(*input_shape[:-1], {got[-1]})"
    return wording.shape_in_words((None, *got[1:]))


RULE = Rule(
    code="BT303",
    title="a child built from another shape than `call` feeds it",
    severity="error",
    generations=BOTH,
    why="A `build` that calls its child's `build` decides the shapes of the child's weights; the "
    "child's first call then builds nothing more. Keras 3 marks the child as built whatever its "
    "`build` does (build_wrapper in layers/layer.py of keras 3.15); in tf_keras 2.21 "
    "Keras' own layers mark themselves, and a layer that does not is built again by its first "
    "call, correctly.",
    bad="""\
import numpy as np
from tensorflow import keras


class Outer(keras.layers.Layer):
    def __init__(self):
        super().__init__()
        self.inner = keras.layers.Dense(4)

    def build(self, input_shape):
        self.inner.build(input_shape)
        super().build(input_shape)

    def call(self, x):
        return self.inner(x[:, :-1])


layer = Outer()
layer(np.ones((2, 3), "float32"))
""",
    good="""\
import numpy as np
from tensorflow import keras


class Outer(keras.layers.Layer):
    def __init__(self):
        super().__init__()
        self.inner = keras.layers.Dense(4)

    def build(self, input_shape):
        self.inner.build((*input_shape[:-1], 2))
        super().build(input_shape)

    def call(self, x):
        return self.inner(x[:, :-1])


layer = Outer()
layer(np.ones((2, 3), "float32"))
""",
    check=_check,
    hides=("BT302", "BT601", "BT602"),
)
