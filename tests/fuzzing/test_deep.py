"""Traces that are nested deeper than Python's own stack are shown like any other."""

import random
from contextlib import ExitStack, suppress
from itertools import pairwise
from unittest import mock

import made_traces
import pytest

from buildtrace.errors import NothingToDrawError
from buildtrace.renderers.drawing import layout
from buildtrace.traces import trace_file
from buildtrace.traces.schema import ErrorInfo
from fuzzing.trial import lay_out_here, ways

DEEP = 1_500
"""Python's stack has 1,000 frames, unless somebody asks for more."""


def nested_calls(number, error=None):
    """Each call is inside of the one before it, two on each layer."""
    r = made_traces.Recording()
    given = [made_traces.spec(None, 3)]
    with ExitStack() as stack:
        for place in range(number):
            layer = r.layer(f"layer_{place // 2}", "Deep")
            name = "Deep.build" if place % 2 else "Layer.__call__"
            stack.enter_context(r.call(name, layer, given, given, error=error))
        r.add_weight(layer, "kernel", (3, 3))
    return r.trace(error)


def nested_models(number):
    """Each model is a layer of the one before it."""
    r = made_traces.Recording()
    given = made_traces.spec(None, 3)
    models = [r.layer(f"model_{place}", "Functional") for place in range(number)]
    with ExitStack() as stack:
        for model in models:
            stack.enter_context(r.call("Layer.__call__", model, [given], [given]))
    for outer, inner in pairwise(models):
        rows = (r.layer(f"input_{outer.id}", "InputLayer"), given), (inner, given)
        r.graphs.append(made_traces.chain(outer, *rows, nested=("Functional",)))
    return r.trace()


ERROR = ErrorInfo(type="RecursionError", message="maximum recursion depth exceeded")


@pytest.mark.parametrize(
    "trace",
    [
        pytest.param(nested_calls(DEEP // 4), id="calls"),
        pytest.param(nested_calls(DEEP), id="more calls", marks=pytest.mark.slow),
        pytest.param(nested_calls(DEEP, ERROR), id="calls that failed", marks=pytest.mark.slow),
        pytest.param(nested_models(DEEP // 10), id="models", marks=pytest.mark.slow),
    ],
)
def test_a_deep_trace_is_shown_in_every_way(trace):
    loaded = trace_file.from_json(trace_file.to_json(trace))
    with mock.patch.object(layout, "lay_out", lay_out_here):
        for _, make in ways(loaded, made_traces.mlp3(), random.Random(1)):
            with suppress(NothingToDrawError):
                make()
