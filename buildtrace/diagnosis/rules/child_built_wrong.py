"""BT303: a layer's `build` built a child from another shape than its `call` feeds that child."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from buildtrace.diagnosis import remedies
from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import wording
from buildtrace.traces.index import is_users
from buildtrace.traces.mismatch import Mismatch, mismatch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.traces.schema import Call, Finding, Shape
    from buildtrace.traces.trace import Trace


def _check(trace: Trace) -> Iterator[Finding]:
    for failure in trace.index.failures:
        misfit = mismatch(trace, failure)
        holder = None if misfit is None else _holders_build(trace, misfit)
        if misfit is not None and holder is not None:
            yield _finding(trace, failure.ids, misfit, holder)
    yield from _built_once_more(trace)


def _built_once_more(trace: Trace) -> Iterator[Finding]:
    """Of children that Keras 2 built again, from the right shape, as their `build` is not noted.

    It goes well by accident: on Keras 3, or with a `build` that says that it ran, it does not.
    """
    for layer in trace.layers:
        for before, after in pairwise(trace.index.builds_of(layer)):
            if before.generation != "keras2" or before.error or after.error:
                continue
            misfit = _other_shape(trace, before, after)
            holder = None if misfit is None else _holders_build(trace, misfit)
            if misfit is not None and holder is not None:
                yield _finding(trace, [after.id], misfit, holder, again=True)


def _other_shape(trace: Trace, before: Call, after: Call) -> Mismatch | None:
    """What the first build took and the second got, if a weight is of another shape for it."""
    made = [{w.name: w.shape for w in trace.index.weights_made_in(c)} for c in (before, after)]
    call = next((c for c in trace.ancestors(after) if c.layer == after.layer), after)
    shapes = [c.inputs[0].shape if len(c.inputs) == 1 else None for c in (before, after)]
    if shapes[0] is None or shapes[1] is None or len(shapes[0]) != len(shapes[1]):
        return None
    axes = [axis for axis in range(1, len(shapes[1])) if shapes[0][axis] != shapes[1][axis]]
    differ = any(made[1].get(name, shape) != shape for name, shape in made[0].items())
    return Mismatch(before, call, shapes[0], shapes[1], axes[-1]) if axes and differ else None


def _holders_build(trace: Trace, misfit: Mismatch) -> Call | None:
    """The `build` that built this layer by hand, if it is that of the layer whose call failed."""
    if misfit.build.parent is None:
        return None
    builder = trace.call(misfit.build.parent)
    inside = any(outer.layer == builder.layer for outer in trace.ancestors(misfit.call))
    is_build = builder.layer != misfit.build.layer and builder.landmark == "Layer.build"
    return builder if is_build and is_users(builder) and inside else None


def _finding(
    trace: Trace, proof: list[int], misfit: Mismatch, holder: Call, *, again: bool = False
) -> Finding:
    assert misfit.build.layer is not None
    assert holder.layer is not None
    child = misfit.build.layer.class_name
    own = any(spec.shape == misfit.expected for spec in holder.inputs)
    shape = wording.shape_in_words(misfit.expected)
    return RULE.finding(
        f"{holder.name} of {wording.layer(holder.layer)} built its child "
        f"{wording.layer(misfit.build.layer)} from {'its own input shape ' if own else ''}{shape}, "
        f"but `call` feeds the child {wording.shape_in_words(misfit.got)}"
        f"{', so that Keras 2 builds it once more' if again else ''}.",
        _fix(trace, misfit, holder) + (_SAYS_BUILT.format(child) if again else ""),
        calls=[*proof, misfit.build.id, holder.id],
        severity="warning" if again else None,
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


_SAYS_BUILT = """
# and in {}, so that this `build` counts:
def build(self, input_shape):
    ...  # make the weights, as now
    super().build(input_shape)"""

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
    hides=("BT105", "BT302", "BT601", "BT602"),
)
