"""Values that are made later are those of a real build with the same seed, bit by bit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scenarios import data

import buildtrace
from buildtrace.errors import AbstractWeightError

if TYPE_CHECKING:
    from collections.abc import Callable

    from scenarios import Keras


def same_values(k: Keras, make: Callable[[], Any], real_below: int = 0) -> tuple[Any, Any]:
    """Make a model for real and without memory, give it its values, and compare."""
    made = []
    for is_abstract in (False, True):
        k.clear_session()
        k.keras.utils.set_random_seed(3)
        if is_abstract:
            with buildtrace.abstract(real_below=real_below) as build:
                made.append(make())
            build.materialize()
        else:
            made.append(make())
    real, later = made
    expected = [np.array(v) for v in real.variables]
    found = [np.array(v) for v in later.variables]
    assert [v.dtype for v in found] == [v.dtype for v in expected]
    assert [v.tobytes() for v in found] == [v.tobytes() for v in expected]
    return real, later


def model_of(k: Keras, *layers: Any) -> Any:
    return k.Sequential([k.Input((6,)), *layers])


def test_each_of_keras_own_initializers(k: Keras) -> None:
    names = ("glorot_normal", "he_uniform", "lecun_normal", "orthogonal", "truncated_normal")
    more = ("random_normal", "random_uniform", "variance_scaling", "ones", "identity")

    def make() -> Any:
        dense = k.layers.Dense
        return model_of(k, *(dense(6, kernel_initializer=name) for name in (*names, *more)))

    same_values(k, make)


def test_an_initializer_that_draws_from_a_shared_generator(k: Keras) -> None:
    if k.generation == 2:
        pytest.skip("Keras 2 has none")

    def make() -> Any:
        seed = k.keras.random.SeedGenerator(11)
        normal = k.keras.initializers.RandomNormal(seed=seed)
        sizes = (6, 1, 6, 2)  # small ones are real, and draw in between
        return model_of(k, *(k.layers.Dense(n, kernel_initializer=normal) for n in sizes))

    same_values(k, make, real_below=100)


@pytest.mark.parametrize("source", ["numpy", "keras", "tensorflow"])
def test_an_initializer_of_the_users(k: Keras, source: str) -> None:
    if source == "tensorflow" and not k.tensorflow:
        pytest.skip("for TensorFlow")
    if source == "keras" and k.generation == 2:
        pytest.skip("Keras 2 has no keras.random")

    def draw(shape: Any, dtype: Any = None, **_: Any) -> Any:
        if source == "numpy":
            value = np.random.normal(size=tuple(shape))
            return value.astype("float32")
        if source == "keras":
            return k.keras.random.normal(shape, dtype=dtype)
        return pytest.importorskip("tensorflow").random.normal(shape, dtype=dtype)

    def make() -> Any:
        layers = [k.layers.Dense(n, kernel_initializer=draw) for n in (6, 1, 6)]
        return model_of(k, *layers, k.layers.Dense(4))

    same_values(k, make, real_below=50)


def test_seeds_and_states_of_layers(k: Keras) -> None:
    def make() -> Any:
        layers = k.layers
        return model_of(
            k, layers.Dense(8), layers.Dropout(0.5), layers.BatchNormalization(), layers.Dense(1)
        )

    real, later = same_values(k, make)
    x = data(2, 6)
    assert np.array_equal(real.predict(x, verbose=0), later.predict(x, verbose=0))
    for model in (real, later):
        model.compile("sgd", "mse")
        k.keras.utils.set_random_seed(5)
        model.fit(x, data(2, 1), verbose=0)
    for trained, other in zip(real.get_weights(), later.get_weights(), strict=True):
        assert np.array_equal(trained, other)


def test_what_was_inferred_first(k: Keras) -> None:
    """A layer without a `build` makes its weights while Keras infers shapes."""

    class Own(k.layers.Layer):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.inner = [k.layers.Dense(5), k.layers.Dense(3)]

        def call(self, x: Any) -> Any:
            for layer in self.inner:
                x = layer(x)
            return x

    same_values(k, lambda: model_of(k, Own(), k.layers.Dense(2)))


def test_one_model_of_two(k: Keras, dense: Any) -> None:
    with buildtrace.abstract(real_below=0) as build:
        one, other = dense(), dense()
    build.materialize(one)
    assert one.get_weights()
    with pytest.raises(AbstractWeightError):
        other.get_weights()
    build.materialize()
    kept = [np.array(v) for v in one.weights]
    build.materialize()
    assert all(np.array_equal(a, b) for a, b in zip(kept, one.get_weights(), strict=True))


def test_the_variables_are_real_ones_then(k: Keras, dense: Any) -> None:
    with buildtrace.abstract(real_below=0) as build:
        model = dense()
    build.materialize()
    real = dense()
    assert [type(v) for v in model.weights] == [type(v) for v in real.weights]
    assert [sorted(vars(v)) for v in model.weights if k.generation == 3] == [
        sorted(vars(v)) for v in real.weights if k.generation == 3
    ]
    model.weights[0].assign(data(3, 4))
    assert np.array(model.weights[0]).tolist() == data(3, 4).tolist()


def test_optimizers(k: Keras, dense: Any) -> None:
    """Their slots take no memory, and are zeros afterwards."""
    with buildtrace.abstract(real_below=16) as build:
        model = dense()
        optimizer = k.keras.optimizers.Adam(use_ema=True)
        optimizer.build(model.trainable_variables)
    slots = [v for v in optimizer.variables if tuple(v.shape) == (3, 4)]
    assert len(slots) == 3
    for slot in slots:
        with pytest.raises(AbstractWeightError):
            np.array(slot)
    build.materialize(model, optimizer)
    for slot in slots:
        is_average = "average" in slot.name
        expected = (
            np.array(model.weights[0]) if is_average and k.generation == 2 else np.zeros((3, 4))
        )
        assert np.array_equal(np.array(slot), expected)


def test_a_model_that_nobody_wants_is_let_go(dense: Any) -> None:
    import gc
    import weakref

    with buildtrace.abstract(real_below=0) as build:
        model = weakref.ref(dense())
    gc.collect()
    assert model() is None
    build.materialize()
