"""How often layers are called, of traces that nobody recorded: a file may come from a stranger."""

from __future__ import annotations

import msgspec
from made_traces import nested_models
from msgspec.structs import replace

from buildtrace.planning.activations import lower_bound
from buildtrace.planning.flops import multiply_adds
from buildtrace.traces.schema import LARGEST


def test_a_layer_is_called_as_often_as_the_models_around_it():
    (dense,) = multiply_adds(nested_models(3, times=2)).layers
    assert (dense.calls, dense.multiply_adds) == (2**3, 2**3 * 16)


def test_models_in_models_without_end_take_no_time_and_stay_numbers():
    trace = nested_models(100, times=2)
    found = multiply_adds(trace), lower_bound(trace, 2**31 - 1)
    assert (found[0].multiply_adds, found[1].size) == (LARGEST, LARGEST)
    assert msgspec.json.encode(found)


def test_a_row_of_models_is_deeper_than_python_may_go():
    assert multiply_adds(nested_models(1_200, times=1)).multiply_adds == 16


def test_a_model_that_is_said_to_be_inside_of_itself():
    trace = nested_models(2, times=1)
    outer, inner = trace.graphs
    again = replace(inner.nodes[1], id=2, layer=outer.model.id)
    trace.graphs = (outer, replace(inner, nodes=(*inner.nodes, again)))
    assert multiply_adds(trace).multiply_adds == 16
