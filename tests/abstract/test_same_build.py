"""A build without memory is the same build: its calls, its weights and, at last, their bits."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import applications
import numpy as np
import pytest
from scenarios import SCENARIOS, Scenario

import buildtrace
from buildtrace.errors import AbstractWeightError

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from scenarios import Keras

    from buildtrace.traces.schema import Call, Weight
    from buildtrace.traces.trace import Trace

NEEDS_VALUES = {
    *("adapt_normalization", "already_built", "built_model_in_a_new_one", "embedding", "exported"),
    *("failing_build_lazily", "lstm", "multi_head_attention_eager", "own_layer_eager"),
    *(
        "own_layer_without_build",
        "sequential_add_and_pop_after_build",
        "sequential_build_after_fit",
    ),
    *("sequential_compile_build_fit", "sequential_fit", "sequential_fit_and_predict"),
    *("sequential_input_first", "sequential_lazy_call", "sequential_nested_by_call"),
    *("several_eager_calls", "several_models", "single_layer", "subclassed_eager"),
    *("subclassed_fit", "subclassed_train_on_batch", "super_through_mixins", "weights_in_init"),
    "weights_in_call_eager",
}
"""Scenarios that compute with data, on some backend or on each."""


def told(call: Call) -> tuple[Any, ...]:
    """What there is to compare of a call in two runs."""
    layer = None if call.layer is None else call.layer.name
    error = call.error and call.error.type
    return call.landmark, call.name, layer, call.inputs, call.outputs, call.parent, error


def known(weight: Weight) -> tuple[Any, ...]:
    kinds = weight.initializer, weight.regularizer, weight.constraint
    return weight.path, weight.shape, weight.dtype, weight.trainable, weight.placement, kinds


def run(k: Keras, make: Callable[[], Any], scope: AbstractContextManager[Any]) -> Any:
    """Build within a scope: what is traced, what came out, what was raised, what the scope gave."""
    k.clear_session()
    k.keras.utils.set_random_seed(7)
    made = error = None
    with scope as given, buildtrace.trace() as trace:
        try:
            made = make()
        except Exception as raised:
            error = raised
    return trace, made, error, given


def bits(model: Any) -> list[tuple[str, bytes]]:
    """All that a model holds, seeds included."""
    values = [np.array(variable) for variable in model.variables]
    return [(str(value.dtype), value.tobytes()) for value in values]


def same(real: Trace, abstract: Trace) -> None:
    assert abstract.environment.abstract
    assert not real.environment.abstract
    assert [told(call) for call in abstract.calls] == [told(call) for call in real.calls]
    assert [known(weight) for weight in abstract.weights] == [known(w) for w in real.weights]
    assert [(v.name, v.shape, v.dtype) for v in abstract.variables] == [
        (v.name, v.shape, v.dtype) for v in real.variables
    ]


@pytest.mark.sampled(8)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_a_scenario(k: Keras, scenario: Scenario) -> None:
    if not scenario.runs_on(k):
        pytest.skip("of the other generation")

    def make() -> Any:
        return scenario.build(k, scenario.make(k))

    real, model, error, _ = run(k, make, contextlib.nullcontext())
    expected = bits(model) if hasattr(model, "variables") else None
    abstract, model, ended, build = run(k, make, buildtrace.abstract(real_below=0))
    if isinstance(ended, AbstractWeightError) or scenario.name in NEEDS_VALUES:
        assert scenario.name in NEEDS_VALUES
        made = [known(weight) for weight in abstract.weights]
        assert made == [known(weight) for weight in real.weights][: len(made)]
        return
    assert type(ended) is type(error)
    same(real, abstract)
    build.materialize()
    if expected is not None:
        assert bits(model) == expected


@pytest.mark.sampled(len(applications.APPLICATIONS))
@pytest.mark.parametrize("name", applications.APPLICATIONS)
def test_a_real_model(k: Keras, name: str) -> None:
    def make() -> Any:
        return applications.make(k, name)

    real, model, _, _ = run(k, make, contextlib.nullcontext())
    expected = bits(model)
    abstract, model, _, build = run(k, make, buildtrace.abstract())
    same(real, abstract)
    build.materialize(model)
    assert bits(model) == expected
