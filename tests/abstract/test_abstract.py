"""`abstract()` as a block: how it is entered and left, and what it leaves alone."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scenarios import data

import buildtrace
from buildtrace import abstract as the_module_or_the_function
from buildtrace.abstract import replacements
from buildtrace.capture import Tracing
from buildtrace.errors import AbstractBuildError, AbstractWeightError

if TYPE_CHECKING:
    from scenarios import Keras


def is_real(model: Any) -> bool:
    """Whether the weights have values."""
    try:
        model.get_weights()
    except AbstractWeightError:
        return False
    return True


def test_it_can_be_called_by_its_public_name_whatever_was_imported() -> None:
    assert callable(the_module_or_the_function)
    assert callable(buildtrace.abstract)


def test_a_model_made_afterwards_is_real(dense: Any) -> None:
    with buildtrace.abstract(real_below=0):
        inside = dense()
    assert not is_real(inside)
    assert is_real(dense())


def test_nested_and_ended_in_any_order(dense: Any) -> None:
    outer, inner = buildtrace.abstract(real_below=0), buildtrace.abstract(real_below=1 << 20)
    build = outer.__enter__()
    first = dense()
    inner.__enter__()
    assert is_real(dense())  # the innermost says what is small
    outer.__exit__(None, None, None)
    big = dense()
    assert is_real(big)
    inner.__exit__(None, None, None)
    assert is_real(dense())
    build.materialize()
    assert is_real(first)


def test_an_exception_ends_it_as_well(dense: Any) -> None:
    with pytest.raises(ZeroDivisionError), buildtrace.abstract(real_below=0):
        raise ZeroDivisionError
    assert is_real(dense())


@pytest.mark.parametrize("first", ["trace", "abstract"])
@pytest.mark.parametrize("order", ["nested", "overlapping"])
def test_beside_a_trace(dense: Any, first: str, order: str) -> None:
    tracing, abstract = Tracing(), buildtrace.abstract(real_below=0)
    starts = [tracing.start, abstract.__enter__]
    stops = [tracing.stop, lambda: abstract.__exit__(None, None, None)]
    for start in starts if first == "trace" else starts[::-1]:
        start()
    model = dense()
    for stop in stops if (first == "trace") == (order == "overlapping") else stops[::-1]:
        stop()
    assert not is_real(model)
    assert len(tracing.trace.weights) == 4
    assert tracing.trace.environment.abstract
    assert is_real(dense())


def test_a_trace_after_it_was_not_abstract(dense: Any) -> None:
    with buildtrace.abstract():
        pass
    with buildtrace.trace() as trace:
        dense()
    assert not trace.environment.abstract


def test_other_threads_build_so_as_well(k: Keras, dense: Any) -> None:
    models: list[Any] = []
    with buildtrace.abstract(real_below=0):
        thread = threading.Thread(target=lambda: models.append(dense()))
        thread.start()
        thread.join()
    assert not is_real(models[0])


def test_small_weights_are_real(k: Keras) -> None:
    with buildtrace.abstract(real_below=4 * 3 * 4):
        layer = k.layers.Dense(4)
        layer.build((None, 3))
        small, smaller = layer.kernel, layer.bias
    assert np.array(smaller).tolist() == [0.0] * 4
    with pytest.raises(AbstractWeightError):
        np.array(small)


def test_normalization_reads_its_statistics(k: Keras) -> None:
    with buildtrace.abstract():
        layer = k.layers.Normalization()
        layer.build((None, 1000))
        given = k.layers.Normalization(mean=data(5000) * 2, variance=data(5000))
        given.build((None, 5000))
    assert np.array(given(data(1, 5000))).tolist() == [[-1.0] * 5000]


def test_a_clone_takes_no_memory_either(k: Keras, dense: Any) -> None:
    with buildtrace.abstract(real_below=0):
        model = dense()
        clone = k.keras.models.clone_model(model)
    assert not is_real(clone)
    assert is_real(k.keras.models.clone_model(model))


def test_a_keras_without_what_it_needs_is_named(monkeypatch: Any, dense: Any) -> None:
    monkeypatch.setattr(replacements, "_CREATORS", (("no.such.module", "creator"),))
    monkeypatch.setattr(replacements, "_METHOD", "_no_such_method")
    with pytest.raises(AbstractBuildError, match=r"_no_such_method|no\.such\.module"):
        buildtrace.abstract().__enter__()
    assert is_real(dense())


def test_another_backend_is_refused(monkeypatch: Any, k: Keras) -> None:
    if k.generation == 2:
        pytest.skip("on TensorFlow alone")
    monkeypatch.setattr(replacements, "_BACKENDS", ())
    with pytest.raises(AbstractBuildError, match="not on this backend of Keras"):
        buildtrace.abstract().__enter__()
    assert "keras" in sys.modules
