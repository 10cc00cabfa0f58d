"""BT323: a layer's own `build` takes the size of a weight from the wrong axis of its input."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from buildtrace.diagnosis import edits
from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import wording
from buildtrace.traces.expectations import fits
from buildtrace.traces.index import is_users
from buildtrace.traces.source_code import AROUND

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.traces.failures import Raised
    from buildtrace.traces.schema import Call, Finding, Shape, SourceLine, Weight
    from buildtrace.traces.trace import Trace

_NONE = re.compile(r"fully-defined|NoneType|None")


class _TakenSize(NamedTuple):
    """A size that a `build` took.

    Attributes:
        build: the `build`.
        shape: what it was given.
        axis: the axis that it took the size of, from 0.
        line: where it did.
        code: the expression, such as "input_shape[1]".
        statement: of that line.
    """

    build: Call
    shape: Shape
    axis: int
    line: SourceLine | None
    code: str
    statement: str


def _check(trace: Trace) -> Iterator[Finding]:
    for failure in trace.index.failures:
        taken = _of_a_call(trace, failure) or _of_a_build(trace, failure)
        if taken is not None:
            yield _finding(trace, failure, taken)


def _of_a_call(trace: Trace, failure: Raised) -> _TakenSize | None:
    """A weight that the exception is about, of which no size is that of the last axis."""
    call = failure.of("Layer.__call__")
    builds = trace.index.builds_of(call.layer.id) if call and call.layer else []
    build = next((b for b in reversed(builds) if b.error is None and is_users(b)), None)
    shape = _shape(build)
    if call is None or build is None or shape is None or shape[-1] is None:
        return None
    if not fits(build.inputs, call.inputs):
        return None  # it was built for another shape
    for weight in trace.index.weights_made_in(build):
        own = build.layer is not None and weight.layer == build.layer.id
        if not own or shape[-1] in weight.shape or not _is_about(failure, weight, shape[-1]):
            continue
        line = trace.call(weight.call).caller if weight.call is not None else None
        for axis, size in enumerate(shape[:-1]):
            if size in weight.shape and (taken := _taken(trace, build, shape, axis, line)):
                return taken
    return None


def _is_about(failure: Raised, weight: Weight, features: int) -> bool:
    """Whether a text has the shape of a weight, and the number of features."""
    compared = failure.error.compared
    text = failure.error.message + (compared.values if compared else "")
    shape = r",\s*".join(str(size) for size in weight.shape)
    said = re.search(rf"[\[(]\s*{shape},?\s*[\])]", text)
    return said is not None and str(features) in re.findall(r"\d+", text)


def _of_a_build(trace: Trace, failure: Raised) -> _TakenSize | None:
    """A weight that could not be made, as one of its sizes is not known; the last axis' is."""
    build = failure.of("Layer.build")
    shape = _shape(build)
    if build is None or shape is None or shape[-1] is None or not is_users(build):
        return None
    if not _NONE.search(failure.error.message):
        return None
    made = failure.of("Layer.add_weight")
    line = made.caller if made else failure.line
    for axis, size in enumerate(shape[:-1]):
        if size is None and (taken := _taken(trace, build, shape, axis, line)):
            return taken
    return None


def _shape(build: Call | None) -> Shape | None:
    """What a `build` of one input was given, if that has more axes than the batch."""
    shape = build.inputs[0].shape if build is not None and len(build.inputs) == 1 else None
    return shape if shape is not None and len(shape) > 1 else None


def _taken(
    trace: Trace, build: Call, shape: Shape, axis: int, line: SourceLine | None
) -> _TakenSize | None:
    """How the code takes it: without such an expression it is a guess that nobody makes."""
    numbers = "|".join(re.escape(str(number)) for number in (axis, axis - len(shape)))
    expression = re.compile(rf"\b\w*shape\s*\[\s*(?:{numbers})\s*\]")
    statement = trace.index.source_code.statement(line) if line else ""
    before = trace.index.source_code.around(line, AROUND, 0) if line else {}
    own = [code for number, code in before.items() if number > build.line]
    found = expression.search(statement) or expression.search("\n".join(own))
    return _TakenSize(build, shape, axis, line, found[0], statement) if found else None


def _finding(trace: Trace, failure: Raised, taken: _TakenSize) -> Finding:
    build, size = taken.build, taken.shape[taken.axis]
    assert build.layer is not None
    where = f" at {wording.line(taken.line)}" if taken.line else ""
    of = "the batch" if taken.axis == 0 else f"axis {taken.axis}"
    return RULE.finding(
        f"{build.name} of {wording.layer(build.layer)} takes `{taken.code}`{where} for the size of "
        f"a weight: of its input {wording.shape_in_words(taken.shape)} that is {of}, of size "
        f"{'unknown' if size is None else size}, and not the {taken.shape[-1]} features.",
        _fix(taken),
        edits=edits.expression(trace, taken.line, taken.code, _last(taken)),
        calls=[*failure.ids, build.id],
        caller=taken.line or build.caller,
        layer=build.layer.id,
    )


def _fix(taken: _TakenSize) -> str:
    if taken.code in taken.statement:
        return taken.statement.replace(taken.code, _last(taken))
    return f"{_last(taken)}  # in the place of {taken.code}: the last axis has the features"


def _last(taken: _TakenSize) -> str:
    return re.sub(r"\[[^\]]*\]", "[-1]", taken.code)


RULE = Rule(
    code="BT323",
    title="a weight made from the wrong axis of the input",
    severity="error",
    generations=BOTH,
    why="What a layer multiplies with its kernel is the last axis of its input, the features: "
    "`input_shape[-1]`. `input_shape[1]` is that only for inputs of two axes; of a sequence it is "
    "the time, of an image the height, and it may be unknown (Dense.build in layers/core/dense.py "
    "of keras 3.15 and tf_keras 2.21 takes the last one as well).",
    bad="""\
from tensorflow import keras


class Linear(keras.layers.Layer):
    def build(self, input_shape):
        self.w = self.add_weight(name="w", shape=(input_shape[1], 4))
        super().build(input_shape)

    def call(self, x):
        return keras.backend.dot(x, self.w)


inputs = keras.Input((5, 8))
model = keras.Model(inputs, Linear()(inputs))
""",
    good="""\
from tensorflow import keras


@keras.utils.register_keras_serializable("buildtrace")
class Linear(keras.layers.Layer):
    def build(self, input_shape):
        self.w = self.add_weight(name="w", shape=(input_shape[-1], 4))
        super().build(input_shape)

    def call(self, x):
        return keras.backend.dot(x, self.w)


inputs = keras.Input((5, 8))
model = keras.Model(inputs, Linear()(inputs))
""",
    check=_check,
    hides=("BT301", "BT601", "BT602"),
)
