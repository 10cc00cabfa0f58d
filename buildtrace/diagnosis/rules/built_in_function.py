"""BT215: a traced function that has made its variables is to build one more model or optimizer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.diagnosis import remedies
from buildtrace.diagnosis.locked import ONCE
from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import wording
from buildtrace.traces.index import BUILD, CALL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.traces.schema import Call, Finding
    from buildtrace.traces.trace import Trace

_OPTIMIZER = "BaseOptimizer.build"


def _check(trace: Trace) -> Iterator[Finding]:
    told = set()
    for raised in trace.index.failures:
        built = next((call for call in raised.calls if call.landmark in (CALL, BUILD)), None)
        if built is None or built.layer is None or not raised.says(ONCE):
            continue
        if any(call.error is None for call in trace.index.calls_of(built.layer.id)):
            continue  # it was built, and makes variables nevertheless
        earlier = _earlier(trace, built)
        if earlier is not None and earlier.layer is not None and built.caller not in told:
            told.add(built.caller)
            yield _finding(trace, raised.ids, built, earlier)
    yield from _of_optimizers(trace)


def _of_optimizers(trace: Trace) -> Iterator[Finding]:
    """Of Keras 3: an optimizer of Keras 2 makes its variables outside of the function."""
    for raised in trace.index.failures:
        built = raised.of(_OPTIMIZER)
        if built is None or built.holder is None or not raised.says(ONCE):
            continue
        earlier = next(
            (
                call
                for call in trace.calls[: built.id]
                if call.landmark == _OPTIMIZER
                and call.caller == built.caller
                and call.holder not in (None, built.holder)
                and call.error is None
            ),
            None,
        )
        if earlier is not None and built.caller is not None:
            yield _of_optimizer(trace, raised.ids, built, earlier)


def _of_optimizer(trace: Trace, calls: list[int], built: Call, earlier: Call) -> Finding:
    kind = trace.holders[built.holder or 0].class_name
    whose = f" of {wording.layer(earlier.layer)}" if earlier.layer else ""
    return RULE.finding(
        f"The {kind} is not built when the traced function applies gradients at "
        f"{wording.line(built.caller)}, and TensorFlow lets that make variables only in its first "
        f"run, which was for the optimizer{whose}.",
        fix="optimizer.build(model.trainable_variables)  # before the function is called\n"
        "# or a function for each model: tf.function(step)",
        calls=[*calls, earlier.id],
        caller=built.caller,
        layer=built.layer.id if built.layer else None,
    )


def _earlier(trace: Trace, built: Call) -> Call | None:
    """The call, by the same line, of the layer that the function has been traced for before."""
    return next(
        (
            call
            for call in trace.calls[: built.id]
            if call.landmark == CALL
            and call.caller == built.caller
            and call.caller is not None
            and call.layer not in (None, built.layer)
            and call.error is None
        ),
        None,
    )


def _finding(trace: Trace, calls: list[int], built: Call, earlier: Call) -> Finding:
    assert built.layer is not None
    assert earlier.layer is not None
    _, name = remedies.variables([earlier.layer, built.layer])
    on_data = remedies.call_on_data(trace, built.layer, built.generation, name)
    return RULE.finding(
        f"{wording.layer(built.layer)} is not built when the traced function calls it at "
        f"{wording.line(built.caller)}, and TensorFlow lets that make variables only in its "
        f"first run, which was for {wording.layer(earlier.layer)}.",
        fix=f"{on_data}  # before the function is called: builds it\n"
        "# or a function for each model: tf.function(step)",
        calls=[*calls, earlier.id],
        caller=built.caller,
        layer=built.layer.id,
    )


RULE = Rule(
    code="BT215",
    title="one traced function builds several models",
    severity="error",
    generations=BOTH,
    why="A model that is not built makes its variables when it is first called: Layer.__call__ "
    "builds it (engine/base_layer.py of tf_keras 2.21, layers/layer.py of keras 3.15.1). A "
    "tf.function may make variables only when it is traced for the first time, and it is traced "
    "anew for each model that it is given (eager/polymorphic_function/polymorphic_function.py of "
    "tensorflow 2.21).",
    bad="""\
import tensorflow as tf
from tensorflow import keras


@tf.function
def predict(model, x):
    return model(x)


x = tf.ones((2, 3))
first = keras.Sequential([keras.layers.Dense(2)])
second = keras.Sequential([keras.layers.Dense(2)])
predict(first, x)
predict(second, x)
""",
    good="""\
import tensorflow as tf
from tensorflow import keras


@tf.function
def predict(model, x):
    return model(x)


x = tf.ones((2, 3))
first = keras.Sequential([keras.layers.Dense(2)])
second = keras.Sequential([keras.layers.Dense(2)])
second(x)
predict(first, x)
predict(second, x)
""",
    check=_check,
    hides=("BT202", "BT601"),
)
