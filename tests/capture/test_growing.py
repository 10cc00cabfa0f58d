"""Models that are built again and again: `Sequential.add` builds the whole model for each layer."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

import pytest
from topology import same_graph
from weights import same_weights

import buildtrace
from buildtrace import capture

if TYPE_CHECKING:
    from scenarios import Keras


def grow(k: Keras, layers: int) -> Any:
    model = k.Sequential(name="growing")
    model.add(k.Input((3,)))
    for _ in range(layers):
        model.add(k.layers.Dense(3))
    return model


@pytest.mark.sampled(5)
@pytest.mark.parametrize("layers", [1, 7, 8, 9, 17, 33])
def test_the_graph_is_that_of_the_end(k: Keras, layers: int) -> None:
    with buildtrace.trace() as trace:
        model = grow(k, layers)
    same_graph(k, model, trace)
    same_weights(k, model, trace)
    assert len(trace.graph("growing").nodes) == layers + 1


def test_a_snapshot_in_between_has_what_there_is_by_then(k: Keras) -> None:
    tracing = capture.Tracing()
    tracing.start()
    model = grow(k, 13)
    between = tracing.snapshot()
    model.add(k.layers.Dense(2))
    tracing.stop()
    assert len(between.graph("growing").nodes) == 14
    same_graph(k, model, tracing.trace)


def test_a_model_that_grew_and_is_gone_is_named(k: Keras) -> None:
    """What is missing of it is not missing in silence."""
    tracing = capture.Tracing()
    tracing.start()
    grow(k, 22)
    gc.collect()
    with pytest.warns(UserWarning, match="Sequential was gone"):
        tracing.stop()
    trace = tracing.trace
    assert 1 < len(trace.graph("growing").nodes) < 23
    assert len(trace.find("Dense.build")) == 22


def test_tracing_does_not_keep_it(k: Keras) -> None:
    """Nor does it die without a word if nothing is missing."""
    with buildtrace.trace() as trace:
        grow(k, 3)
        gc.collect()
        alive = [thing for thing in gc.get_objects() if type(thing) is k.Sequential]
    assert not alive
    assert len(trace.graph("growing").nodes) == 4
