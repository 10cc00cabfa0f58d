"""BT333: a layer is to be quantized, or to get LoRA weights, before it has weights."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from buildtrace.diagnosis import remedies
from buildtrace.diagnosis.rule import Rule
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.traces.failures import Raised
    from buildtrace.traces.schema import Finding
    from buildtrace.traces.trace import Trace

_SAID = re.compile(
    r"Cannot (enable lora on|quantize) a layer that isn't yet built\."
    r"(?: Layer '([^']*)' \(of type '([^']*)'\))?"
)
_ASKED = re.compile(r"([\w.\[\]]+)\.(?:enable_lora|quantize)\(")
_WHAT = {"enable lora on": "to get LoRA weights", "quantize": "to be quantized"}


def _check(trace: Trace) -> Iterator[Finding]:
    for raised in trace.index.raised:
        if trace.error is not None and (said := _SAID.search(raised.error.message)):
            yield _finding(trace, raised, said[1], said[2] or "", said[3] or "")


def _finding(trace: Trace, raised: Raised, asked: str, name: str, class_name: str) -> Finding:
    line = raised.line
    statement = trace.index.source_code.statement(line) if line else ""
    code = found[1] if (found := _ASKED.search(statement)) else "layer"
    whom = f"{wording.quoted(name)} ({wording.sanitize(class_name)})" if name else f"`{code}`"
    return RULE.finding(
        f"{whom} is {_WHAT[asked]} before it was built: it has no weights yet that this could be "
        "made of.",
        _fix(trace, code, name, statement),
        calls=raised.ids,
        caller=line,
    )


def _fix(trace: Trace, code: str, name: str, statement: str) -> str:
    first = statement.splitlines()[0] if statement else f"{code}.…"
    ref = next((one for one in trace.layers.values() if one.name == name), None)
    known = remedies.inputs(trace, ref) if ref else ()
    shape = remedies.any_batch(known[0].shape) if known and known[0].shape else "(None, ...)"
    said = "" if known else "  # the shape of a batch of its inputs; or build the whole model"
    if code.startswith("self."):
        return (
            "def build(self, input_shape):  # not in __init__\n"
            f"    {code}.build(input_shape)  # the shape that `call` feeds it\n    {first}"
        )
    return f"{code}.build({shape}){said}\n{first}"


RULE = Rule(
    code="BT333",
    title="a layer quantized, or given LoRA weights, before it was built",
    severity="error",
    generations=("keras3",),
    why="`quantize` makes integers of the weights, and `enable_lora` adds two small ones beside "
    "them: both need the weights, which `build` makes when the shape of the input is known "
    "(Dense.enable_lora in layers/core/dense.py, Layer._check_quantize_args in layers/layer.py of "
    "keras 3.15).",
    bad="""\
from tensorflow import keras

dense = keras.layers.Dense(4)
dense.quantize("int8")
inputs = keras.Input((3,))
model = keras.Model(inputs, dense(inputs))
""",
    good="""\
from tensorflow import keras

dense = keras.layers.Dense(4)
dense.build((None, 3))
dense.quantize("int8")
inputs = keras.Input((3,))
model = keras.Model(inputs, dense(inputs))
""",
    check=_check,
)
