"""Constructors of layers that fail: known from the exception alone, in both generations."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import pytest
from scenarios import Keras, data
from wellformed import faults_of

import buildtrace

if TYPE_CHECKING:
    from collections.abc import Callable

    from buildtrace import Trace


def failing(build: Callable[[], Any]) -> Trace:
    with pytest.raises(Exception), buildtrace.trace() as trace:  # noqa: B017, PT011
        build()
    assert not faults_of(trace)
    return trace


def test_in_the_middle_of_a_functional_build(k: Keras) -> None:
    def build() -> None:
        image = k.Input((8,), name="image")
        x = k.layers.Dense(4, name="dense")(image)
        k.layers.Dense(2, activation="no such", name="head")(x)

    trace = failing(build)
    call = trace.calls[-1]
    assert (call.name, call.landmark, call.parent) == ("Dense.__init__", "Layer.__init__", None)
    assert call.error is not None
    assert call.error.type == "ValueError"
    assert call.layer is not None
    assert call.layer.class_name == "Dense"
    assert call.caller is not None
    assert call.caller.line == build.__code__.co_firstlineno + 3
    assert call.file.endswith("dense.py")
    assert trace.failed == call
    (graph,) = trace.graphs
    assert graph.unfinished
    *made, failed = graph.nodes
    assert [node.name for node in made] == ["image", "dense"]
    assert len(graph.edges) == 1
    assert failed.failed
    assert failed.layer == call.layer.id


@pytest.mark.parametrize("arguments", [{}, {"units": 3, "wrong": 1}])
def test_wrong_arguments(k: Keras, arguments: dict[str, int]) -> None:
    def build() -> None:
        k.Input((8,))
        k.layers.Dense(**arguments)

    trace = failing(build)
    call = trace.calls[-1]
    assert call.name == "Dense.__init__"
    assert call.module.startswith(f"{k.root}.")
    assert call.error is not None
    assert call.caller is not None
    assert call.caller.file == __file__
    assert call.caller.line == build.__code__.co_firstlineno + 2


def test_a_constructor_in_a_constructor_of_the_user(k: Keras) -> None:
    class Net(k.keras.Model):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__(name="net")
            self.conv = k.layers.Conv2D(0, 3)

    trace = failing(Net)
    outer, inner = trace.calls
    assert outer.name == "Net.__init__"
    assert outer.layer is not None
    assert outer.layer.name == "net"
    assert (inner.name, inner.parent) == ("Conv2D.__init__", outer.id)
    assert inner.caller is not None
    assert inner.caller.line == Net.__init__.__code__.co_firstlineno + 2


def test_a_constructor_in_a_call(k: Keras) -> None:
    class Late(k.keras.layers.Layer):  # type: ignore[misc, name-defined]
        def call(self, x: Any) -> Any:
            return k.layers.Dense(2, activation="no such")(x)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        trace = failing(lambda: Late(name="late")(data(2, 5)))
    call = trace.failed
    assert call is not None
    assert call.name == "Dense.__init__"
    outer = trace.ancestors(call)
    assert outer
    assert {each.layer.name for each in outer if each.layer} == {"late"}
    assert sum(each.name == "Dense.__init__" for each in trace.calls) <= 2  # tried on symbols, too


def test_a_hooked_constructor_is_not_told_twice(k: Keras) -> None:
    trace = failing(lambda: k.layers.InputLayer(wrong=1))
    assert [call.name for call in trace.calls] == ["InputLayer.__init__"]


def test_what_is_caught_outside_of_all_calls_is_not_noticed(k: Keras) -> None:
    with buildtrace.trace() as trace:
        with pytest.raises(ValueError):  # noqa: PT011
            k.layers.Dense(2, activation="no such")
        k.Sequential([k.Input((3,)), k.layers.Dense(2)])
    assert not trace.error
    assert not trace.find("Dense.__init__")


def test_an_error_of_the_users_own_between_two_layers_has_a_graph_as_well(k: Keras) -> None:
    def build() -> None:
        x = k.layers.Dense(4, name="dense")(k.Input((8,), name="image"))
        raise KeyError(x.shape)

    (graph,) = failing(build).graphs
    assert graph.unfinished
    assert [node.name for node in graph.nodes] == ["image", "dense"]
    assert not any(node.failed for node in graph.nodes)


def test_an_error_after_the_model_leaves_the_model_alone(k: Keras) -> None:
    def build() -> None:
        image = k.Input((8,), name="image")
        k.Model(image, k.layers.Dense(4, name="dense")(image), name="net")
        raise KeyError

    (graph,) = failing(build).graphs
    assert graph.model.name == "net"
    assert not graph.unfinished
