"""What the hooks do when Keras is not as the tables say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import buildtrace
from buildtrace import generations
from buildtrace.capture import TrainingReached, dry_fits
from buildtrace.errors import MissingLandmarkWarning
from buildtrace.generations.base import Landmark

if TYPE_CHECKING:
    from scenarios import Keras


def small_model(k: Keras) -> Any:
    return k.Sequential([k.layers.Dense(2)])


def test_asking_too_early_does_no_harm(k: Keras) -> None:
    with buildtrace.trace() as trace:
        assert trace.roots == []
        assert trace.layers == {}
        small_model(k).build((None, 3))
    assert [call.name for call in trace.roots] == ["Sequential.build"]
    assert trace.layers


def test_graphs_are_in_the_order_of_first_building(k: Keras) -> None:
    with buildtrace.trace() as trace:
        first, second = small_model(k), small_model(k)
        first.build((None, 3))
        second.build((None, 3))
        first.add(k.layers.Dense(1))
        first.build((None, 3))
    assert [graph.model.name for graph in trace.graphs] == [first.name, second.name]
    assert len(trace.graph(first.name).nodes) == 3


def test_the_installed_keras_has_every_landmark(k: Keras) -> None:
    with buildtrace.trace() as trace:
        small_model(k).build((None, 3))
    assert [info.missing for info in trace.environment.keras] == [()]


@pytest.mark.parametrize(
    "target",
    ["no_such_module:f", "{module}:NoSuchClass.f", "{module}:Layer.no_such_method"],
    ids=["module", "class", "method"],
)
def test_a_missing_landmark_is_named_and_the_rest_works(
    k: Keras, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = "layers.layer" if k.generation == 3 else "engine.base_layer"
    gone = Landmark(
        name="Layer.gone",
        target=target.format(module=module),
        step="build",
        reads="state",
        summary="Was there once.",
    )
    real = generations.generation_of

    def with_a_gap(package: str, version: str) -> Any:
        generation = real(package, version)
        return generation._replace(landmarks=(gone, *generation.landmarks))

    monkeypatch.setattr(generations, "generation_of", with_a_gap)
    with (
        pytest.warns(MissingLandmarkWarning, match=r"Layer\.gone"),
        buildtrace.trace() as trace,
    ):
        small_model(k).build((None, 3))
    (info,) = trace.environment.keras
    assert info.missing == ("Layer.gone",)
    assert trace.find("Dense.build")


def test_a_function_that_keras_finds_in_a_table_is_seen_each_time(k: Keras) -> None:
    """Keras 2's applications find `Input` there, in the table that the first of them has filled."""
    k.layers.deserialize(k.layers.serialize(k.layers.Flatten()))
    names = []
    for _ in range(2):
        with buildtrace.trace() as trace:
            k.keras.applications.MobileNet(weights=None, input_shape=(32, 32, 3), classes=2)
        names.append([call.name for call in trace.calls])
    assert "Input" in names[0]
    assert names[1] == names[0]


def test_training_has_no_hooks_without_need(k: Keras) -> None:
    """Of what runs for each batch, only the update has one, which looks once at an optimizer.

    `fit` itself has one that reads what it is to train.
    """
    names = [
        (cls, name)
        for cls in k.keras.Model.__mro__
        for name in ("train_step", "make_train_function", "train_on_batch")
        if name in vars(cls)
    ]
    assert names
    before = [vars(cls)[name] for cls, name in names]
    with buildtrace.trace():
        assert [vars(cls)[name] for cls, name in names] == before
        with dry_fits():
            assert [vars(cls)[name] for cls, name in names] != before
    assert [vars(cls)[name] for cls, name in names] == before


def test_training_does_not_begin(k: Keras) -> None:
    import numpy

    model = small_model(k)
    model.compile("sgd", "mse")
    data = numpy.ones((4, 3), "float32"), numpy.ones((4, 2), "float32")
    with dry_fits(), buildtrace.trace() as trace, pytest.raises(TrainingReached):
        model.fit(*data, verbose=0)
    assert trace.find("Dense.build"), "fit builds the model before it trains it"
    assert model.built
    # Afterwards Keras trains as ever: another model, as this one's first step was cut short.
    model = small_model(k)
    model.compile("sgd", "mse")
    model.build((None, 3))
    before = model.get_weights()
    model.fit(*data, verbose=0)
    assert any((one != other).any() for one, other in zip(before, model.get_weights(), strict=True))
