"""Exceptions in a trace, on traces made by hand."""

from __future__ import annotations

import msgspec
from made_traces import Recording, spec

from buildtrace.traces.raised import all_raised
from buildtrace.traces.schema import ErrorInfo, SourceLine, Use

LINE = SourceLine(file="model.py", line=3)


def error(message, **more):
    return ErrorInfo(type="ValueError", message=message, **more)


def failing(r, inner, outer, **more):
    """A layer's call that fails in its build, which is told in other words further out."""
    layer = r.layer("block", "Block")
    with (
        r.call("Layer.__call__", layer, [spec(2, 3)], error=error(outer, **more)),
        r.call("Block.build", layer, error=error(inner)),
    ):
        pass


def test_an_exception_is_told_once_with_all_its_calls():
    r = Recording()
    failing(r, "no such shape", "Exception in block:\n  no such shape", lines=(LINE,))
    last = error("in user code:\n    Exception in block:\n      no such shape")
    (raised,) = all_raised(r.trace(last))
    assert raised.ids == [0, 1]
    assert raised.line == LINE
    assert raised.generation == "keras3"
    assert raised.says("no such shape")
    assert raised.says("in user code")
    assert not raised.says("no such shape", "another")


def test_what_the_script_caught_is_over():
    r = Recording()
    failing(r, "first", "first")
    assert list(all_raised(r.trace())) == []
    (raised,) = all_raised(r.trace(error("second")))
    assert raised.ids == []
    assert raised.error.message == "second"


def test_what_a_call_caught_is_told_as_well():
    r = Recording()
    layer = r.layer("net", "Net")
    with (
        r.call("Layer._maybe_build", layer),
        r.call("compute_output_spec", layer, error=error("typo", swallowed=True)),
        r.call("Layer.__call__", r.layer("dense", "Dense"), error=error("typo")),
    ):
        pass
    (raised,) = all_raised(r.trace())
    assert raised.ids == [1, 2]
    assert raised.line == r.calls[2].caller


def test_a_use_that_it_ended():
    r = Recording(generation="keras2")
    failing(r, "batch_shape", "batch_shape")
    ended = error("Cannot load: batch_shape")
    caught = Use(name="load_model", generation="keras2", before=0, error=error("not there"))
    use = Use(name="load_model", generation="keras2", before=0, caller=LINE, error=ended)
    trace = msgspec.structs.replace(r.trace(ended), uses=(use, caught))
    (raised,) = all_raised(trace)
    assert raised.use == use
    without_calls = msgspec.structs.replace(trace, calls=())
    (raised,) = all_raised(without_calls)
    assert raised.use == use
    assert raised.generation == "keras2"
    assert raised.line == LINE
