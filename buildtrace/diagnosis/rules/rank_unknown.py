"""BT341: the data are tensors of which not even the number of axes is known."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, NamedTuple

from buildtrace.diagnosis.parsed_files import last_name, parsed
from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import wording
from buildtrace.traces.schema import SourceLine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.traces.failures import Raised
    from buildtrace.traces.schema import Finding
    from buildtrace.traces.trace import Trace

_SAID = (
    "is not defined on an unknown TensorShape",
    "Cannot take the length of shape with unknown rank",
    "Cannot iterate over a shape with unknown rank",
    "with unknown rank",
)


class _WithoutShape(NamedTuple):
    """A function of TensorFlow that gives tensors of unknown rank.

    Attributes:
        settled_by: arguments that tell more, by name.
        place: where the first of them stands without its name.
        fix: the remedy.
    """

    settled_by: tuple[str, ...]
    place: int
    fix: str


_SET_SHAPE = "x = tf.ensure_shape(x, (224, 224, 3))  # behind it: the shape of what it gives"

_MAKERS = {
    "from_generator": _WithoutShape(
        ("output_shapes", "output_signature"),
        2,
        "tf.data.Dataset.from_generator(samples, output_signature=(\n"
        "    tf.TensorSpec(shape=(3,), dtype=tf.float32),  # of one sample, as it is yielded\n"
        "    tf.TensorSpec(shape=(), dtype=tf.int32),  # of its target\n"
        "))  # in the place of output_types",
    ),
    "py_function": _WithoutShape((), 9, _SET_SHAPE),
    "numpy_function": _WithoutShape((), 9, _SET_SHAPE),
    "decode_image": _WithoutShape(
        ("expand_animations",),
        3,
        "tf.io.decode_image(data, channels=3, expand_animations=False)  # always three axes",
    ),
}


def _check(trace: Trace) -> Iterator[Finding]:
    for raised in trace.index.failures:
        text = f"{raised.error.message}\n{raised.reported}"
        unknown = [c for c in raised.calls if any(spec.shape is None for spec in c.inputs)]
        if unknown and any(said in text for said in _SAID):
            found = list(_makers(trace))
            if len({name for name, _ in found}) == 1:
                yield _finding(raised, *found[0])
                return


def _makers(trace: Trace) -> Iterator[tuple[str, SourceLine]]:
    """The calls in the user's files that make such tensors."""
    for name in trace.index.user_files:
        file = parsed(trace, name)
        for node in file.nodes if file else ():
            called = last_name(node.func) if isinstance(node, ast.Call) else ""
            if isinstance(node, ast.Call) and called in _MAKERS and not _is_settled(node, called):
                yield called, SourceLine(file=name, line=node.lineno)


def _is_settled(call: ast.Call, called: str) -> bool:
    maker = _MAKERS[called]
    named = [given.arg for given in call.keywords]
    return (
        None in named
        or len(call.args) > maker.place
        or any(name in named for name in maker.settled_by)
    )


def _finding(raised: Raised, name: str, line: SourceLine) -> Finding:
    return RULE.finding(
        f"`{name}` at {wording.line(line)} does not tell the shape of what it gives: not even the "
        f"number of axes is known of the data at {wording.line(raised.line)}.",
        fix=_MAKERS[name].fix,
        calls=raised.ids,
        caller=line,
    )


RULE = Rule(
    code="BT341",
    title="data of which no shape is known",
    severity="error",
    generations=BOTH,
    why="A layer is built for a number of axes and the size of the last one (Dense.build in "
    "layers/core/dense.py of keras 3.15.1 and of tf_keras 2.21). A dataset knows them only if it "
    "is told: Python code that TensorFlow runs later may give anything (Dataset.from_generator, "
    "tf.py_function and tf.numpy_function of TensorFlow 2.21), and tf.io.decode_image gives four "
    "axes for a GIF.",
    bad="""\
import numpy as np
import tensorflow as tf
from tensorflow import keras


def samples():
    for _ in range(4):
        yield np.ones(3), np.ones(1)


data = tf.data.Dataset.from_generator(samples, output_types=(tf.float32, tf.float32))
model = keras.Sequential([keras.layers.Dense(1)])
model.compile("sgd", "mse")
model.fit(data.batch(2), verbose=0)
""",
    good="""\
import numpy as np
import tensorflow as tf
from tensorflow import keras


def samples():
    for _ in range(4):
        yield np.ones(3), np.ones(1)


signature = tf.TensorSpec((3,), tf.float32), tf.TensorSpec((1,), tf.float32)
data = tf.data.Dataset.from_generator(samples, output_signature=signature)
model = keras.Sequential([keras.layers.Dense(1)])
model.compile("sgd", "mse")
model.fit(data.batch(2), verbose=0)
""",
    check=_check,
    hides=("BT601", "BT602"),
)
