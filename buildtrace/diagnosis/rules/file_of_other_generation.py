"""BT502: a model that one generation of Keras saved is loaded by the other."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from buildtrace.diagnosis.packages import LOADS
from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.traces.failures import Raised
    from buildtrace.traces.schema import Finding
    from buildtrace.traces.trace import Trace

_OF_KERAS_3 = re.compile(
    r"\['batch_shape'\]"  # InputLayer takes it in Keras 3 alone
    r"|'module': 'keras\.src\.(?:models|layers|ops|dtype_policies)[.']"
    r"|'class_name': 'DTypePolicy'|Unknown dtype policy"
)
_OF_KERAS_2 = re.compile(r"'batch_input_shape': |'module': '(?:tf_keras|keras)\.src\.engine\.")


_PACKAGE = re.compile(r"[\\/](tf_keras|keras)[\\/]src[\\/]")


def _check(trace: Trace) -> Iterator[Finding]:
    for raised in trace.index.raised:
        saved = _saved_by(raised)
        if saved is not None:
            yield _finding(raised, saved)


def _saved_by(raised: Raised) -> str | None:
    """The generation that saved what could not be loaded; `None` without proof."""
    text = raised.reported
    if not any(said in text for said in LOADS):
        return None
    loads = raised.generation or _raised_by(raised)
    if _OF_KERAS_2.search(text) and loads != "keras2":
        return "keras2"
    if _OF_KERAS_3.search(text) and loads != "keras3":
        return "keras3"
    return None


def _raised_by(raised: Raised) -> str | None:
    """The generation whose file has the line that raised it, where no hook saw it."""
    line = raised.error.raised_at
    found = _PACKAGE.search(line.file) if line else None
    return found and {"tf_keras": "keras2", "keras": "keras3"}[found[1]]


def _finding(raised: Raised, saved: str) -> Finding:
    by, loads = ("Keras 3", "Keras 2") if saved == "keras3" else ("Keras 2", "Keras 3")
    use = raised.use
    line = raised.line if use is None or use.caller is None else use.caller
    what = f"`{use.name}`" if use is not None else "Keras"
    package = "keras" if saved == "keras3" else "tf_keras"
    return RULE.finding(
        f"{what} of {loads} at {wording.line(line)} reads a model that {by} saved: its description "
        f"uses names that {loads} does not know.",
        fix=f"import {package}  # the generation that saved it\n\n"
        f"model = {package}.models.load_model(path)\n"
        'model.save_weights("model.weights.h5")  # both can read this file:\n'
        "# make the same model in the other generation, and load_weights from it",
        calls=raised.ids,
        caller=line,
    )


RULE = Rule(
    code="BT502",
    title="a file of the other generation",
    severity="error",
    generations=BOTH,
    why="A saved model is a description of its layers in the words of the Keras that saved it, "
    "and their weights. Keras 3 writes `batch_shape`, dtype policies as objects and the modules "
    "keras.src.*, Keras 2 `batch_input_shape` and engine.* (InputLayer.get_config in "
    "layers/core/input_layer.py of keras 3.15.1 and engine/input_layer.py of tf_keras 2.21). Keras "
    "3 translates `.h5` files of Keras 2, but not every `.keras` file or JSON; Keras 2 translates "
    "nothing.",
    bad="""\
import keras as keras3
import tf_keras as keras2
from tensorflow import keras

other = keras2 if keras.Model is keras3.Model else keras3
inputs = other.Input((3,))
model = other.Model(inputs, other.layers.Dense(2)(inputs))
model.save("model.keras")
keras.models.load_model("model.keras")
""",
    good="""\
import keras as keras3
import tf_keras as keras2
from tensorflow import keras


def make(keras):
    inputs = keras.Input((3,))
    return keras.Model(inputs, keras.layers.Dense(2)(inputs))


other = keras2 if keras.Model is keras3.Model else keras3
make(other).save_weights("model.weights.h5")
model = make(keras)
model.load_weights("model.weights.h5")
""",
    check=_check,
)
