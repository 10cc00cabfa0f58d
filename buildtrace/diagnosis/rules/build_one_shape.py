"""BT107: a `build` takes the shapes of several inputs for one shape, or the other way round."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from buildtrace.diagnosis import remedies
from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import wording
from buildtrace.traces.index import BUILD, is_users

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.traces.failures import Raised
    from buildtrace.traces.schema import Call, Finding
    from buildtrace.traces.trace import Trace

_KEYS = re.compile(r"\{('\w+'(?:, '\w+')*)\}")
"""The keys of a dict, as the failing line's values are said."""

_SHAPE = r"(?:TensorShape\(|\()"

_AS_DICT = (
    re.compile(r"^-?\d+$"),  # KeyError
    re.compile(r"got value ''\w+'' with type '<class 'str'>'"),
    re.compile(r"invalid dimension '\w+' of type '<class 'str'>'"),
    re.compile(r"Failed to convert '\{'"),
)
"""What is said where a dict of shapes is taken for a shape."""

_AS_LIST = (
    re.compile(rf"Dimension value must be integer .* got value '{_SHAPE}"),
    re.compile(r"invalid dimension '\(.*\)' of type '<class 'tuple'>'"),
    re.compile(rf"[Ee]xpected a positive integer. Received: \w+={_SHAPE}"),
    re.compile(r"argument must be a string, .* or a real number, not '(TensorShape|tuple)'"),
)
"""The same, of a list or a tuple of shapes."""

_NOT_A_DICT = re.compile(r"^(list|tuple) indices must be integers or slices, not str$")
_NOT_A_LIST = re.compile(r"^'(int|NoneType)' object is not subscriptable$")


class _TakenFor(NamedTuple):
    """What a `build` has taken its argument for.

    Attributes:
        given: what it is, in words.
        taken: what it was taken for.
        fix: the remedy.
    """

    given: str
    taken: str
    fix: str


def _check(trace: Trace) -> Iterator[Finding]:
    for raised in trace.index.failures:
        build = next((c for c in reversed(raised.calls) if _is_own_build(c)), None)
        line = raised.line
        if build is None or line is None or build.layer is None:
            continue
        if line.file != build.file or line.line < build.line:
            continue  # some other code of the user's, which `build` has called
        taken = _taken(raised, build)
        if taken is not None:
            yield RULE.finding(
                f"`build` of {wording.layer(build.layer)} takes {taken.given} for {taken.taken} "
                f"at {wording.line(line)}.",
                fix=taken.fix,
                calls=raised.ids,
                caller=line,
                layer=build.layer.id,
            )


def _is_own_build(call: Call) -> bool:
    return call.landmark == BUILD and is_users(call)


def _taken(raised: Raised, build: Call) -> _TakenFor | None:
    text, number = raised.error.message.strip(), len(build.inputs)
    if not text or not build.inputs:
        return None
    text = text.splitlines()[0]
    one = wording.shapes_in_words(build.inputs[:1])
    if raised.error.type == "TypeError" and number > 1 and _NOT_A_DICT.search(text):
        fix = "input_shape[0][-1]  # a list of shapes, in the order of the inputs"
        return _TakenFor(f"the list of {number} shapes", "a dict", fix)
    if raised.error.type == "TypeError" and number == 1 and _NOT_A_LIST.search(text):
        assert build.layer is not None
        layer = remedies.variable(build.layer)
        fix = f"{layer}([x, ...])  # called on all inputs; or input_shape[-1] if there is but one"
        return _TakenFor(f"the one shape {one}", "the shapes of several inputs", fix)
    if any(said.search(text) for said in _AS_DICT):
        is_key = raised.error.type == "KeyError"
        if is_key == text.lstrip("-").isdigit():
            return _of_dict(raised, build)
    if number > 1 and any(said.search(text) for said in _AS_LIST):
        fix = "input_shape[0][-1]  # the last size of the first input: one shape for each of them"
        return _TakenFor(f"the shapes of {number} inputs", "one shape", fix)
    return None


def _of_dict(raised: Raised, build: Call) -> _TakenFor:
    said = raised.error.compared
    keys = _KEYS.search(said.values) if said is not None else None
    names = sorted(keys[1].replace("'", "").split(", ")) if keys else []
    listed = wording.listed([f'"{name}"' for name in names])
    fix = f'input_shape["{names[0]}"][-1]' if names else "input_shape[...][-1]  # ...: a key"
    fix += f"  # one shape for each of {listed}" if names else ""
    return _TakenFor(f"the dict of {wording.count(len(build.inputs), 'shape')}", "one shape", fix)


RULE = Rule(
    code="BT107",
    title="`build` takes several shapes for one",
    severity="error",
    generations=BOTH,
    why="`build` gets the shapes in the structure of what the layer is called on: of a dict of "
    "tensors a dict of shapes, of a list a list (Layer._maybe_build in engine/base_layer.py of "
    "tf_keras 2.21; get_shapes_dict in layers/layer.py of keras 3.15.1). `input_shape[-1]` is "
    "then the last one of these shapes, or a key that there is not, and no size.",
    bad="""\
from tensorflow import keras


class Fuse(keras.layers.Layer):
    def build(self, input_shape):
        units = input_shape[-1]
        self.dense = keras.layers.Dense(units)
        self.dense.build(input_shape["text"])
        super().build(input_shape)

    def call(self, inputs):
        return self.dense(inputs["text"]) + inputs["image"]


text, image = keras.Input((3,), name="text"), keras.Input((3,), name="image")
model = keras.Model([text, image], Fuse()({"text": text, "image": image}))
""",
    good="""\
from tensorflow import keras


class Fuse(keras.layers.Layer):
    def build(self, input_shape):
        units = input_shape["text"][-1]
        self.dense = keras.layers.Dense(units)
        self.dense.build(input_shape["text"])
        super().build(input_shape)

    def call(self, inputs):
        return self.dense(inputs["text"]) + inputs["image"]


text, image = keras.Input((3,), name="text"), keras.Input((3,), name="image")
model = keras.Model([text, image], Fuse()({"text": text, "image": image}))
""",
    check=_check,
    hides=("BT601", "BT602"),
)
