"""Uses the library as its users do. Nothing runs this: test_typing.py has mypy check it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, assert_type

import buildtrace
from buildtrace import testing
from buildtrace.comparison import Difference
from buildtrace.traces.schema import Call, ErrorInfo, Finding, Graph, LayerRef, Weight


def traces(model: Any) -> buildtrace.Trace:
    with buildtrace.trace() as trace:
        model.build((None, 784))
    assert_type(trace, buildtrace.Trace)
    trace.save("build.html")
    assert_type(buildtrace.load("build.json"), buildtrace.Trace)
    assert_type(trace.diff(buildtrace.load("build.json")), Difference)
    return trace


def asks(trace: buildtrace.Trace) -> None:
    (call,) = trace.find("Dense.build")
    assert_type(call, Call)
    assert_type(call.layer, LayerRef | None)
    assert_type(trace.children(call), list[Call])
    assert_type(trace.walk(), Iterator[tuple[int, Call]])
    assert_type(trace.failed, Call | None)
    assert_type(trace.weights_made_by(call), list[Weight])
    assert_type(trace.weights[0], Weight)
    assert_type(trace.weights[0].shape, tuple[int | None, ...])
    assert_type(trace.graphs[0], Graph)
    assert_type(trace.graph("model"), Graph)
    assert_type(trace.layers, dict[int, LayerRef])
    assert_type(trace.parameters, int)
    assert_type(trace.error, ErrorInfo | None)
    assert_type(trace.findings[0], Finding)


def asserts(trace: buildtrace.Trace) -> None:
    testing.assert_called_in_order(trace, "Sequential.build", "Dense.build")
    testing.assert_built_once(trace, "dense", "dense_1")
    testing.assert_weights(trace, "dense", {"kernel": (784, 512), "bias": (512,)})
    testing.assert_parameters(trace, 407_050, model="sequential")
    testing.assert_no_findings(trace, ignore=["BT105"])


def saves(model: Any) -> None:
    testing.assert_survives_saving(model)
    testing.assert_survives_saving(model, format=".h5", x=[[1.0]], safe_mode=False)


def goes_wrong(trace: buildtrace.Trace) -> None:
    """What is wrong here has to be an error: mypy says so of a comment that ignores none."""
    trace.find(3)  # type: ignore[arg-type]
    trace.nothing  # type: ignore[attr-defined]  # noqa: B018
    buildtrace.load()  # type: ignore[call-arg]
    testing.assert_parameters(trace, "407050")  # type: ignore[arg-type]
