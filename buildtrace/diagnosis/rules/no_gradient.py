"""BT710: weights get no gradient, for an operation between them and the loss that has none."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, NamedTuple

from buildtrace.diagnosis import parsed_files
from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from buildtrace.traces.schema import Finding, GradientStop, Graph, LossPart, SourceLine, Use
    from buildtrace.traces.trace import Trace

_SAID = {
    "ArgMax": "`argmax`",
    "ArgMin": "`argmin`",
    "TopKV2": "the places that `top_k` gives",
    "Round": "`round`",
    "Rint": "`round`",
    "Floor": "`floor`",
    "Ceil": "`ceil`",
    "FloorDiv": "the division `//`",
    "FloorMod": "the remainder `%`",
    "PyFunc": "`numpy_function`",
    "Equal": "the comparison `==`",
    "NotEqual": "the comparison `!=`",
    "Greater": "the comparison `>`",
    "GreaterEqual": "the comparison `>=`",
    "Less": "the comparison `<`",
    "LessEqual": "the comparison `<=`",
    "Cast": "the cast to whole numbers",
}
"""What TensorFlow calls an operation → what it is in a sentence. Of several on a line, the first
one is what was written there: Keras' own `argmax` compares, too."""

_PLACES = ("ArgMax", "ArgMin", "TopKV2")

_ROUNDING = {"Round": "round", "Rint": "round", "Floor": "floor", "Ceil": "ceil"}

_REFUSED = "No gradients provided for any variable"

_LOSSES = {"sigmoid": "binary_crossentropy", "softmax": "categorical_crossentropy"}
"""Activation of the output → a loss that has gradients."""


class _Cause(NamedTuple):
    """An operation without a gradient, where the user has it.

    Attributes:
        kind: TensorFlow's name for it.
        line: the user's line that has it; `None` if that is not known.
        weights: ids of the weights that get no gradient for it.
    """

    kind: str
    line: SourceLine | None
    weights: frozenset[int]

    @property
    def said(self) -> str:
        """What it is in a sentence, with its line."""
        what = _SAID.get(self.kind, f"the operation `{wording.sanitize(self.kind)}`")
        return f"{what} at {wording.line(self.line)}" if self.line else what


def _check(trace: Trace) -> Iterator[Finding]:
    told: set[frozenset[int]] = set()
    for use in trace.index.uses_by("Optimizer.apply"):
        causes = _causes(trace, use)
        weights = frozenset(weight for cause in causes for weight in cause.weights)
        if weights and weights not in told:
            told.add(weights)
            yield _finding(trace, use, causes, weights)


def _causes(trace: Trace, use: Use) -> list[_Cause]:
    """The operations that a user wrote, one for each line."""
    by_line: dict[SourceLine | None, list[GradientStop]] = {}
    for stop in use.stops:
        by_line.setdefault(_line(trace, use, stop), []).append(stop)
    order = [*_SAID]
    causes = []
    for line, stops in by_line.items():
        known = [stop for stop in stops if stop.kind in _SAID] or stops
        kind = min((s.kind for s in known), key=lambda k: order.index(k) if k in _SAID else 0)
        causes.append(_Cause(kind, line, frozenset(w for stop in stops for w in stop.weights)))
    with_line = [cause for cause in causes if cause.line is not None]
    return with_line or causes


def _line(trace: Trace, use: Use, stop: GradientStop) -> SourceLine | None:
    """The line that has the operation, where a functional model runs it: one that connects it."""
    for graph in trace.graphs:
        if graph.source == "keras" and set(stop.weights) & set(graph.weights):
            for node in graph.nodes:
                if node.kind == "operation" and _is_of(stop, node.name):
                    about = (c for c in trace.calls if c.layer and c.layer.name == node.name)
                    return next((call.caller for call in about if call.caller), None)
    return None if stop.line == use.caller else stop.line


def _is_of(stop: GradientStop, name: str) -> bool:
    """Whether an operation of a graph of layers may be this one: "tf.math.argmax", "argmax_1"."""
    return stop.kind.lower() in name.lower().replace("_", "")


def _finding(trace: Trace, use: Use, causes: list[_Cause], weights: frozenset[int]) -> Finding:
    because = wording.listed(cause.said for cause in causes[:2])
    has = "has none" if len(causes) == 1 else "have none"
    loss = _loss_at(trace, causes[0].line)
    where = f", in the loss `{wording.sanitize(loss.function)}`," if loss else ""
    if use.trained:
        whose, many = _whose(trace, weights)
        gets, is_trained = ("get", "are") if many else ("gets", "is")
        told = f"{whose} {gets} no gradient, and so {is_trained} never trained"
    else:
        model = _model_of(trace, weights)
        of = f" of {wording.layer(model.model)}" if model else ""
        told = f"No weight{of} gets a gradient"
    raised = [one for one in trace.index.raised if not use.trained and one.says(_REFUSED)]
    layer = trace.weights[min(weights)].layer
    return RULE.finding(
        f"{told}: {because}{where} {has}.",
        fix=_fix(causes[0].kind, loss, use.generation),
        calls=[id_ for one in raised for id_ in one.ids],
        caller=raised[0].line if raised else causes[0].line or use.caller,
        layer=layer if layer in trace.layers else None,
        severity=None if use.trained else "error",
    )


def _whose(trace: Trace, weights: Iterable[int]) -> tuple[str, bool]:
    """The layers of weights, and whether they are several."""
    owners = [trace.weights[weight].layer for weight in sorted(weights)]
    layers = [o for o in dict.fromkeys(owners) if o is not None and o in trace.layers]
    if not layers:
        names = [wording.quoted(trace.weights[weight].name) for weight in sorted(weights)]
        return wording.listed(names, most=3), len(names) > 1
    named = wording.listed((wording.layer(trace.layers[layer]) for layer in layers), most=3)
    return named, len(layers) > 1


def _model_of(trace: Trace, weights: frozenset[int]) -> Graph | None:
    graphs = [g for g in trace.index.outermost_graphs if weights <= set(g.weights)]
    return graphs[0] if len(graphs) == 1 else None


def _loss_at(trace: Trace, line: SourceLine | None) -> LossPart | None:
    """The loss of the user's own whose function has this line."""
    file = None if line is None else parsed_files.parsed(trace, line.file)
    if file is None or line is None:
        return None
    around = {
        node.name
        for node in file.nodes
        if isinstance(node, ast.FunctionDef) and node.lineno <= line.line <= (node.end_lineno or 0)
    }
    return next((c.loss for c in trace.calls if c.loss and c.loss.function in around), None)


def _fix(kind: str, loss: LossPart | None, generation: str) -> str:
    if loss is not None:
        smooth = _LOSSES.get(loss.activation, "mean_squared_error")
        return (
            f'model.compile(..., loss="{smooth}", metrics=[{loss.function}])  '
            "# as a metric it needs no gradient"
        )
    ops = "tf" if generation == "keras2" else "keras.ops"
    if kind in _PLACES:
        return (
            f"x = {ops}.{'nn.' if ops == 'tf' else ''}softmax(scores)  # scores: what "
            f"{_SAID[kind]} is asked of, if it is no probability yet\n"
            "x = keras.layers.Dense(units, use_bias=False)(x)  # in the place of an Embedding\n"
            "# argmax only of what `predict` gives"
        )
    if kind == "PyFunc":
        return f"# what it does, in operations of {ops} on tensors: those have gradients"
    if kind in _ROUNDING:
        name = _ROUNDING[kind]
        of = f"{ops}.math.{name}" if ops == "tf" and name == "ceil" else f"{ops}.{name}"
        return (
            f"x = x + {ops}.stop_gradient({of}(x) - x)  # the same numbers, with the gradient of x"
        )
    return f"x = {ops}.sigmoid(10 * (x - limit))  # from 0 to 1 with a slope, for `x > limit`"


RULE = Rule(
    code="BT710",
    title="weights that get no gradient",
    severity="warning",
    generations=BOTH,
    why="Training follows the gradient of the loss back to each weight, through every operation in "
    "between. What gives whole numbers or truths, such as argmax, a comparison or a rounding, has "
    "no gradient: a small change of what goes in changes nothing, or all at once. Keras only warns "
    "of weights without one, and trains the others; if there are no others, it raises “No "
    "gradients provided for any variable” (_filter_empty_gradients in optimizers/base_optimizer.py "
    "of keras 3.15.1, filter_empty_gradients in optimizers/utils.py of tf_keras 2.21). The cause "
    "is read from TensorFlow's graph of the step. Weights that the loss does not depend on at all "
    "are not told of.",
    bad="""\
import numpy as np
import tensorflow as tf
from tensorflow import keras

inputs = keras.Input((8,))
topic = keras.layers.Dense(5, activation="softmax", name="topic")(inputs)
word = keras.layers.Lambda(lambda x: tf.argmax(x, axis=-1), output_shape=())(topic)
outputs = keras.layers.Dense(1)(keras.layers.Embedding(5, 4)(word))
model = keras.Model(inputs, outputs)
model.compile("sgd", "mse")
model.fit(np.ones((4, 8), "float32"), np.ones((4, 1), "float32"), verbose=0)
""",
    good="""\
import numpy as np
import tensorflow as tf
from tensorflow import keras

inputs = keras.Input((8,))
topic = keras.layers.Dense(5, activation="softmax", name="topic")(inputs)
word = keras.layers.Dense(4, use_bias=False)(topic)
outputs = keras.layers.Dense(1)(word)
model = keras.Model(inputs, outputs)
model.compile("sgd", "mse")
model.fit(np.ones((4, 8), "float32"), np.ones((4, 1), "float32"), verbose=0)
""",
    check=_check,
)
