"""BT405, on traces made by hand: graphs that are too deep, and layers that never end."""

from __future__ import annotations

import msgspec
import pytest
from made_traces import TOO_DEEP, Recording, endless_build, spec, too_deep_graph

from buildtrace.diagnosis import diagnose
from buildtrace.traces.schema import ErrorInfo
from diagnosis.hand import line, said, state


def found(trace):
    return [finding for finding in diagnose(trace) if finding.code == "BT405"]


def test_a_graph_that_is_too_deep():
    (finding,) = found(too_deep_graph(950))
    assert finding.severity == "error"
    assert "the graph of 'functional' (Functional)" in finding.message
    assert "950 deep it reached Python's recursion limit" in finding.message
    assert "keras.Sequential([keras.Input(...), *blocks])" in finding.fix
    assert "sys.setrecursionlimit(5000)" in finding.fix


def test_the_limit_that_is_offered_grows_with_the_graph():
    (finding,) = found(too_deep_graph(4_100))
    assert "sys.setrecursionlimit(9000)" in finding.fix


def test_keras_2_goes_on_without_a_graph():
    r = Recording("keras2")
    model = r.layer("sequential", "Sequential")
    with r.call("Sequential.build", model):  # its own name: `Layer.build` is the landmark
        caught = msgspec.structs.replace(TOO_DEEP, swallowed=True, lines=(line(3),))
        with (
            r.call("Functional._init_graph_network", model, error=caught),
            r.call("_build_map_helper", error=TOO_DEEP),
            r.call("_build_map_helper", error=TOO_DEEP),
        ):
            pass
    (finding,) = found(r.trace())
    assert finding.severity == "warning"
    assert "caught the RecursionError and made no graph" in finding.message
    assert finding.caller == line(3)


def nests(class_name, *layers, own=True):
    r = Recording()
    refs = [r.layer(name, class_name) for name in layers]
    error = ErrorInfo(type="RecursionError", message="too deep", lines=(line(4),))
    stack = [r.call("Layer.__call__", ref, [spec(2, 3)], error=error) for ref in refs]
    for call in stack:
        call.__enter__()
    for call in reversed(stack):
        call.__exit__(None, None, None)
    return said("BT405", r, [state(ref, 0) for ref in refs] if own else [], ended=error)


def test_a_layer_that_calls_itself():
    (finding,) = nests("Loop", *["loop"] * 6)
    assert finding.message.startswith("'loop' (Loop) calls itself, which does the same")
    assert "6 calls deep" in finding.message
    assert "recursionlimit" not in finding.fix


def test_a_layer_that_makes_another_of_its_kind():
    (finding,) = nests("Nest", *[f"nest_{n}" for n in range(5)])
    assert "'nest_0' (Nest) makes and uses another Nest" in finding.message
    assert "self.nest = Nest(depth - 1) if depth else None" in finding.fix


@pytest.mark.parametrize("form", ["few", "Keras' own", "another exception"])
def test_what_is_no_endless_recursion(form):
    if form == "another exception":
        trace = endless_build(20)
        calls = [
            msgspec.structs.replace(
                call, error=call.error and msgspec.structs.replace(call.error, type="ValueError")
            )
            for call in trace.calls
        ]
        assert found(msgspec.structs.replace(trace, calls=tuple(calls))) == []
    elif form == "few":
        assert nests("Nest", "a", "b", "c") == []
    else:
        assert nests("Dense", *"abcdef", own=False) == []
