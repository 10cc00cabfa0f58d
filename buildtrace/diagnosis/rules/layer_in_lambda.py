"""BT214: a Lambda calls a layer, and so hides it from the model."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from buildtrace.diagnosis import edits, remedies
from buildtrace.diagnosis.parsed_files import find_call, maker_of
from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import wording
from buildtrace.traces.totals import totals

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.diagnosis.edits import Edits
    from buildtrace.traces.schema import Call, Finding, LayerRef, SourceLine
    from buildtrace.traces.trace import Trace


def _check(trace: Trace) -> Iterator[Finding]:
    held = {child.id for state in trace.states for child in state.children}
    reported = _reported(trace)
    hidden: dict[int, dict[object, Call]] = {}
    for call in trace.calls:
        run = trace.index.run_around(call)
        if call.landmark != "Layer.__call__" or call.layer is None or run is None:
            continue
        if run.layer is None or run.layer.class_name != "Lambda":
            continue
        made = {weight.id for weight in trace.index.weights_made_in(call)}
        # One that was made before may be kept apart on purpose, such as a teacher.
        if made and call.layer.id not in held and not made & reported:
            hidden.setdefault(run.layer.id, {}).setdefault(call.caller, call)
    for calls in hidden.values():
        yield _finding(trace, list(calls.values()))


def _reported(trace: Trace) -> set[int]:
    """The weights of all models, but those that are themselves called in a Lambda."""
    inside = {
        call.layer.id
        for call in trace.calls
        if call.landmark == "Layer.__call__" and call.layer is not None
        if any(
            c.layer is not None and c.layer.class_name == "Lambda" for c in trace.ancestors(call)
        )
    }
    return {
        weight for graph in trace.graphs if graph.model.id not in inside for weight in graph.weights
    }


def _finding(trace: Trace, calls: list[Call]) -> Finding:
    layers = [call.layer for call in calls if call.layer is not None]
    around = trace.index.run_around(calls[0])
    assert around is not None
    assert around.layer is not None
    weights = [weight for call in calls for weight in trace.index.weights_made_in(call)]
    number = totals(weights).parameters
    refused = any(call.error is not None for call in trace.ancestors(calls[0]))
    end = "Keras refuses them" if refused else "they are neither trained nor saved"
    name = remedies.variable(layers[0])
    return RULE.finding(
        f"{wording.layer(around.layer)} calls {wording.listed(map(wording.layer, layers), 3)}, and "
        f"a Lambda knows of no layers: {'its' if len(layers) == 1 else 'their'} "
        f"{wording.count(len(weights), 'weight')} ({wording.count(number, 'parameter')}) are in no "
        f"model, so {end}.",
        fix=f"x = {name}(x)  # in the place of the Lambda; in a Sequential: {name} itself\n"
        "# if the function does more than that, a layer of one's own:\n"
        "class Block(keras.layers.Layer):\n"
        "    def __init__(self, **options):\n"
        "        super().__init__(**options)\n"
        f"        self.{name} = {remedies.constructor(trace, layers[0])}(...)\n"
        "\n"
        "    def call(self, x):\n"
        f"        return self.{name}(x)  # and what else the function does",
        calls=[*(call.id for call in calls), around.id],
        caller=calls[0].caller,
        layer=layers[0].id,
        edits=_edits(trace, around.layer, around.caller) if len(layers) == 1 else (),
    )


def _edits(trace: Trace, around: LayerRef, near: SourceLine | None) -> Edits:
    """The layer in the place of a Lambda whose function does nothing but call it."""
    found = find_call(trace, maker_of(trace, around, near), "Lambda")
    if found is None or not found[1].args:
        return edits.NONE
    file, call = found
    function = call.args[0]
    if not isinstance(function, ast.Lambda) or not isinstance(function.body, ast.Call):
        return edits.NONE
    called, names = function.body.func, [given.arg for given in function.args.args]
    given = [part.id for part in function.body.args if isinstance(part, ast.Name)]
    if function.body.keywords or given != names or len(given) != len(function.body.args):
        return edits.NONE
    if not isinstance(called, ast.Name):  # a layer that is made there is another one each time
        return edits.NONE
    return file.replace(file.begin(call), file.end(call), called.id)


RULE = Rule(
    code="BT214",
    title="a layer that only a Lambda calls",
    severity="error",
    generations=BOTH,
    why="A Lambda keeps a function, and nothing looks into that: a layer that it calls is no part "
    "of any model. Keras 3 says nothing of it. Keras 2 refuses if the layer is built "
    "there, and warns if it was built before (Lambda._check_variables in "
    "layers/core/lambda_layer.py of tf_keras 2.21; layers/core/lambda_layer.py of keras 3.15.1 "
    "has no such check).",
    bad="""\
from tensorflow import keras

dense = keras.layers.Dense(4)
model = keras.Sequential(
    [
        keras.Input((3,)),
        keras.layers.Lambda(lambda x: dense(x), output_shape=(4,)),
        keras.layers.Dense(2),
    ]
)
model(keras.backend.ones((1, 3)))
""",
    good="""\
from tensorflow import keras

dense = keras.layers.Dense(4)
model = keras.Sequential(
    [
        keras.Input((3,)),
        dense,
        keras.layers.Dense(2),
    ]
)
model(keras.backend.ones((1, 3)))
""",
    check=_check,
    hides=("BT203",),
)
