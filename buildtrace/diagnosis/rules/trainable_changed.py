"""BT210: `trainable` was changed after `compile`, and `fit` trains what it trained before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.diagnosis import edits, remedies
from buildtrace.diagnosis.rule import BOTH, Rule
from buildtrace.traces import failures, wording

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from buildtrace.traces.schema import Finding, LayerRef, Use
    from buildtrace.traces.trace import Trace

_REFUSED = (
    "corresponding 1:1 to the trainable variables list that the optimizer was built with",  # JAX
    "This optimizer can only be called for the variables it was originally built with",  # a step
)
"""What Keras 3 says where the step reads the flags anew, and the optimizer cannot follow."""


def _check(trace: Trace) -> Iterator[Finding]:
    told: set[tuple[int, frozenset[int]]] = set()
    for use in trace.index.uses_by("Model.fit"):
        changed = frozenset(use.trainable) ^ frozenset(use.trained)
        if not changed or use.model is None or (use.model.id, changed) in told:
            continue
        if use.error is not None and not any(text in use.error.message for text in _REFUSED):
            continue  # it failed of something else
        if not _is_meant(trace, use, use.model, changed):
            told.add((use.model.id, changed))
            yield _finding(trace, use, use.model)


def _is_meant(trace: Trace, use: Use, model: LayerRef, changed: frozenset[int]) -> bool:
    """Whether the flags are for another model, compiled since, which has these weights as well.

    So a GAN freezes its discriminator for the model of both parts only.
    """
    compiles = [u for u in trace.index.uses_by("Model.compile") if u.before <= use.before]
    own = [place for place, other in enumerate(compiles) if other.model == model]
    for other in compiles[own[-1] + 1 :] if own else ():
        graph = None if other.model is None else trace.index.graph_by_model.get(other.model.id)
        if graph is None or changed & set(graph.weights):
            return True
    return False


def _finding(trace: Trace, use: Use, model: LayerRef) -> Finding:
    frozen, freed = set(use.trained) - set(use.trainable), set(use.trainable) - set(use.trained)
    if use.error is not None:
        now = _layers(trace, frozen | freed)
        said = f"fails: `trainable` of {now} was changed since the optimizer was built"
    elif frozen:
        said = f"goes on training {_layers(trace, frozen)}, frozen after `compile`"
    else:
        said = f"does not train {_layers(trace, freed)}, made trainable after `compile`"
    name = remedies.variable(model)
    return RULE.finding(
        f"The `fit` of {wording.layer(model)} {said}. Nobody has compiled the model again since.",
        fix=f"{name}.compile_from_config({name}.get_compile_config())  # before this fit; or your "
        f"own call of {name}.compile(...) again",
        calls=_proof(trace, use),
        caller=use.caller,
        layer=model.id,
        edits=edits.before_call(
            trace,
            use.caller,
            "fit",
            lambda name: f"{name}.compile_from_config({name}.get_compile_config())",
        ),
    )


def _layers(trace: Trace, weights: Iterable[int]) -> str:
    owners = [trace.weights[weight].layer for weight in sorted(weights)]
    layers = dict.fromkeys(owner for owner in owners if owner in trace.layers)
    return wording.listed((wording.layer(trace.layers[layer]) for layer in layers), most=3)


def _proof(trace: Trace, use: Use) -> list[int]:
    """The calls that the exception came out of; none if nothing failed."""
    if use.error is None:
        return []
    same = [raised for raised in trace.index.raised if failures.is_same(raised.error, use.error)]
    return [number for raised in same for number in raised.ids]


RULE = Rule(
    code="BT210",
    title="`trainable` changed after `compile`",
    severity="error",
    generations=BOTH,
    why="Which weights a step trains is settled when the model is compiled. tf_keras puts the "
    "flags of that moment back for as long as `fit` runs (RespectCompiledTrainableState in "
    "engine/training_utils.py of tf_keras 2.21). Keras 3 reads them while it makes the step, in "
    "the first `fit` after `compile`. On TensorFlow every later `fit` runs that step "
    "(make_train_function in backend/tensorflow/trainer.py of keras 3.15.1); elsewhere the "
    "optimizer refuses weights that it was not built for, with an error that speaks of variables.",
    bad="""\
import numpy as np
from tensorflow import keras

x, y = np.ones((8, 3), "float32"), np.ones((8, 1), "float32")
base = keras.layers.Dense(4)
model = keras.Sequential([keras.Input((3,)), base, keras.layers.Dense(1)])
model.compile("sgd", "mse")
model.fit(x, y, verbose=0)
base.trainable = False
model.fit(x, y, verbose=0)
""",
    good="""\
import numpy as np
from tensorflow import keras

x, y = np.ones((8, 3), "float32"), np.ones((8, 1), "float32")
base = keras.layers.Dense(4)
model = keras.Sequential([keras.Input((3,)), base, keras.layers.Dense(1)])
model.compile("sgd", "mse")
model.fit(x, y, verbose=0)
base.trainable = False
model.compile_from_config(model.get_compile_config())
model.fit(x, y, verbose=0)
""",
    check=_check,
    hides=("BT207",),
)
