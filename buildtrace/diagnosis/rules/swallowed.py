"""BT601: Keras caught what a `call` raised, and went on as if it had been well."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.diagnosis import remedies
from buildtrace.diagnosis.rule import Rule
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.traces.schema import Call, ErrorInfo, Finding
    from buildtrace.traces.trace import Trace


def _check(trace: Trace) -> Iterator[Finding]:
    for call in trace.calls:
        if call.error is not None and call.error.swallowed and call.parent is not None:
            catcher, cause = trace.call(call.parent), trace.raised_through(call)[-1]
            assert cause.error is not None
            if _is_caught_by_keras(catcher, call) and not _came_out(trace, call, cause.error):
                yield _finding(trace, catcher, call, cause)


def _is_caught_by_keras(catcher: Call, call: Call) -> bool:
    """Whether it is a place where Keras catches, and not the user's own `except`."""
    assert call.error is not None
    if catcher.landmark == "Layer._maybe_build":
        return call.landmark == "compute_output_spec"
    return catcher.name == "Sequential.build" and call.error.type == "NotImplementedError"


def _came_out(trace: Trace, call: Call, cause: ErrorInfo) -> bool:
    """Whether the same line raised once more, and the user saw that."""
    errors = [c.error for c in trace.calls[call.id :] if c.error and not _within(c, call)]
    errors += [trace.error] if trace.error else []
    return any(
        error.lines[:1] == cause.lines[:1] and not error.swallowed
        for error in errors
        if cause.lines
    )


def _within(call: Call, outer: Call) -> bool:
    """Whether a call was over before `outer` was: the ones of the chain that was caught."""
    return call.thread == outer.thread and call.start_ns < outer.start_ns + outer.duration_ns


def _finding(trace: Trace, catcher: Call, call: Call, cause: Call) -> Finding:
    assert cause.error is not None
    ref = call.layer or catcher.layer
    line = cause.error.place or cause.caller
    at = f" at {wording.line(line)}" if line else ""
    text = cause.error.message.strip().splitlines()
    what = f"{cause.error.type}: {text[0]}" if text else cause.error.type
    fine = _went_well_on_data(trace, catcher, call)
    end = (
        "the call on data went well"
        if fine
        else "what comes after that line was never run or built"
    )
    who = f"the `call` of {wording.layer(ref)}" if ref else "a `call`"
    return RULE.finding(
        f"Keras 3 ran {who} on placeholders, caught the {what}{at}, and went on: {end}.",
        fix=_fix(trace, catcher),
        calls=[call.id, cause.id, catcher.id],
        caller=line,
        layer=ref.id if ref else None,
        severity="note" if fine else "error",
    )


def _went_well_on_data(trace: Trace, catcher: Call, call: Call) -> bool:
    """Whether the layer's `call` was run after that, on data, without an error.

    A layer that is called on a placeholder may have its shape worked out without its `call`.
    """
    around = next(
        (
            outer
            for outer in trace.ancestors(call)
            if outer.landmark == "Layer.__call__" and outer.layer == catcher.layer
        ),
        None,
    )
    if around is None or around.error is not None:
        return False
    return not any(
        inner.landmark == "Operation.compute_output_spec" and inner.layer == catcher.layer
        for inner in trace.index.inside(around)
        if inner.id > call.id
    )


def _fix(trace: Trace, catcher: Call) -> str:
    if catcher.layer is None:
        return "layer(x)  # on data: raises the exception where you can see it"
    known = [spec for spec in catcher.inputs if spec.shape]
    if known:
        data = ", ".join(remedies.zeros(catcher.generation, spec) for spec in known)
        code = f"{remedies.variable(catcher.layer)}({data})"
    else:
        code = remedies.call_on_data(trace, catcher.layer, catcher.generation)
    return f"{code}\n# on data: raises the exception where you can see it; then correct that line"


RULE = Rule(
    code="BT601",
    title="an exception that Keras caught and kept quiet",
    severity="error",
    generations=("keras3",),
    why="To build a layer that has no `build`, Keras 3 runs its `call` on placeholders and catches "
    "whatever that raises: without a word if the layer was called on data, with a warning "
    "otherwise (Layer._maybe_build in layers/layer.py of keras 3.15). Sequential.build stops "
    "halfway, without a word, at a layer whose shape it cannot work out (models/sequential.py).",
    bad="""\
from tensorflow import keras

FACTORS = {"double": 2.0}


def scaled(x):
    return x * FACTORS["duble"]


model = keras.Sequential([keras.layers.Lambda(scaled), keras.layers.Dense(1)])
model.build((None, 3))
print(len(model.weights))
""",
    good="""\
from tensorflow import keras

FACTORS = {"double": 2.0}


def scaled(x):
    return x * FACTORS["double"]


model = keras.Sequential([keras.layers.Lambda(scaled), keras.layers.Dense(1)])
model.build((None, 3))
print(len(model.weights))
""",
    check=_check,
)
