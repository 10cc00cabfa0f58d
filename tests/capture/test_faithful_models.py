"""A model that is built while traced is the same model."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
from faithful import (
    both,
    can_copy,
    computed,
    config,
    fresh,
    names,
    values,
    weights,
    without_addresses,
)
from scenarios import (
    SCENARIOS,
    Keras,
    Scenario,
    data,
    mlp,
)
from trainings import KINDS

import buildtrace


def functional_model(k: Keras) -> Any:
    x = k.Input((3,))
    return k.Model(x, k.layers.Dense(2)(k.layers.Dense(4, activation="relu")(x)))


def outcome(k: Keras, scenario: Scenario) -> tuple[Any, ...]:
    """Names, weights and configuration after a run from a clean state."""
    fresh(k)
    made = scenario.make(k)
    built = scenario.build(k, made)
    parts = [*(made if isinstance(made, tuple) else (made,)), built]
    layers = [part for part in parts if isinstance(part, k.layers.Layer)]
    configs = [config(layer) for layer in layers]
    configs = [without_addresses(config) for config in configs]
    return (
        [name for layer in layers for name in names(layer)],
        [getattr(weight, "name", "") for layer in layers for weight in weights(layer)],
        configs,
        [value for layer in layers for value in values(layer)],
    )


TELLING = {
    "sequential_build",
    "sequential_fit",
    "functional",
    "subclassed_eager",
    "subclassed_fit",
    "nested",
    "lstm",
    "embedding",
    "fit",
    "fit_own_step",
}
"""Scenarios that between them use most hooks; the others take long for what they add."""


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    "scenario",
    [
        pytest.param(scenario, marks=[] if scenario.name in TELLING else pytest.mark.slow)
        for scenario in (*SCENARIOS, *KINDS)
    ],
    ids=lambda scenario: scenario.name,
)
def test_the_model_is_the_same(k: Keras, scenario: Scenario) -> None:
    if not scenario.runs_on(k):
        pytest.skip("not for this Keras")
    *plain, plain_values = outcome(k, scenario)
    with buildtrace.trace():
        *traced, traced_values = outcome(k, scenario)
    assert traced == plain
    assert len(traced_values) == len(plain_values)
    for ours, theirs in zip(traced_values, plain_values, strict=True):
        assert ours.dtype == theirs.dtype
        assert ours.tobytes() == theirs.tobytes()


def test_automatic_get_config_keeps_the_arguments(k: Keras) -> None:
    def config() -> dict[str, Any]:
        class Sized(k.layers.Layer):
            def __init__(self, units: int, activation: str = "relu", **kwargs: Any) -> None:
                super().__init__(**kwargs)
                self.units, self.activation = units, activation

            def build(self, input_shape: Any) -> None:
                self.w = self.add_weight(name="w", shape=(1,), initializer="ones")

        try:
            return dict(Sized(3, name="sized").get_config())
        except NotImplementedError as error:
            return {"error": str(error)}

    plain = config()
    with buildtrace.trace():
        assert config() == plain


def test_call_arguments_reach_the_user(k: Keras) -> None:
    """Keras decides by the signature of `call` whether to pass `training` and `mask`."""
    seen: list[tuple[Any, ...]] = []

    class Nosy(k.layers.Layer):
        def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
            seen.append((training, mask is None))
            return inputs

    class Plain(k.layers.Layer):
        def call(self, inputs: Any) -> Any:
            seen.append(("plain",))
            return inputs

    def run() -> list[tuple[Any, ...]]:
        seen.clear()
        model = k.Sequential([k.layers.Masking(), Nosy(), Plain()])
        model.build((None, 4, 3))
        model(data(1, 4, 3), training=True)
        model(data(1, 4, 3))
        return list(seen)

    plain = run()
    with buildtrace.trace():
        assert run() == plain


# -- copies -----------------------------------------------------------------------------------


COPIES = {"deepcopy": copy.deepcopy, "pickle": lambda model: pickle.loads(pickle.dumps(model))}


@pytest.mark.parametrize("duplicate", COPIES.values(), ids=COPIES)
@pytest.mark.parametrize("make", [mlp, functional_model], ids=["sequential", "functional"])
def test_copies_are_the_same(k: Keras, make: Any, duplicate: Any) -> None:
    if not can_copy(k):
        pytest.skip("this Keras cannot copy a model")

    def run() -> tuple[Any, ...]:
        fresh(k)
        model = make(k)
        model(data(1, 3))
        twin = duplicate(model)
        return (names(twin), config(twin), *(value.tobytes() for value in values(twin)))

    plain, traced = both(run)
    assert traced == plain


def test_a_copy_made_while_traced_is_good_afterwards(k: Keras) -> None:
    if not can_copy(k):
        pytest.skip("this Keras cannot copy a model")
    with buildtrace.trace():
        model = functional_model(k)
        expected = computed(model, data(1, 3))
        pickled, twin = pickle.dumps(model), copy.deepcopy(model)
    for each in (model, twin, pickle.loads(pickled)):
        assert computed(each, data(1, 3)).tobytes() == expected.tobytes()
        k.Sequential([each, k.layers.Dense(1)]).build((None, 3))
