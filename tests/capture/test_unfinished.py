"""Builds that an exception ended: their graph as far as it came, with what failed in it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import pytest
from scenarios import GENERATIONS, Keras, data

import buildtrace
from buildtrace.traces import failures

if TYPE_CHECKING:
    from collections.abc import Callable

    from buildtrace import Trace
    from buildtrace.traces.schema import Graph


def failing(build: Callable[[], Any]) -> Trace:
    with pytest.raises(Exception), buildtrace.trace() as trace:  # noqa: B017, PT011
        build()
    return trace


def edges(graph: Graph) -> set[tuple[str, str]]:
    names = {node.id: node.name for node in graph.nodes}
    return {(names[edge.source], names[edge.target]) for edge in graph.edges}


def failed(graph: Graph) -> list[str]:
    return [node.name for node in graph.nodes if node.failed]


def test_a_functional_build_up_to_the_layer_that_failed(k: Keras) -> None:
    layers = k.layers

    def build() -> None:
        image = k.Input((28, 28, 1), name="image")
        stem = layers.Conv2D(8, 3, strides=2, name="stem")(image)
        norm = layers.BatchNormalization(name="norm")(layers.Conv2D(8, 3, name="conv")(image))
        layers.Dense(3, name="head")(stem)  # nothing came to use it
        layers.Add(name="join")([norm, stem])

    trace = failing(build)
    (graph,) = trace.graphs
    assert graph.unfinished
    assert not graph.built
    assert trace.index.graphs_of_models == []
    assert edges(graph) == {
        ("image", "stem"),
        ("image", "conv"),
        ("conv", "norm"),
        ("stem", "head"),
        ("norm", "join"),
        ("stem", "join"),
    }
    assert failed(graph) == ["join"]
    (join,) = (node for node in graph.nodes if node.failed)
    given = [edge.tensor.shape for edge in graph.edges if edge.target == join.id]
    assert given == [(None, 26, 26, 8), (None, 13, 13, 8)]
    assert join.outputs == ()
    assert trace.failed
    assert trace.failed.layer
    assert trace.failed.layer.id == join.layer


def test_an_operation_that_failed(k: Keras) -> None:
    def build() -> None:
        image = k.Input((4,), name="image")
        k.layers.Dense(3, name="dense")(image) + image

    (graph,) = failing(build).graphs
    (node,) = (node for node in graph.nodes if node.failed)
    assert node.kind == "operation"
    assert {name for name, _ in edges(graph)} == {"image", "dense"}


@pytest.mark.parametrize("knows_its_input", [False, True])
def test_a_sequential_that_fails_in_the_middle(k: Keras, knows_its_input: bool) -> None:
    layers = k.layers

    def build() -> None:
        first = [k.Input((28, 28, 1), name="image")] if knows_its_input else []
        stack = [
            layers.Conv2D(8, 3, name="one"),
            layers.Conv2D(8, 30, name="two"),
            layers.Flatten(name="flat"),
        ]
        k.Sequential(first + stack, name="net").build((None, 28, 28, 1))

    trace = failing(build)
    (graph,) = trace.graphs
    assert trace.index.graphs_of_models == [graph]
    assert graph.model.name == "net"
    assert graph.unfinished
    assert failed(graph) == ["two"]
    start = graph.nodes[graph.inputs[0]].name
    assert edges(graph) == {(start, "one"), ("one", "two")}


def test_a_nested_model_that_fails_is_shown_on_both_levels(k: Keras) -> None:
    def build() -> None:
        a = k.Input((16,), name="a")
        tail = k.Sequential([k.layers.Reshape((5,), name="reshape")], name="tail")
        tail(k.layers.Dense(4, name="dense")(a))

    trace = failing(build)
    inner, outer = sorted(trace.graphs, key=lambda graph: graph.model.name)
    assert failed(inner) == ["reshape"]
    assert failed(outer) == ["tail"]
    assert edges(outer) == {("a", "dense"), ("dense", "tail")}
    assert trace.index.outermost_graphs == [outer]


@pytest.mark.parametrize("called", [False, True], ids=["never_called", "called_before"])
def test_a_tensor_that_no_layer_made(k: Keras, called: bool) -> None:
    """Such a one has no node behind it: nothing leads to what failed on it."""
    if k.generation == 2:
        pytest.skip("not for this Keras")

    def build() -> None:
        bare = k.keras.KerasTensor((2, 3), name="bare")
        if called:
            k.layers.Dense(4, name="dense")(bare)
        k.layers.Conv2D(3, 3, name="conv")(bare)

    trace = failing(build)
    (graph,) = trace.graphs
    assert graph.unfinished
    assert failed(graph) == ["conv"]
    assert edges(graph) == set()


def test_a_subclassed_model_that_fails_in_its_call(k: Keras) -> None:
    class Net(k.keras.Model):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__(name="net")
            self.one = k.layers.Dense(8, name="one")
            self.two = k.layers.Conv2D(3, 3, name="two")
            self.three = k.layers.Dense(1, name="three")

        def call(self, x: Any) -> Any:
            return self.three(self.two(self.one(x)))

    (graph,) = failing(lambda: Net()(data(2, 5))).graphs
    assert graph.unfinished
    assert failed(graph) == ["two"]
    assert [name for name, target in edges(graph) if target == "two"] == ["one"]
    assert [node.name for node in graph.nodes][-1] == "three"


def test_what_a_model_tried_and_went_without_did_not_fail(k: Keras) -> None:
    class Net(k.keras.Model):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__(name="net")
            self.one = k.layers.Conv2D(3, 3, name="one")
            self.two = k.layers.Dense(3, name="two")

        def call(self, x: Any) -> Any:
            try:
                return self.one(x)
            except ValueError:
                return self.two(x)

    with buildtrace.trace() as trace:
        Net()(data(2, 5))
    graph = trace.graph("net")
    assert not graph.unfinished
    assert failed(graph) == []
    assert [target for _, target in edges(graph)] == ["two"]


def test_a_build_that_is_mended_leaves_no_picture_of_the_first_try(k: Keras) -> None:
    with buildtrace.trace() as trace:
        image = k.Input((8,), name="image")
        x = k.layers.Dense(4, name="dense")(image)
        with pytest.raises(ValueError):  # noqa: PT011
            k.layers.Conv2D(3, 3)(x)
        k.Model(image, k.layers.Dense(1, name="head")(x), name="net")
    (graph,) = trace.graphs
    assert graph.model.name == "net"
    assert not graph.unfinished


def test_a_model_that_was_made_before_is_no_part_of_what_failed_later(k: Keras) -> None:
    def build() -> None:
        image = k.Input((8,), name="image")
        k.Model(image, k.layers.Dense(4, name="dense")(image), name="first")
        k.layers.Conv2D(3, 3, name="conv")(k.Input((5,), name="other"))

    first, second = failing(build).graphs
    assert first.model.name == "first"
    assert edges(second) == {("other", "conv")}


def test_what_failed_is_not_kept_alive(k: Keras) -> None:
    import gc
    import weakref

    kept: list[Any] = []

    def build() -> None:
        layer = k.layers.Dense(4)
        kept.append(weakref.ref(layer))
        k.layers.Conv2D(3, 3)(layer(k.Input((8,))))

    with buildtrace.trace():
        with contextlib.suppress(ValueError):
            build()
        gc.collect()
        assert kept[0]() is None


@pytest.mark.skipif(len(GENERATIONS) < 2, reason="one Keras is here")
def test_of_two_kerases_the_one_that_failed_has_the_graph(k: Keras) -> None:
    (other,) = [keras for keras in GENERATIONS if keras is not k]
    kept: list[Any] = []

    def build() -> None:
        kept.append(other.layers.Dense(2)(other.Input((3,))))
        k.layers.Dense(2, name="made")(k.Input((3,), name="image"))
        k.layers.Dense(2, activation="no such")

    (graph,) = failing(build).graphs
    assert [node.name for node in graph.nodes][:2] == ["image", "made"]


def names(way: Any) -> list[str]:
    return [node.name for node, _ in way.steps]


def test_the_way_of_what_a_layer_failed_on(k: Keras) -> None:
    def build() -> None:
        x = k.layers.LSTM(4, name="last")(k.Input((20, 8), name="words"))
        k.layers.LSTM(3, name="second")(k.layers.Dropout(0.1, name="drop")(x))

    told = failures.failure(failing(build))
    assert told is not None
    (way,) = told.ways
    assert names(way) == ["words", "last", "drop"]
    assert [given.shape for _, given in way.steps] == [(None, 20, 8), (None, 4), (None, 4)]
    assert way.met is not None
    assert way.met.name == "words"


def test_the_ways_to_a_layer_that_takes_two(k: Keras) -> None:
    """What is behind another layer that takes two is not followed further."""

    def build() -> None:
        a, b = k.Input((8,), name="a"), k.Input((8,), name="b")
        both = k.layers.Add(name="both")([a, b])
        one = k.layers.Dense(4, name="one")(both)
        k.layers.Add(name="sum")([one, k.layers.Dense(5, name="other")(b)])

    told = failures.failure(failing(build))
    assert told is not None
    assert [names(way) for way in told.ways] == [["both", "one"], ["b", "other"]]
    assert [way.met for way in told.ways] == [None, None]
