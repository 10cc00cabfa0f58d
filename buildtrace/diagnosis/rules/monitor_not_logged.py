"""BT708: a callback looks for a name that will not be among the logs."""

from __future__ import annotations

import ast
import difflib
from typing import TYPE_CHECKING

from buildtrace.diagnosis import edits, remedies
from buildtrace.diagnosis.parsed_files import last_name, parsed
from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import wording
from buildtrace.traces.schema import SourceLine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.diagnosis.edits import Edits
    from buildtrace.traces.schema import Finding, Monitor, Use
    from buildtrace.traces.trace import Trace

_DOES = {
    "ModelCheckpoint": "never saves anything",
    "EarlyStopping": "never stops the training",
    "ReduceLROnPlateau": "never changes the learning rate",
}
"""What becomes of such a callback: Keras warns once an epoch, and goes on."""

_SHORT = {"acc": "accuracy", "accuracy": "acc"}
"""One metric has two names; the logs have it under the one that `compile` was given."""


def _check(trace: Trace) -> Iterator[Finding]:
    for use in trace.index.uses_by("Model.fit"):
        for monitor in use.missing:
            yield _finding(trace, use, monitor)


def _finding(trace: Trace, use: Use, monitor: Monitor) -> Finding:
    wanted, near = monitor.name, _near(monitor)
    made = _made_at(trace, use, monitor)
    listed = wording.listed([wording.quoted(name) for name in monitor.logs], most=8)
    text = (
        f"{monitor.class_name} looks for {wording.quoted(wanted)} in the logs of the fit at "
        f"{wording.line(use.caller)}, which have {listed}"
    )
    is_unvalidated = not monitor.validated and wanted.removeprefix("val_") in monitor.logs
    if is_unvalidated:
        text += ": there is no validation, so that nothing begins with `val_`"
    does = _DOES.get(monitor.class_name, "does nothing")
    instead = f"monitor={remedies.text(near or '...')}"
    fix = f"keras.callbacks.{monitor.class_name}(..., {instead})"
    if is_unvalidated:
        model = remedies.variable(use.model) if use.model else "model"
        fix = f"{model}.fit(..., validation_split=0.2)  # or validation_data=...; or:\n{fix}"
    return RULE.finding(
        f"{text}. It {does}.",
        fix=fix,
        caller=made or use.caller,
        layer=use.model.id if use.model else None,
        edits=_edits(trace, made, monitor, near) if not is_unvalidated else edits.NONE,
        severity="error" if _has_failed(use, monitor) else None,
    )


def _has_failed(use: Use, monitor: Monitor) -> bool:
    """Whether Keras 3 has failed of it: it was to find out whether more is better."""
    return use.error is not None and f"monitor={monitor.name}" in use.error.message


def _near(monitor: Monitor) -> str:
    """The name in the logs that is meant, as it seems; "" if none is like it."""
    wanted = monitor.name
    bare = wanted.removeprefix("val_")
    prefix = wanted.removesuffix(bare)
    if bare in monitor.logs and not monitor.validated:
        return bare
    bares = [
        name.removeprefix("val_")
        for name in monitor.logs
        if name.startswith("val_") == wanted.startswith("val_")
    ]
    other = _SHORT.get(bare, "")
    of_outputs = [name for name in bares if name.endswith((f"_{bare}", f"_{other or bare}"))]
    alike = of_outputs or difflib.get_close_matches(bare, bares, 1)
    near = [other] if other in bares else alike
    return prefix + near[0] if len(near) == 1 else ""  # of several outputs it may be any


def _made_at(trace: Trace, use: Use, monitor: Monitor) -> SourceLine | None:
    """The line that makes the callback, if its file has one alone that it can be."""
    file = parsed(trace, use.caller.file) if use.caller else None
    if file is None or use.caller is None:
        return None
    made = [
        node
        for node in file.nodes
        if isinstance(node, ast.Call) and last_name(node.func) == monitor.class_name
    ]
    named = [node for node in made if _is_constant(_given(node), monitor.name)]
    found = named or [node for node in made if _given(node) is None]
    return SourceLine(file=file.name, line=found[0].lineno) if len(found) == 1 else None


def _given(call: ast.Call) -> ast.expr | None:
    """The argument `monitor`, wherever it stands."""
    place = _place(last_name(call.func))
    named = [keyword.value for keyword in call.keywords if keyword.arg == "monitor"]
    return next(iter(named or call.args[place : place + 1]), None)


def _is_constant(node: ast.expr | None, value: str) -> bool:
    return isinstance(node, ast.Constant) and node.value == value


def _edits(trace: Trace, made: SourceLine | None, monitor: Monitor, near: str) -> Edits:
    if not near:
        return edits.NONE
    wanted = (repr(monitor.name), remedies.text(monitor.name))
    return edits.argument(
        trace,
        made,
        monitor.class_name,
        "monitor",
        lambda code: remedies.text(near) if code in wanted else "",
        _place(monitor.class_name),
    )


def _place(class_name: str) -> int:
    """The number of the argument `monitor`, from 0: a ModelCheckpoint has its file first."""
    return 1 if class_name == "ModelCheckpoint" else 0


RULE = Rule(
    code="BT708",
    title="a callback that looks for what is not logged",
    severity="warning",
    generations=BOTH,
    why="The logs have a metric by the name that `compile` was given it by, 'acc' or 'accuracy', "
    "with the output's name before it if there are several; and with `val_` before that if the "
    "`fit` has data for a validation. A callback that does not find its `monitor` there warns, "
    "and does nothing; one that is to find out by itself whether more is better may fail "
    "(EarlyStopping, ModelCheckpoint and ReduceLROnPlateau in callbacks/ of keras 3.15.1 and in "
    "callbacks.py of tf_keras 2.21).",
    bad="""\
import numpy as np
from tensorflow import keras

model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, activation="sigmoid")])
model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
stop = keras.callbacks.EarlyStopping(monitor="val_acc", mode="max", patience=2)
x, y = np.zeros((16, 3), "float32"), np.arange(16) % 2
model.fit(x, y, validation_split=0.25, callbacks=[stop], verbose=0)
""",
    good="""\
import numpy as np
from tensorflow import keras

model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, activation="sigmoid")])
model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
stop = keras.callbacks.EarlyStopping(monitor="val_accuracy", mode="max", patience=2)
x, y = np.zeros((16, 3), "float32"), np.arange(16) % 2
model.fit(x, y, validation_split=0.25, callbacks=[stop], verbose=0)
""",
    check=_check,
)
