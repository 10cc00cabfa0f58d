"""A plan of a build without memory, against the bytes that a real build takes on eight devices."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from built_layers import LARGE, SMALL

import buildtrace
from buildtrace.planning import make_plan

if TYPE_CHECKING:
    from scenarios import Keras

DEVICES = 8


@pytest.fixture
def jax(k: Keras) -> None:
    """For tests of what distributions do."""
    if k.generation == 2 or k.keras.backend.backend() != "jax":
        pytest.skip("for JAX")
    if len(k.keras.distribution.list_devices()) != DEVICES:
        pytest.skip(f"for {DEVICES} devices")


def layouts_of(k: Keras, variables: list[Any]) -> Any:
    """A layout map that splits all that can be split, and each variable in another way."""
    d = k.keras.distribution
    layouts = d.LayoutMap(d.DeviceMesh((2, 4), ("batch", "model"), d.list_devices()))
    for number, variable in enumerate(variables):
        axes: list[str | None] = [None] * len(variable.shape)
        order = [("model", 4), ("batch", 2)][:: 1 if number % 2 else -1]
        for name, size in order:
            free = [at for at, axis in enumerate(axes) if axis is None]
            fits = [at for at in free if variable.shape[at] % size == 0]
            if fits:
                axes[fits[-1]] = name
        if number % 3 and any(axes):
            layouts[f"^{re.escape(variable.path)}$"] = tuple(axes)
    return layouts


def parallel(k: Keras, layouts: Any) -> Any:
    given = {"device_mesh": layouts.device_mesh} if k.version < (3, 4) else {}
    return k.keras.distribution.ModelParallel(layout_map=layouts, batch_dim_name="batch", **given)


def built(k: Keras, make: Any, distribution: Any) -> tuple[Any, Any]:
    """A model and an Adam that is built for it."""
    k.clear_session()
    with distribution.scope():
        model = make(k)
        adam = k.keras.optimizers.Adam()
        adam.build(model.trainable_variables)
    return model, adam


def on_each_device(variable: Any) -> int:
    """The bytes that its real value takes on a device, which are the same on all of them."""
    shards = variable.value.addressable_shards
    assert len({shard.device for shard in shards}) == DEVICES
    (size,) = {shard.data.nbytes for shard in shards}
    return size


def compare(k: Keras, make: Any) -> None:
    k.clear_session()
    parted = parallel(k, layouts_of(k, make(k).weights))
    with buildtrace.abstract(real_below=100), buildtrace.trace() as trace:
        built(k, make, parted)
    plan = make_plan(trace)
    model, adam = built(k, make, parted)

    planned = {v.path: v for v in plan.variables if v.kind == "weight"}
    real = {weight.path: weight for weight in model.weights}
    assert {p: v.on_device for p, v in planned.items() if p in real} == {
        path: on_each_device(weight) for path, weight in real.items()
    }
    assert {p: v.size for p, v in planned.items() if p in real} == {
        path: weight.value.nbytes for path, weight in real.items()
    }
    assert {p: v.trainable for p, v in planned.items() if p in real} == {
        path: weight.trainable for path, weight in real.items()
    }
    kept = sorted(on_each_device(variable) for variable in adam.variables)
    slots = [v.on_device for v in plan.variables if v.kind == "optimizer"]
    assert sorted(slots) == kept
    assert plan.amount.on_device.optimizer == sum(kept)
    trained = [on_each_device(weight) for weight in model.trainable_weights]
    assert plan.amount.on_device.gradients == sum(trained)
    assert not plan.indivisible
    (device,) = plan.devices
    assert device.number == DEVICES
    assert device.memory == plan.amount.on_device


@pytest.mark.parametrize("name", SMALL)
def test_each_device_holds_what_was_planned(k: Keras, jax: None, name: str) -> None:
    compare(k, SMALL[name])


@pytest.mark.slow
@pytest.mark.parametrize("name", LARGE)
def test_each_device_holds_what_was_planned_of_large_models(k: Keras, jax: None, name: str) -> None:
    compare(k, LARGE[name])


def test_there_are_enough_of_them() -> None:
    assert len(SMALL) >= 50


@pytest.mark.parametrize("name", ["transformer", "subclassed", "nested", "frozen", "lstm"])
@pytest.mark.usefixtures("without_values")
def test_without_devices_all_is_planned_as_well(k: Keras, name: str) -> None:
    """On each backend and generation: bytes and slots are those of a real build."""
    make = SMALL[name]
    with buildtrace.abstract(real_below=100), buildtrace.trace() as trace:
        k.clear_session()
        model = make(k)
        adam = k.keras.optimizers.Adam()
        adam.build(model.trainable_variables)
    plan = make_plan(trace)
    assert plan.mesh is None
    k.clear_session()
    model = make(k)
    adam = k.keras.optimizers.Adam()
    adam.build(model.trainable_variables)
    assert plan.amount.memory.weights == 4 * model.count_params()
    kept = adam.variables() if callable(adam.variables) else adam.variables
    slots = [v for v in plan.variables if v.kind == "optimizer"]
    trained = sum(v.parameters for v in slots if v.trainable)
    numbers = sum(_size(v) for v in kept if len(v.shape))
    assert trained == numbers
    assert plan.amount.trainable == sum(_size(w) for w in model.trainable_weights)


def _size(variable: Any) -> int:
    number = 1
    for size in variable.shape:
        number *= int(size)
    return number
