"""BT321: numbers are to be put into a shape that takes more or fewer of them."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, NamedTuple

from buildtrace.diagnosis import edits, shrinking
from buildtrace.diagnosis.parsed_files import maker_of
from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import wording
from buildtrace.traces.shape_origins import INPUT, ShapeOrigins

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.diagnosis.edits import Edits
    from buildtrace.traces.failures import Raised
    from buildtrace.traces.schema import Call, Finding, Shape
    from buildtrace.traces.trace import Trace

# What the Reshape of either generation says, and TensorFlow of data and of symbols.
_SAID = re.compile(
    r"total size of (?:new array|the tensor) must be unchanged|"
    r"Input to reshape is a tensor with \d+ values, but the requested shape|"
    r"Cannot reshape a tensor with \d+ elements to shape|"
    r"Dimension size must be evenly divisible by \d+ but is \d+ for .*Reshape"
)
_TARGET = re.compile(r"(?:output_shape = |target_shape=)([\[(][-\d, ]*[\])])")
_ASKED = re.compile(r"tf\.shape\([^)]*\)+\[0\],\) \+ (\([-\d, ]*\))")
"""How Keras 2 asks TensorFlow for the shape, which does not name it."""


class _Asked(NamedTuple):
    """What a Reshape was asked for.

    Attributes:
        sizes: of one sample, as it got it.
        target: what it is to make of that, one size of it -1 perhaps.
    """

    sizes: Shape
    target: tuple[int, ...]

    @property
    def has(self) -> int:
        """How many numbers there are in a sample."""
        return math.prod(size or 0 for size in self.sizes)

    @property
    def takes(self) -> int:
        """How many there have to be; with a -1, a multiple of this."""
        return abs(math.prod(self.target))


def _check(trace: Trace) -> Iterator[Finding]:
    for failure in trace.index.failures:
        call = failure.of("Layer.__call__")
        if call is None or call.layer is None or not _SAID.search(failure.error.message):
            continue
        asked = _asked(failure, call) if call.layer.class_name == "Reshape" else None
        if asked is not None:
            yield _finding(trace, failure, call, asked)
        elif failure.error.compared is not None and failure.error.raised_at is None:
            yield _of_code(failure, call)


def _asked(failure: Raised, call: Call) -> _Asked | None:
    compared = failure.error.compared
    said = _TARGET.search(failure.error.message) or (compared and _ASKED.search(compared.values))
    shape = call.inputs[0].shape if call.inputs else None
    if not said or shape is None or None in shape[1:]:
        return None
    asked = _Asked(shape[1:], tuple(map(int, re.findall(r"-?\d+", said[1]))))
    return asked if asked.takes else None


def _finding(trace: Trace, failure: Raised, call: Call, asked: _Asked) -> Finding:
    assert call.layer is not None
    way = ShapeOrigins(trace).path(call, call.inputs[0].shape)
    steps = shrinking.steps(way)
    course = shrinking.course(steps) if any(map(shrinking.shrank, steps)) else _from(way)
    some = "a multiple of " if -1 in asked.target else ""
    return RULE.finding(
        f"{wording.layer(call.layer)} got {wording.shapes_in_words(call.inputs)}, "
        f"{asked.has:,} numbers a sample, for the shape {_sizes(asked.target)}, which takes {some}"
        f"{asked.takes:,}{course}.",
        _fix(asked, way),
        edits=_edits(trace, call, asked, way),
        calls=[*failure.ids, *[maker.id for maker in way]],
        caller=call.caller,
        layer=call.layer.id,
    )


def _from(way: list[Call]) -> str:
    """Where it came from, if nothing on the way made it smaller."""
    maker = next((one for one in way if one.layer), None)
    if maker is None or maker.layer is None:
        return ""
    name = f"'{maker.layer.name}'"
    what = f"the Input {name}" if maker.landmark == INPUT else wording.layer(maker.layer)
    return f"; it came from {what} ({wording.line(maker.caller)})"


def _sizes(target: tuple[int, ...]) -> str:
    return wording.shape_in_words(target)


def _fix(asked: _Asked, way: list[Call]) -> str:
    if sample := _sample(asked):
        return (
            f"keras.layers.Reshape({_sizes(sample)})  # the shape of one sample: without "
            f"{asked.target[0]}, the number of samples"
        )
    if shrunk := _without_padding(asked, way):
        names = {call.layer.class_name for call in shrunk if call.layer}
        lines = wording.listed(dict.fromkeys(wording.line(call.caller) for call in shrunk))
        return (
            f'keras.layers.{wording.listed(names)}(..., padding="same")  # {lines}: keeps '
            f"{wording.shapes_in_words(shrunk[0].inputs)} as wide and high as it is"
        )
    before = way[0].layer if way else None
    is_dense = before is not None and before.class_name == "Dense" and len(asked.sizes) == 1
    if before is not None and is_dense and -1 not in asked.target:
        product = " * ".join(map(str, asked.target))
        return f"keras.layers.Dense({asked.takes})  # '{before.name}': {product}"
    return _as_many(asked)


def _edits(trace: Trace, call: Call, asked: _Asked, way: list[Call]) -> Edits:
    """The remedies that are one number or one word: the others have a choice."""
    assert call.layer is not None
    if sample := _sample(asked):
        line = maker_of(trace, call.layer, call.caller)
        return edits.argument(trace, line, "Reshape", "target_shape", _sizes(sample), 0)
    parts = [
        edits.argument(
            trace,
            maker_of(trace, one.layer, one.caller),
            one.layer.class_name,
            "padding",
            '"same"',
        )
        for one in _without_padding(asked, way)
        if one.layer
    ]
    return edits.together(*parts)


def _sample(asked: _Asked) -> tuple[int, ...]:
    """The target without its first size, if that is the number of samples."""
    inner = asked.target[1:]
    return inner if -1 not in inner and math.prod(inner) == asked.has else ()


def _without_padding(asked: _Asked, way: list[Call]) -> list[Call]:
    """The convolutions that alone made it smaller than what is asked for, the first one first."""
    smaller = [call for call in reversed(way) if shrinking.shrank(call)]
    if not smaller or not all(map(_took_edge, smaller)):
        return []
    before = shrinking.room(smaller[0].inputs[0])
    return smaller if math.prod(before) in (math.prod(asked.target[:-1]), asked.target[0]) else []


def _took_edge(call: Call) -> bool:
    """Whether a convolution took off no more than an edge: strides do not leave the half."""
    before, after = shrinking.room(call.inputs[0]), shrinking.room(call.outputs[0])
    is_conv = call.layer is not None and "Conv" in call.layer.class_name
    return is_conv and all(a > b // 2 + 1 for a, b in zip(after, before, strict=True))


def _as_many(asked: _Asked) -> str:
    """A shape for as many numbers as there are: other channels, or another number of steps."""
    *places, last = asked.target
    if not places:
        return f"keras.layers.Flatten()  # {asked.has:,} numbers, as many as there are"
    if -1 not in asked.target and len(places) == 1 and asked.has % last == 0:
        return (
            f"keras.layers.Reshape({_sizes((-1, last))})  # -1: as many as there are, here "
            f"{asked.has // last}; or an input of {asked.takes:,} numbers"
        )
    rest, none = divmod(asked.has, math.prod(places))
    if -1 not in asked.target and not none and (*places, rest) != asked.sizes:
        return f"keras.layers.Reshape({_sizes((*places, rest))})  # {rest} for {last}"
    some = "a multiple of " if -1 in asked.target else ""
    return (
        f"keras.layers.Reshape(...)  # sizes whose product is {asked.has:,}; or an input of "
        f"{some}{asked.takes:,} numbers"
    )


def _of_code(failure: Raised, call: Call) -> Finding:
    """Of a `reshape` in the user's own code, which may be given all kinds of things."""
    assert call.layer is not None
    compared = failure.error.compared
    assert compared is not None
    return RULE.finding(
        f"`{compared.expression}` in {wording.layer(call.layer)} ran as `{compared.values}`: the "
        "new shape takes another number of numbers than there are.",
        "# sizes with the same product as those of the input; at most one may be -1, and the "
        "first one is the batch",
        calls=failure.ids,
        caller=failure.line,
        layer=call.layer.id,
    )


RULE = Rule(
    code="BT321",
    title="a shape that takes another number of numbers",
    severity="error",
    generations=BOTH,
    why="Reshape only puts the numbers of each sample into another shape, without its batch: the "
    "products of the sizes have to be equal (compute_reshape_output_shape in "
    "ops/operation_utils.py of keras 3.15, Reshape in layers/reshaping/reshape.py of tf_keras "
    "2.21). A convolution without padding and a pooling on the way make them fewer.",
    bad="""\
from tensorflow import keras

inputs = keras.Input((28, 28, 1))
x = keras.layers.Conv2D(8, 3)(inputs)
outputs = keras.layers.Reshape((28 * 28, 8))(x)
model = keras.Model(inputs, outputs)
""",
    good="""\
from tensorflow import keras

inputs = keras.Input((28, 28, 1))
x = keras.layers.Conv2D(8, 3, padding="same")(inputs)
outputs = keras.layers.Reshape((28 * 28, 8))(x)
model = keras.Model(inputs, outputs)
""",
    check=_check,
    hides=("BT601", "BT602"),
)
