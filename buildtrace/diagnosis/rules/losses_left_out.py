"""BT711: a training step of one's own leaves out the losses that the model has of itself."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, NamedTuple

from buildtrace.diagnosis import parsed_files
from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import wording
from buildtrace.traces.schema import SourceLine

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from buildtrace.diagnosis.parsed_files import ParsedFile
    from buildtrace.traces.schema import Finding, LayerRef, LayerState, Use
    from buildtrace.traces.trace import Trace

    StepPart = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef

_OWN_LOSSES = {
    "losses",
    "_losses",
    "compute_loss",
    "_compute_loss",
    "compiled_loss",
    "compute_loss_and_updates",
    "stateless_compute_loss",
    "return_losses",
    "get_losses_for",
    "get_regularization_losses",
    "regularizer",
    "kernel_regularizer",
    "regularization_losses",
}
"""Attributes and arguments of which each says that a step may mind such losses."""

_ASK = {"gradient", "value_and_grad", "grad", "backward"}
"""Functions that a step gets its gradients from, on each backend."""

_PACKAGES = {"keras", "tf", "tensorflow"}
"""What `losses` may be a module of."""

_OF_KERAS = {"call", "compute_metrics", "get_metrics_result", "loss", "reset_metrics", "zero_grad"}
"""Methods of a model that a step may call, and that have nothing to do with such losses."""


class _OwnStep(NamedTuple):
    """A `train_step` of the user's own, as its file has it.

    Attributes:
        class_name: the class that defines it.
        line: where the gradients are asked for, or else the definition.
        parts: the functions and classes that it runs, itself included.
    """

    class_name: str
    line: SourceLine
    parts: list[ast.AST]


def _check(trace: Trace) -> Iterator[Finding]:
    told: set[str] = set()
    for use in trace.index.uses_by("Optimizer.apply"):
        step = _step(trace, use)
        if step is None or step.class_name in told or _minds_losses(step):
            continue
        models = [one for one in trace.layers.values() if one.class_name == step.class_name]
        regularized = [weight for weight in use.trained if trace.weights[weight].regularizer]
        adding = [layer for model in models for layer in _adding(trace, model)]
        if models and (regularized or adding):
            told.add(step.class_name)
            yield _finding(trace, step, models[0], regularized, adding)


def _step(trace: Trace, use: Use) -> _OwnStep | None:
    """The `train_step` that changes weights; `None` of a loop by hand, or if not all is known."""
    file = None if use.caller is None else parsed_files.parsed(trace, use.caller.file)
    if file is None or use.caller is None:
        return None
    number = use.caller.line
    for cls in file.tree.body:
        if isinstance(cls, ast.ClassDef) and cls.lineno <= number <= (cls.end_lineno or 0):
            steps = [n for n in cls.body if isinstance(n, ast.FunctionDef)]
            steps = [step for step in steps if step.name == "train_step"]
            is_known = len(steps) == 1 and not _hands_itself_on(cls)
            parts = _run_by(file, steps[0]) if is_known else []
            if any(part.lineno <= number <= (part.end_lineno or 0) for part in parts):
                line = SourceLine(
                    file=use.caller.file, line=_gradients_at(parts) or steps[0].lineno
                )
                return _OwnStep(cls.name, line, [*parts])
    return None


def _run_by(file: ParsedFile, step: ast.FunctionDef) -> list[StepPart]:
    """The functions of its file that a step runs; none if it runs others that get the model."""
    top = {node.name: node for node in file.tree.body if isinstance(node, parsed_files.Definable)}
    methods: dict[str, list[StepPart]] = {}
    stored: set[str] = set()
    for node in file.nodes:
        if isinstance(node, ast.ClassDef):
            for inner in node.body:
                if isinstance(inner, ast.FunctionDef):
                    methods.setdefault(inner.name, []).append(inner)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            stored.add(node.attr)
    parts: list[StepPart] = []
    waiting: list[StepPart] = [step]
    while waiting:
        part = waiting.pop()
        if part in parts:
            continue
        parts.append(part)
        for node in ast.walk(part):
            if isinstance(node, ast.Call) and _leads_away(node, methods, stored):
                return []
            if isinstance(node, ast.Name) and node.id in top:
                waiting.append(top[node.id])
            elif isinstance(node, ast.Attribute) and _is_self(node.value):
                waiting += methods.get(node.attr, [])
    return parts


def _leads_away(
    call: ast.Call,
    methods: Mapping[str, list[StepPart]],
    stored: set[str],
) -> bool:
    """Whether a call runs code that is not in the file, and that has the whole model."""
    function = call.func
    if isinstance(function, ast.Name) and function.id == "super":
        return True
    if isinstance(function, ast.Attribute) and _is_self(function.value):
        name = function.attr
        return name not in methods and name not in stored and name not in _OF_KERAS
    return any(_is_self(keyword.value) for keyword in call.keywords)


def _hands_itself_on(cls: ast.ClassDef) -> bool:
    """Whether the model gives itself to something that could ask it for its losses later."""
    return any(
        parsed_files.last_name(node.func) != "super" and any(map(_is_self, node.args))
        for node in ast.walk(cls)
        if isinstance(node, ast.Call)
    )


def _is_self(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "self"


def _gradients_at(parts: list[StepPart]) -> int:
    """The line of the one call that asks for gradients; 0 if there are none, or several."""
    calls = [
        node.lineno
        for part in parts
        for node in ast.walk(part)
        if isinstance(node, ast.Call) and parsed_files.last_name(node.func) in _ASK
    ]
    return calls[0] if len(calls) == 1 else 0


def _minds_losses(step: _OwnStep) -> bool:
    """Whether anything in the step may be about the losses of the model itself."""
    for part in step.parts:
        for node in ast.walk(part):
            if isinstance(node, ast.Attribute) and node.attr in _OWN_LOSSES:
                of = parsed_files.last_name(node.value)
                if node.attr != "losses" or of not in _PACKAGES:
                    return True
            if isinstance(node, ast.keyword) and node.arg in _OWN_LOSSES:
                return True
            if isinstance(node, ast.Constant) and node.value in _OWN_LOSSES:
                return True
    return False


def _adding(trace: Trace, model: LayerRef) -> list[LayerRef]:
    """The layers of a model, itself included, whose `call` adds a loss."""
    found, waiting, seen = [], [model], set[int]()
    while waiting:
        layer = waiting.pop()
        if layer.id in seen:
            continue
        seen.add(layer.id)
        state = trace.index.state_of(layer.id)
        graph = trace.index.graph_by_model.get(layer.id)
        waiting += state.children if state else ()
        inside = [node.layer for node in graph.nodes if node.layer is not None] if graph else []
        waiting += [trace.layers[number] for number in inside if number in trace.layers]
        if state is not None and _adds_loss(trace, state):
            found.append(layer)
    return found


def _adds_loss(trace: Trace, state: LayerState) -> bool:
    code = parsed_files.code_of(trace, state.method("call"))
    return code is not None and any(
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "add_loss"
        and _is_self(node.func.value)
        for node in ast.walk(code[1])
    )


def _finding(
    trace: Trace,
    step: _OwnStep,
    model: LayerRef,
    regularized: list[int],
    adding: list[LayerRef],
) -> Finding:
    said = []
    if regularized:
        weights = [trace.weights[weight] for weight in regularized]
        owners = dict.fromkeys(weight.layer for weight in weights if weight.layer in trace.layers)
        of = wording.listed((wording.layer(trace.layers[o]) for o in owners if o is not None), 3)
        kinds = wording.listed(dict.fromkeys(f"{weight.regularizer}" for weight in weights))
        said.append(f"the regularizer {kinds}" + (f" of {of}" if of else ""))
    if adding:
        layers = wording.listed(map(wording.layer, dict.fromkeys(adding)), 3)
        said.append(f"what {layers} adds by `add_loss`")
    return RULE.finding(
        f"The `train_step` of {wording.layer(model)} computes its loss by itself, and leaves out "
        f"{' and '.join(said)}: that does nothing in training.",
        fix=_FIX_ON_JAX if trace.environment.backend == "jax" else _FIX,
        caller=step.line,
        layer=model.id,
    )


_FIX = "loss = loss + sum(self.losses)  # before the gradients are asked for, where the tape runs"

_FIX_ON_JAX = """\
y_pred, non_trainable_variables, losses = self.stateless_call(
    trainable_variables, non_trainable_variables, x, training=True, return_losses=True
)
loss = loss + sum(losses)"""


RULE = Rule(
    code="BT711",
    title="a `train_step` that leaves out the model's own losses",
    severity="warning",
    generations=BOTH,
    why="Regularizers, and what layers add by `add_loss`, change no loss by themselves: they are "
    "collected in `model.losses`. Keras' own step adds them up in `compute_loss` "
    "(Trainer.compute_loss in trainers/trainer.py of keras 3.15.1, Model.compute_loss in "
    "engine/training.py of tf_keras 2.21). A `train_step` of one's own that computes its loss "
    "without that has to add them itself, or they are left out without a word. Told only if all "
    "that the step runs is in its file, and does not speak of such losses.",
    bad="""\
import numpy as np
import tensorflow as tf
from tensorflow import keras


class Net(keras.Model):
    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((self(x, training=True) - y) ** 2)
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables))
        return {"mse": loss}


inputs = keras.Input((3,))
model = Net(inputs, keras.layers.Dense(1, kernel_regularizer="l2")(inputs))
model.compile("sgd")
model.fit(np.ones((4, 3), "float32"), np.ones((4, 1), "float32"), verbose=0)
""",
    good="""\
import numpy as np
import tensorflow as tf
from tensorflow import keras


class Net(keras.Model):
    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((self(x, training=True) - y) ** 2) + sum(self.losses)
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables))
        return {"mse": loss}


inputs = keras.Input((3,))
model = Net(inputs, keras.layers.Dense(1, kernel_regularizer="l2")(inputs))
model.compile("sgd")
model.fit(np.ones((4, 3), "float32"), np.ones((4, 1), "float32"), verbose=0)
""",
    check=_check,
)
