"""The blocks of a build, of traces that nobody recorded: a file may come from a stranger."""

from __future__ import annotations

import pytest
from made_traces import mlp3, nested_models

from buildtrace.planning.blocks import blocks_of, units_of


def test_the_layers_of_a_model_in_the_order_of_its_graph():
    assert [unit.layer.name for unit in units_of(mlp3())] == ["dense", "dense_1"]


@pytest.mark.parametrize(("number", "times"), [(3, 1), (60, 2), (1_200, 1)])
def test_models_in_models_are_taken_apart_once_each(number, times):
    (unit,) = units_of(nested_models(number, times))
    assert (unit.layer.name, unit.weights[0].name) == ("dense", "kernel")
    (row,) = blocks_of([unit])
    assert (row.repeats, row.length) == (1, 1)
