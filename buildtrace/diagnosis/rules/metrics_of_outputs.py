"""BT707: metrics that do not go with a model's outputs, by number or by name."""

from __future__ import annotations

import ast
import difflib
from typing import TYPE_CHECKING, NamedTuple

from buildtrace.diagnosis import compared_losses, edits, remedies
from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.diagnosis.edits import Edits
    from buildtrace.traces.schema import (
        Call,
        Finding,
        LayerRef,
        ModelMetrics,
        SourceLine,
        Structure,
    )
    from buildtrace.traces.trace import Trace


class _MisgivenMetrics(NamedTuple):
    """The metrics of a model that could not be made.

    Attributes:
        call: that was to make them.
        metrics: how they were given.
        model: whose they are.
    """

    call: Call
    metrics: ModelMetrics
    model: LayerRef | None

    @property
    def has(self) -> str:
        """The model's outputs, in a sentence."""
        model = "the model" if self.model is None else wording.layer(self.model)
        names, count = self.metrics.names, self.metrics.outputs.count
        if len(names) != count:
            return f"{model} has {wording.count(count, 'output')}"
        listed = wording.listed(map(wording.quoted, names))
        return f"{model} has the {'output' if count == 1 else 'outputs'} {listed}"


def _check(trace: Trace) -> Iterator[Finding]:
    for call in trace.calls:
        if call.metrics is None or call.error is None:
            continue
        refused = _MisgivenMetrics(call, call.metrics, compared_losses.model_of(trace, call))
        for name, given in (
            ("metrics", call.metrics.metrics),
            ("weighted_metrics", call.metrics.weighted_metrics),
        ):
            found = _finding(trace, refused, name, given)
            if found is not None:
                yield found
                break


def _finding(
    trace: Trace, refused: _MisgivenMetrics, name: str, given: Structure
) -> Finding | None:
    names = refused.metrics.names
    if given.form == "dict" and names:
        unknown = [key for key in given.names if key not in names]
        return _unknown(trace, refused, name, unknown) if unknown else None
    wanted = refused.metrics.outputs.count
    if given.form in ("list", "nested") and not given.names and given.count != wanted > 1:
        return _other_number(trace, refused, name, given)
    return None


def _unknown(trace: Trace, refused: _MisgivenMetrics, name: str, unknown: list[str]) -> Finding:
    names = refused.metrics.names
    meant = {key: difflib.get_close_matches(key, names, 1) for key in unknown}
    if len(unknown) == len(names) == 1:
        meant = {unknown[0]: [*names]}
    listed = wording.listed(map(wording.quoted, unknown))
    evidence = compared_losses.evidence(trace, refused, of_compile=True)
    by_name = ", ".join(f"{remedies.text(one)}: ..." for one in names)
    parts = [
        edits.expression(trace, evidence["caller"], repr(key), remedies.text(near[0]))
        for key, near in meant.items()
        if near
    ]
    return RULE.finding(
        f"The argument {name} names {listed}, and {refused.has}.",
        fix=compared_losses.compiled_with(refused, f"{name}={{{by_name}}}"),
        edits=edits.together(*parts) if len(parts) == len(unknown) else edits.NONE,
        **evidence,
    )


def _other_number(trace: Trace, refused: _MisgivenMetrics, name: str, given: Structure) -> Finding:
    wanted = refused.metrics.outputs.count
    evidence = compared_losses.evidence(trace, refused, of_compile=True)
    each = ", ".join(["..."] * wanted)
    of = "list of lists" if given.form == "nested" else "list"
    return RULE.finding(
        f"The argument {name} is a {of} of {given.count}, and {refused.has}: it is to have an "
        "entry for each of them.",
        fix=compared_losses.compiled_with(refused, f"{name}=[{each}]")
        + "  # a metric, or a list of metrics, for each output",
        edits=_for_each(trace, evidence["caller"], name, wanted)
        if given.form == "list"
        else edits.NONE,
        **evidence,
    )


def _for_each(trace: Trace, line: SourceLine | None, name: str, wanted: int) -> Edits:
    """The metrics that are given, for each output, if each can be made of its name."""

    def repeated(code: str) -> str:
        node = ast.parse(code, mode="eval").body
        names = node.elts if isinstance(node, ast.List) else []
        if not all(isinstance(one, ast.Constant) and isinstance(one.value, str) for one in names):
            return ""  # an object cannot count for two outputs
        each = code[1:-1].strip() if len(names) == 1 else code
        return f"[{', '.join([each] * wanted)}]" if names else ""

    return edits.argument(trace, line, "compile", name, repeated)


RULE = Rule(
    code="BT707",
    title="metrics that do not go with the outputs",
    severity="error",
    generations=BOTH,
    why="Of a model with several outputs, Keras 3 takes a list of metrics as one entry for each "
    "output, where Keras 2 gave every output all metrics of a list that has no lists in it; and "
    "both look the keys of a dict up among the names of the outputs, which in a functional model "
    "are those of their layers. It shows when the metrics are built, in the first step of the "
    "training (CompileMetrics.build in trainers/compile_utils.py of keras 3.15; MetricsContainer "
    "and map_to_output_names in engine/compile_utils.py of tf_keras 2.21).",
    bad="""\
import numpy as np
from tensorflow import keras

inputs = keras.Input((6,))
size = keras.layers.Dense(1, name="size")(inputs)
kind = keras.layers.Dense(4, activation="softmax", name="kind")(inputs)
model = keras.Model(inputs, [size, kind])
losses = {"size": "mse", "kind": "sparse_categorical_crossentropy"}
model.compile("sgd", losses, metrics={"kinds": "accuracy"})
x = np.zeros((8, 6), "float32")
model.fit(x, [np.zeros((8, 1)), np.arange(8) % 4], verbose=0)
""",
    good="""\
import numpy as np
from tensorflow import keras

inputs = keras.Input((6,))
size = keras.layers.Dense(1, name="size")(inputs)
kind = keras.layers.Dense(4, activation="softmax", name="kind")(inputs)
model = keras.Model(inputs, [size, kind])
losses = {"size": "mse", "kind": "sparse_categorical_crossentropy"}
model.compile("sgd", losses, metrics={"kind": "accuracy"})
x = np.zeros((8, 6), "float32")
model.fit(x, [np.zeros((8, 1)), np.arange(8) % 4], verbose=0)
""",
    check=_check,
    hides=("BT601", "BT602"),
)
