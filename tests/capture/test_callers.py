"""Where in its function each call was made, against the text of Keras' source."""

from __future__ import annotations

import linecache
from typing import TYPE_CHECKING

import pytest
from scenarios import Keras, data, mlp

import buildtrace

if TYPE_CHECKING:
    from buildtrace.traces.trace import Trace

SPELLED_OUT = {
    "Layer._functional_construction_call",
    "Layer._infer_output_signature",
    "Layer._maybe_build",
    "Layer.add_weight",
    "Functional._init_graph_network",
    "_map_graph_network",
    "_build_map",
    "_build_map_helper",
    "map_graph",
}
"""Calls whose name is in the line that makes them, unlike `x = layer(x)` and `fn(*args)`."""


@pytest.fixture
def trace(k: Keras) -> Trace:
    with buildtrace.trace() as trace:
        mlp(k).build((None, 3))
    return trace


def test_the_line_names_what_is_called(trace: Trace) -> None:
    checked = set()
    for call in trace.calls:
        if call.name in SPELLED_OUT and call.parent is not None and call.at is not None:
            line = linecache.getline(trace.calls[call.parent].file, call.at)
            assert call.name.rpartition(".")[2] in line
            checked.add(call.name)
    assert {"Layer.add_weight", "Layer._maybe_build", "_build_map_helper"} <= checked


def test_it_lies_in_the_function_that_calls(trace: Trace) -> None:
    known = [call for call in trace.calls if call.at is not None]
    assert len(known) > len(trace.calls) / 2
    for call in known:
        assert call.parent is not None
        parent = trace.calls[call.parent]
        later = [c.line for c in trace.calls if c.file == parent.file and c.line > parent.line]
        assert call.at is not None
        assert parent.line < call.at < min(later, default=10**6)


def test_the_users_line_is_that_of_fit(k: Keras) -> None:
    """Also where TensorFlow runs a copy of Keras' own code from a file of its own."""
    model = mlp(k)
    model.compile("sgd", "mse")
    with buildtrace.trace() as trace:
        model.fit(data(4, 3), data(4, 2), verbose=0)
    callers = {call.caller.file for call in trace.calls if call.caller}
    assert callers == {__file__}
    assert "model.fit" in linecache.getline(__file__, trace.roots[0].caller.line)
