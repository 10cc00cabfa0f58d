"""Whoever asks a weight for its value, or gives it one, is told which weight has none."""

from __future__ import annotations

import copy
import pickle
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scenarios import data
from weights import path_of

import buildtrace
from buildtrace.errors import AbstractWeightError, BuildtraceError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from scenarios import Keras

OF_A_VARIABLE: dict[str, Any] = {
    "numpy()": lambda k, v: v.numpy(),
    "asarray": lambda k, v: np.asarray(v),
    "an item": lambda k, v: v[0],
    "a sum": lambda k, v: v + 1,
    "a product": lambda k, v: data(2, 3) @ v,
    "a comparison": lambda k, v: np.allclose(v, 0),
    "a list": lambda k, v: np.array(v).tolist(),
    "a function": lambda k, v: k.sum(v),
    "assign": lambda k, v: v.assign(data(3, 4)),
    "assign_add": lambda k, v: v.assign_add(data(3, 4)),
    "assign_sub": lambda k, v: v.assign_sub(data(3, 4)),
    "deepcopy": lambda k, v: copy.deepcopy(v),
    "pickle": lambda k, v: pickle.dumps(v),
}

OF_A_MODEL: dict[str, Any] = {
    "a call": lambda m, f: m(data(2, 3)),
    "a layer's call": lambda m, f: m.layers[0](data(2, 3)),
    "predict": lambda m, f: m.predict(data(2, 3), verbose=0),
    "predict_on_batch": lambda m, f: m.predict_on_batch(data(2, 3)),
    "evaluate": lambda m, f: m.evaluate(data(2, 3), data(2, 2), verbose=0),
    "fit": lambda m, f: m.fit(data(2, 3), data(2, 2), verbose=0),
    "train_on_batch": lambda m, f: m.train_on_batch(data(2, 3), data(2, 2)),
    "test_on_batch": lambda m, f: m.test_on_batch(data(2, 3), data(2, 2)),
    "get_weights": lambda m, f: m.get_weights(),
    "a layer's weights": lambda m, f: m.layers[0].get_weights(),
    "set_weights": lambda m, f: m.set_weights([data(*w.shape) for w in m.weights]),
    "save": lambda m, f: m.save(str(f / "m.keras")),
    "save_weights": lambda m, f: m.save_weights(str(f / "m.weights.h5")),
}


@pytest.fixture(scope="module")
def models() -> dict[Any, Any]:
    return {}


@pytest.fixture
def model(k: Keras, dense: Any, models: dict[Any, Any]) -> Any:
    """One without values, compiled, made once for all tests."""
    if k not in models:
        with buildtrace.abstract(real_below=0):
            models[k] = dense()
        models[k].compile("sgd", "mse")
    return models[k]


@pytest.mark.parametrize("touch", OF_A_VARIABLE.values(), ids=OF_A_VARIABLE)
def test_a_variable(k: Keras, model: Any, touch: Callable[..., Any]) -> None:
    kernel = model.weights[0]
    with pytest.raises(AbstractWeightError, match=rf"^{path_of(k, kernel)} has no value: it was"):
        touch(k, kernel)


@pytest.mark.parametrize("touch", OF_A_MODEL.values(), ids=OF_A_MODEL)
def test_a_model(k: Keras, model: Any, touch: Callable[..., Any], tmp_path: Path) -> None:
    with pytest.raises(AbstractWeightError) as raised:
        touch(model, tmp_path)
    text = str(raised.value)
    assert f"{path_of(k, model.weights[0])} has no value: it was made in buildtrace.abst" in text
    assert "materialize()" in text
    assert "outside" in text


def test_a_function_that_jax_compiles(k: Keras, model: Any) -> None:
    jax = pytest.importorskip("jax")
    if k.generation == 2 or k.keras.backend.backend() != "jax":
        pytest.skip("for JAX")
    with pytest.raises(AbstractWeightError, match="first/kernel has no value"):
        jax.jit(lambda x: model(x))(data(2, 3))


def test_loading_a_file(k: Keras, dense: Any, tmp_path: Path) -> None:
    file = str(tmp_path / "m.weights.h5")
    dense().save_weights(file)
    with buildtrace.abstract(real_below=0):
        model = dense()
        with pytest.raises(AbstractWeightError, match="first/kernel has no value"):
            model.load_weights(file)
    with pytest.raises((AbstractWeightError, ValueError), match="first/kernel has no value"):
        model.load_weights(file)  # Keras 3 has an error of its own around ours


def test_a_weight_is_printed_without_a_value(model: Any) -> None:
    try:
        text = repr(model.weights[0])
    except AbstractWeightError as error:  # Keras 3.10 reads it, come what may
        text = str(error)
    assert "first/kernel" in text
    assert "value=" not in text
    assert "numpy=" not in text


def test_what_needs_no_value(model: Any) -> None:
    assert [tuple(w.shape) for w in model.weights] == [(3, 4), (4,), (4, 2), (2,)]
    assert model.count_params() == 3 * 4 + 4 + 4 * 2 + 2
    assert [bool(w.trainable) for w in model.weights] == [True] * 4
    lines: list[str] = []
    model.summary(print_fn=lambda line, **_: lines.append(line))
    assert "26" in "\n".join(lines)
    assert type(model).from_config(model.get_config()).count_params() == 26


def test_the_error_is_one_of_ours() -> None:
    assert issubclass(AbstractWeightError, BuildtraceError)
    assert not issubclass(AbstractWeightError, (AttributeError, ValueError))
