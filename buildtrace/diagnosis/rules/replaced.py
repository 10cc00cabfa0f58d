"""BT602: the exception that ended the run is not the one that was raised."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from buildtrace.diagnosis import remedies
from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import wording
from buildtrace.traces.failures import is_by_keras
from buildtrace.traces.index import INFER, TRIAL
from buildtrace.traces.schema import SourceLine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.traces.schema import Call, ErrorInfo, Finding, LayerRef
    from buildtrace.traces.trace import Trace

COLOR = re.compile(r"\x1b\[[0-9;]*m")

LEADS_ASTRAY = "Could not automatically infer the output shape / dtype"
"""A text of Keras 3 that has the true one at its end, and speaks of something else before."""

FLOATS = "You cannot build your model by calling `build` if your layers do not support float"
ACTUAL = "The actual error from `call` is: "
"""What Keras 2 says before the true text."""

MISSING = re.compile(r"missing (?:an?|\d+) required (?:positional )?arguments?: (.*)")
"""What Python says of a call without an argument."""

LENGTH = "len is not well defined for a symbolic Tensor"
"""What TensorFlow says of a tensor that is taken for a Python list; on data it has a length."""


def _check(trace: Trace) -> Iterator[Finding]:
    ended = trace.error
    chain = [call for call in trace.index.failing if call.error is not None]
    if ended is None or not chain:
        return
    outer, cause = chain[0].error, chain[-1]
    assert outer is not None
    assert cause.error is not None
    if gist(outer.message) not in ended.message:  # the script caught that one
        return
    if cause.landmark == "Layer.load_own_variables":  # Keras says the first of what did not fit
        return
    if cause.generation == "keras2":
        yield from _of_floats(trace, chain)
    elif _is_another(ended, cause.error):
        yield _finding(trace, ended, chain, cause)


def _of_floats(trace: Trace, chain: list[Call]) -> Iterator[Finding]:
    """`Model.build` of Keras 2 takes each TypeError in `call` for one about its placeholders."""
    for call in chain:
        if call.error is None or FLOATS not in call.error.message or call.layer is None:
            continue
        true, inner = call.error.message.rpartition(ACTUAL)[2], chain[-1]
        state = trace.index.state_after(call)
        method = state.method("call") if state else None
        line = SourceLine(file=method.file, line=method.line) if method else call.caller
        if inner is not call and inner.error and inner.error.lines:
            true, line = inner.error.message, inner.error.lines[0]
        layer = remedies.call_on_data(trace, call.layer, call.generation)
        yield RULE.finding(
            f"The cause is: {gist(true).rstrip('.')}, in the `call` of "
            f"{wording.layer(call.layer)} at {wording.line(line)}; Keras took it for an error "
            "about inputs that are not floats.",
            fix=f"# correct {wording.line(line)}; to see it by itself:\n{layer}",
            calls=[call.id, inner.id],
            caller=line,
            layer=call.layer.id,
        )


def _is_another(ended: ErrorInfo, cause: ErrorInfo) -> bool:
    text, true = COLOR.sub("", ended.message), gist(cause.message)
    if gist(ended.message) == true and LEADS_ASTRAY not in text:
        return False
    return LEADS_ASTRAY in text or true not in text


def gist(message: str) -> str:
    """The last line of an exception's text that says what is wrong.

    Keras puts a line before it, and the arguments behind it.
    """
    text = COLOR.sub("", message)
    text = re.split(r"\n\s*\n\s*(?:Call a|A)rguments received by ", text)[0]
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""


def _finding(trace: Trace, ended: ErrorInfo, chain: list[Call], cause: Call) -> Finding:
    assert cause.error is not None
    ref = cause.layer or chain[0].layer
    line = cause.error.place or cause.caller
    at = f" at {wording.line(line)}" if line else ""
    who = f" in {wording.layer(ref)}" if ref else ""
    buried = LEADS_ASTRAY in ended.message
    who_raised = "Keras" if is_by_keras(ended, chain[::-1]) else "the program"
    how = (
        "Keras buried it in a message about the output shape"
        if buried
        else f"{who_raised} raised {ended.type} instead"
    )
    return RULE.finding(
        f"The cause is {cause.error.type}: {gist(cause.error.message)}{at}{who}; {how}.",
        fix=_fix(trace, chain, cause, ref),
        calls=[cause.id, *(call.id for call in chain[:-1])],
        caller=line,
        layer=ref.id if ref else None,
    )


def _fix(trace: Trace, chain: list[Call], cause: Call, ref: LayerRef | None) -> str:
    assert cause.error is not None
    name = remedies.variable(ref) if ref else "layer"
    missing = MISSING.search(cause.error.message)
    if missing and cause.error.raised_at:  # in Keras, of this call; not of one in the user's code
        others = ", ".join(re.findall(r"'(\w+)'", missing[1]))
        return f"{name}(x, {others})  # with all that it needs: in a model of the functional API"
    line = cause.error.place or cause.caller
    if LENGTH in cause.error.message and cause.error.raised_at:  # Keras asked, not the user's code
        return (
            f"# {wording.line(line) or 'the call'}: a tensor stands where Python's own numbers are "
            "wanted: give a list of them, as\n[[0, 0], [1, 1]]  # and no tensor made of it"
        )
    code = f"{name}(x)"
    if ref and any(call.landmark in (INFER, TRIAL) for call in chain):
        code = remedies.call_on_symbols(trace, ref, chain)
    elif ref:
        code = remedies.call_on_data(trace, ref, cause.generation)
    return f"# correct {wording.line(line) or 'what raised it'}; to see it by itself:\n{code}"


RULE = Rule(
    code="BT602",
    title="the true cause hides behind another exception",
    severity="error",
    generations=BOTH,
    why="Keras 3 runs the `call` of a layer on placeholders to learn the shape of what comes out. "
    "If that raises, a Lambda raises NotImplementedError in its place, from a bare `except` "
    "(compute_output_shape in layers/core/lambda_layer.py of keras 3.15), and other layers put a "
    "message about `compute_output_shape` before it (Operation.compute_output_spec in "
    "ops/operation.py). Model.build of Keras 2 takes each TypeError in `call` for one about "
    "floats (engine/training.py of tf_keras 2.21).",
    bad="""\
from tensorflow import keras


class Scaled(keras.Model):
    def __init__(self, **options):
        super().__init__(**options)
        self.factor = 2.0

    def call(self, x):
        return x * self.factor(x)


scaled = Scaled()
scaled.build((None, 3))
inputs = keras.Input((3,))
model = keras.Model(inputs, scaled(inputs))
""",
    good="""\
from tensorflow import keras


class Scaled(keras.Model):
    def __init__(self, **options):
        super().__init__(**options)
        self.factor = 2.0

    def call(self, x):
        return x * self.factor


scaled = Scaled()
scaled.build((None, 3))
inputs = keras.Input((3,))
model = keras.Model(inputs, scaled(inputs))
""",
    check=_check,
)
