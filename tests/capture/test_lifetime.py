"""What was made while tracing is as if made without: no hook can be reached from it."""

from __future__ import annotations

import copy
import functools
import gc
import pickle
import types
import weakref
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from faithful import can_copy, computed
from interrupts import CAPTURE
from patches import live_wrappers
from scenarios import Keras, data, mlp, two_layer_model
from wellformed import survives_a_file

import buildtrace
from buildtrace.capture.hooks import FILE
from buildtrace.traces import trace_file

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def no_hook_is_alive(k: Keras) -> Any:
    yield
    gc.collect()
    assert not live_wrappers()


def reachable(start: Any) -> list[Any]:
    """All objects that `start` keeps alive, but for modules and what they hold."""
    found: dict[int, Any] = {}
    waiting = [start]
    while waiting:
        thing = waiting.pop()
        if id(thing) in found or isinstance(thing, types.ModuleType):
            continue
        found[id(thing)] = thing
        for held in gc.get_referents(thing):
            if not (isinstance(held, dict) and "__builtins__" in held):  # a module's names
                waiting += [held]
    return list(found.values())


def hooks_in(things: list[Any]) -> list[Any]:
    functions = [thing for thing in things if isinstance(thing, types.FunctionType)]
    return [f for f in functions if f.__code__.co_filename.startswith((CAPTURE, FILE))]


def variables(model: Any) -> list[Any]:
    return list(model.variables) if model.built else []


def functional(k: Keras) -> Any:
    x = k.Input((3,))
    return k.Model(x, k.layers.Dense(2)(k.layers.Dense(4)(x)))


def built_sequential(k: Keras) -> Any:
    model = mlp(k)
    model.build((None, 3))
    return model


def fitted(k: Keras) -> Any:
    model = built_sequential(k)
    model.compile("sgd", "mse")
    model.fit(data(4, 3), data(4, 2), verbose=0)
    return model


def called(k: Keras) -> Any:
    model = two_layer_model(k)
    model(data(1, 3))
    return model


MAKERS = [functional, built_sequential, fitted, called, mlp]


@pytest.mark.sampled(3)
@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
def test_no_hook_is_reachable_from_a_model(k: Keras, make: Any) -> None:
    with buildtrace.trace():
        model = make(k)
        during = hooks_in(reachable(type(model)))
    assert during, "this test would not see a hook"
    things = reachable(model)
    assert len(things) > 1000
    assert not hooks_in(things)


def test_a_model_made_while_tracing_can_do_all_that_others_can(k: Keras, tmp_path: Path) -> None:
    with buildtrace.trace():
        model = functional(k)
    x = data(2, 3)
    expected = computed(model, x)
    same = k.keras.models.clone_model(model)
    same.set_weights(model.get_weights())
    again = type(model).from_config(model.get_config())
    again.set_weights(model.get_weights())
    file = tmp_path / "model.keras"
    model.save(file)
    copies = [same, again, k.keras.models.load_model(file)]
    if can_copy(k):
        copies += [copy.deepcopy(model), pickle.loads(pickle.dumps(model))]
    for each in copies:
        np.testing.assert_array_equal(computed(each, x), expected)
        assert not hooks_in(reachable(each))


def test_saving_and_loading_while_tracing_leaves_nothing(k: Keras, tmp_path: Path) -> None:
    """Keras' tables of names are filled when they are first asked."""
    picklable = can_copy(k)
    with buildtrace.trace():
        model = functional(k)
        model.save(tmp_path / "model.keras")
        k.keras.models.load_model(tmp_path / "model.keras")
        k.keras.models.clone_model(model)
        k.keras.layers.deserialize(k.keras.layers.serialize(k.layers.Dense(1)))
        if picklable:
            pickle.loads(pickle.dumps(model))


def test_a_new_tracing_records_what_an_earlier_one_saw_made(k: Keras) -> None:
    with buildtrace.trace():
        model, layer = mlp(k), k.layers.Dense(3)

        class Made(k.layers.Dense):
            pass

    class Later(Made):
        def build(self, input_shape: Any) -> None:
            super().build(input_shape)

    with buildtrace.trace() as trace:
        model.build((None, 3))
        layer(data(1, 3))
        Later(2)(data(1, 3))
    assert [call.name for call in trace.roots] == ["Sequential.build", *["Layer.__call__"] * 2]
    assert trace.find("Later.build")
    assert len(trace.weights) == 8


def test_classes_made_while_tracing_hold_no_hook(k: Keras) -> None:
    class Meta(type(k.layers.Layer)):
        pass

    with buildtrace.trace() as trace:
        kept_by_a_closure = k.layers.Layer.add_weight

        class Own(k.layers.Dense, metaclass=Meta):
            other_name = k.layers.Dense.build
            maker = k.keras.Input
            table = {"add": k.layers.Layer.add_weight}  # noqa: RUF012

            def __init_subclass__(cls, **kwargs: Any) -> None:
                super().__init_subclass__(**kwargs)
                cls.told = True

            def build(self, input_shape: Any) -> None:
                super().build(input_shape)

        class Below(Own):
            @functools.cache  # noqa: B019
            def build(self, input_shape: Any) -> None:
                super().build(input_shape)

        def closure() -> Any:
            return kept_by_a_closure

        Below(2).build((None, 3))
    assert len(trace.weights) == 2
    assert Below.told
    for thing in (Own, Below, closure):
        assert not hooks_in(reachable(thing))
    # Not only in the dictionary: Python itself must have heard of the change.
    assert Own.other_name is k.layers.Dense.build
    assert Own.maker is k.keras.Input
    assert closure() is Own.table["add"] is k.layers.Layer.add_weight


@pytest.mark.sampled(3)
@pytest.mark.parametrize("make", MAKERS, ids=lambda make: make.__name__)
def test_a_model_goes_while_its_trace_stays(k: Keras, make: Any) -> None:
    def run() -> tuple[Any, list[Any]]:
        with buildtrace.trace() as trace:
            model = make(k)
        return trace, [weakref.ref(part) for part in (model, *model.layers, *variables(model))]

    trace, parts = run()
    k.clear_session()
    gc.collect()
    assert not [part() for part in parts if part() is not None]
    assert survives_a_file(trace)
    again = pickle.loads(pickle.dumps(trace))
    assert again == trace == copy.deepcopy(trace)
    assert trace_file.to_json(again) == trace_file.to_json(trace)
