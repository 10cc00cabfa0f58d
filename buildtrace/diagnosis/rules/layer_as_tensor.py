"""BT406: a layer stands where a tensor belongs: it was made, and not called."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from buildtrace.diagnosis import remedies
from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import wording
from buildtrace.traces.schema import LayerRef

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.traces.failures import Raised
    from buildtrace.traces.schema import Finding
    from buildtrace.traces.trace import Trace

_NAMED = r"<(?P<cls>\w+) name=(?P<name>[^\s,>]+), built=(?:True|False)>"
_OBJECT = r"<(?P<path>[\w.]+)\.(?P<cls>\w+) object at 0x\w+>"

_WHERE = (
    # Keras 3
    (rf"All `(?P<end>inputs|outputs)` values must be KerasTensors.* value {_NAMED}", ""),
    (rf"Only input tensors may be passed as positional arguments.*: {_NAMED} \(of", "input"),
    # Keras 2
    (rf"Output tensors of a Functional model must be the output of .* Found: {_OBJECT}", "outputs"),
    (rf"processing input tensors for keras functional model.* Got: {_OBJECT}", "inputs"),
    (rf"Inputs to a layer should be tensors\. Got '{_OBJECT}'", "input"),
    (rf"Attempt to convert a value \({_OBJECT}\) with an unsupported type", "input"),
    (rf"Failed to convert elements of {_OBJECT} to Tensor", "input"),
)
"""What is said, and where the layer stands then."""

_OF_KERAS = re.compile(r"^(tf_)?keras\.(src\.)?(layers|models|engine)\b")


class _Confused(NamedTuple):
    """A layer in the place of a tensor.

    Attributes:
        class_name: of the layer.
        name: its own; "" if it is not said.
        end: where it stands: "inputs" or "outputs" of a model, or "input" of a layer.
    """

    class_name: str
    name: str
    end: str


def _check(trace: Trace) -> Iterator[Finding]:
    for raised in trace.index.failures:
        confused = _confused(trace, raised)
        if confused is not None:
            yield _finding(trace, raised, confused)


def _confused(trace: Trace, raised: Raised) -> _Confused | None:
    for text, end in _WHERE:
        said = re.search(text, raised.error.message, re.DOTALL)
        if said is None:
            continue
        parts = said.groupdict()
        known = {ref.class_name for ref in trace.layers.values()}
        if "path" in parts and not _OF_KERAS.match(parts["path"]) and parts["cls"] not in known:
            return None  # an object of the user's, and nothing says that it is a layer
        return _Confused(parts["cls"], parts.get("name") or "", parts.get("end") or end)
    return None


def _finding(trace: Trace, raised: Raised, confused: _Confused) -> Finding:
    called = _called(trace, confused)
    owner = raised.calls[-1].layer if raised.calls else None
    what = wording.layer(LayerRef(id=0, name=confused.name, class_name=confused.class_name))
    where = {
        "inputs": "among the inputs of a model",
        "outputs": "among the outputs of a model",
        "input": f"as an input of {wording.layer(owner)}" if owner else "as an input of a layer",
    }[confused.end]
    return RULE.finding(
        f"{what[0].upper()}{what[1:]} itself stands {where}, not a tensor that it gave.",
        fix=_fix(confused, called),
        calls=raised.ids,
        caller=raised.line,
        layer=called.id if called else None,
    )


def _called(trace: Trace, confused: _Confused) -> LayerRef | None:
    """The layer, if it was called before, so that there are tensors that it gave."""
    for ref in trace.layers.values():
        if confused.name and (ref.name, ref.class_name) == (confused.name, confused.class_name):
            return ref if trace.index.calls_of(ref.id) else None
    return None


def _fix(confused: _Confused, called: LayerRef | None) -> str:
    if confused.class_name == "InputLayer":
        return "x = keras.Input(shape=(...))  # gives a tensor; an InputLayer is a layer"
    if confused.end == "inputs":
        name = remedies.variable(called) if called else "model"
        return f"keras.Model({name}.inputs, ...)  # its tensors"
    if called is not None and confused.end == "outputs":
        return f"{remedies.variable(called)}.output  # what it gave when it was called"
    name = remedies.made_up(confused.name or confused.class_name.lower())
    return f"x = {name}(x)  # call it on the tensor before it, and go on with what it gives"


RULE = Rule(
    code="BT406",
    title="a layer in the place of its output",
    severity="error",
    generations=BOTH,
    why="A layer is a function that has been made, `layer(x)` is the tensor that it gives for x. "
    "Models are made of tensors, from which Keras finds its way back to the inputs "
    "(Functional.__init__ in models/functional.py of keras 3.15.1, "
    "Functional._validate_graph_inputs_and_outputs in engine/functional.py of tf_keras 2.21), and "
    "layers are called on tensors (Layer.__call__ in layers/layer.py, "
    "assert_input_compatibility in engine/input_spec.py).",
    bad="""\
from tensorflow import keras

inputs = keras.Input((4,))
x = keras.layers.Dense(3)(inputs)
head = keras.layers.Dense(1)
model = keras.Model(inputs, head)
""",
    good="""\
from tensorflow import keras

inputs = keras.Input((4,))
x = keras.layers.Dense(3)(inputs)
head = keras.layers.Dense(1)(x)
model = keras.Model(inputs, head)
""",
    check=_check,
    hides=("BT402", "BT601", "BT602"),
)
