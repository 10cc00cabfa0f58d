"""A plan for pages, of a trace made by hand: a model of two Dense on two by four devices."""

from __future__ import annotations

import made_traces
from msgspec.structs import replace

from buildtrace.planning import PlanRequest, make_plan
from buildtrace.traces.schema import Distribution, LayoutPattern, VariableLayout

SPLIT = ((), ("model",))


def spread(trace=None, patterns=(("dense/kernel", SPLIT), ("never", (("batch",),)))):
    """The trace with the first weight split along `model`, and all others whole."""
    trace = trace or made_traces.mlp3()
    trace.distributions = (
        Distribution(
            id=0,
            class_name="ModelParallel",
            mesh_axes=("batch", "model"),
            mesh_shape=(2, 4),
            batch_axis="batch",
            patterns=tuple(LayoutPattern(pattern=text, axes=axes) for text, axes in patterns),
        ),
    )
    first, *others = trace.weights
    whole = VariableLayout(distribution=0)
    trace.weights = (
        replace(first, layout=VariableLayout(distribution=0, axes=SPLIT, pattern=0)),
        *(replace(weight, layout=whole) for weight in others),
    )
    return trace


def plan_of(trace, **asked):
    return make_plan(trace, PlanRequest(target="train.py", **asked))
