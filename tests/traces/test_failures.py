import made_traces
import pytest
from msgspec.structs import replace

from buildtrace.traces.failures import (
    all_raised,
    failure,
    is_same,
    swallowed,
    swallowed_path,
    was_swallowed,
)
from buildtrace.traces.schema import ErrorInfo, Expected, SourceLine, Use
from buildtrace.traces.trace import Trace

DENSE = Expected(min_ndim=2, axes={-1: 3})


def numbers(lines):
    return [line.line for line in lines]


# -- what was raised -------------------------------------------------------------------------

LINE = SourceLine(file="model.py", line=3)


def error(message, **more):
    return ErrorInfo(type="ValueError", message=message, **more)


def failing(r, inner, outer, **more):
    """A layer's call that fails in its build, which is told in other words further out."""
    layer = r.layer("block", "Block")
    with (
        r.call("Layer.__call__", layer, [made_traces.spec(2, 3)], error=error(outer, **more)),
        r.call("Block.build", layer, error=error(inner)),
    ):
        pass


def test_an_exception_is_told_once_with_all_its_calls():
    r = made_traces.Recording()
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
    r = made_traces.Recording()
    failing(r, "first", "first")
    assert list(all_raised(r.trace())) == []
    (raised,) = all_raised(r.trace(error("second")))
    assert raised.ids == []
    assert raised.error.message == "second"


def test_what_a_call_caught_is_told_as_well():
    r = made_traces.Recording()
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
    r = made_traces.Recording(generation="keras2")
    failing(r, "batch_shape", "batch_shape")
    ended = error("Cannot load: batch_shape")
    caught = Use(name="load_model", generation="keras2", before=0, error=error("not there"))
    use = Use(name="load_model", generation="keras2", before=0, caller=LINE, error=ended)
    trace = replace(r.trace(ended), uses=(use, caught))
    (raised,) = all_raised(trace)
    assert raised.use == use
    without_calls = replace(trace, calls=())
    (raised,) = all_raised(without_calls)
    assert raised.use == use
    assert raised.generation == "keras2"
    assert raised.line == LINE


@pytest.mark.parametrize(
    ("reported", "raised", "is_one"),
    [
        (("ValueError", "in user code:\n  no size\n"), ("ValueError", "no size\nat all"), True),
        (("RuntimeError", "Exception: no size"), ("OddError", "no size"), True),
        (("KeyError", "no size"), ("ValueError", "no size"), False),
        (("ValueError", "another"), ("ValueError", "no size"), False),
        (("ValueError", "that cannot be"), ("TypeError", "no"), False),
        (("TypeError", f"{'word' * 30} more"), ("TypeError", "word" * 30), True),
        (("ValueError", "encountered"), ("ValueError", ""), True),
        (("TypeError", "another"), ("ValueError", " "), False),
    ],
)
def test_an_exception_is_known_again_further_out(reported, raised, is_one):
    infos = [ErrorInfo(type=name, message=message) for name, message in (reported, raised)]
    assert is_same(*infos) == is_one


# -- the failure ------------------------------------------------------------------------------


def test_a_trace_that_went_well_has_no_failure():
    assert failure(made_traces.mlp3()) is None
    assert failure(Trace()) is None


def test_the_build_that_froze_a_layer_is_found_with_its_weights_and_lines():
    failed = failure(made_traces.frozen(expects=[DENSE]))
    assert failed.layer.name == "hidden"
    assert [s.shape for s in failed.given] == [(2, 5)]
    assert failed.expects == (DENSE,)
    assert failed.frozen.build.name == "Dense.build"
    assert [s.shape for s in failed.frozen.build.inputs] == [(2, 3)]
    assert [(w.name, w.shape) for w in failed.frozen.weights] == [
        ("kernel", (3, 4)),
        ("bias", (4,)),
    ]
    assert numbers(failed.frozen.lines) == [9, 17]
    assert numbers(failed.lines) == [9, 18]
    assert not failed.building
    assert not failed.swallowed


def test_the_build_of_a_base_class_is_a_part_of_the_layers_own():
    failed = failure(made_traces.frozen(expects=[DENSE], own="Own"))
    assert failed.frozen.build.name == "Own.build"
    assert [w.name for w in failed.frozen.weights] == ["kernel", "bias"]
    assert numbers(failed.frozen.lines) == [9, 17]


def test_a_layer_that_tells_no_expectation_is_compared_with_what_it_was_built_for():
    failed = failure(made_traces.frozen())
    assert failed.expects == ()
    assert failed.frozen.build.name == "Dense.build"


def test_what_fits_is_not_shown_as_the_cause():
    failed = failure(made_traces.frozen(expects=[DENSE], given=(7, 3)))
    assert failed.expects == ()
    assert failed.frozen is None
    assert failed.error.message == "Input 0 is not compatible."


def test_an_earlier_build_counts_only_if_it_went_well_and_came_before():
    failed = failure(made_traces.failing(before=2))
    assert failed.frozen is None
    assert failed.building
    assert failed.call.name == "Dense.build"


def test_a_call_without_a_layer_is_about_the_one_around_it():
    r = made_traces.Recording()
    layer = r.layer("dense", "Dense")
    error = ErrorInfo(type="ValueError", message="no size")
    with (
        r.call("Layer.__call__", layer, [made_traces.spec(None, None)], error=error),
        r.call("Dense.build", layer, [made_traces.spec(None, None)], error=error),
        r.call("Variable.__init__", error=error),
    ):
        pass
    failed = failure(r.trace(error))
    assert failed.call.name == "Variable.__init__"
    assert failed.layer == layer
    assert [s.shape for s in failed.given] == [(None, None)]


def test_what_the_program_got_in_the_place_of_the_error_is_told():
    trace = made_traces.failing()
    told = ErrorInfo(type="NotImplementedError", message="Keras knows better")
    (root,) = trace.roots
    calls = (replace(root, error=told), *trace.calls[1:])
    failed = failure(replace(trace, calls=calls, error=told))
    assert failed.error.type == "ValueError"
    assert failed.reported == told
    assert failure(trace).reported is None


def test_an_error_that_the_program_caught_is_not_its_end():
    trace = made_traces.failing()
    assert failure(replace(trace, error=None)).swallowed
    other = ErrorInfo(type="ZeroDivisionError", message="division by zero")
    ended = replace(trace, error=other)
    assert (failure(ended).error, failure(ended).call) == (other, None)
    assert ended.index.failures == []
    around = replace(trace.error, message=f"Exception encountered:\n{trace.error.message}")
    assert not failure(replace(trace, error=around)).swallowed


def test_an_error_that_another_was_raised_in_the_place_of_is_the_failure():
    trace = made_traces.failing()
    text = f"{trace.error.type}: {trace.error.message}"
    other = ErrorInfo(type="RuntimeError", message="no model", instead_of=("KeyError: 'x'", text))
    failed = failure(replace(trace, error=other))
    assert (failed.call.name, failed.reported) == ("Dense.build", other)
    assert not failed.by_keras
    assert replace(trace, error=other).index.failures[0].calls[-1].name == "Dense.build"


def test_who_raised_what_the_program_got():
    trace = made_traces.failing()
    line = SourceLine(file="model.py", line=9)
    for raised_at, by_keras in ((SourceLine(file="/keras/layer.py", line=3), True), (None, False)):
        told = ErrorInfo(type="TypeError", message="no", lines=(line,), raised_at=raised_at)
        calls = (*[replace(call, error=told) for call in trace.calls[:2]], trace.calls[2])
        failed = failure(replace(trace, calls=calls, error=told))
        assert failed.error.type == "ValueError"
        assert failed.by_keras == by_keras


def tried_first(again, line=5):
    """A layer whose `call` Keras tries on symbols, and catches what that raises; then it runs."""
    r = made_traces.Recording("keras3")
    layer = r.layer("mine", "Mine")
    lines = (SourceLine(file="model.py", line=line),)
    first = ErrorInfo(type="ValueError", message="got a symbol", swallowed=True, lines=lines)
    with r.call("Layer.__call__", layer, error=again):
        with (
            r.call("Layer._maybe_build", layer),
            r.call("Layer.compute_output_spec", layer, error=first),
        ):
            pass
        with r.call("Operation.__call__", layer, error=again):
            pass
    return r.trace(again)


@pytest.mark.parametrize(
    ("kind", "line", "caught"), [("ValueError", 5, 0), ("TypeError", 5, 1), ("ValueError", 6, 1)]
)
def test_what_the_run_failed_of_all_the_same_was_not_swallowed(kind, line, caught):
    lines = (SourceLine(file="model.py", line=line),)
    again = ErrorInfo(type=kind, message="got a tensor", lines=lines)
    assert len(swallowed(tried_first(again))) == caught


def test_what_keras_tries_and_catches_is_no_failure():
    r = made_traces.Recording()
    error = ErrorInfo(type="NotImplementedError", message="no such method")
    with r.call("Layer.compute_output_shape", r.layer("mine", "Mine"), error=error):
        pass
    trace = r.trace()
    assert was_swallowed(trace)
    assert failure(trace) is None
    ended = ErrorInfo(type="KeyError", message="x")
    assert failure(replace(trace, error=ended)).call is None
    assert failure(replace(trace, error=error)).call.name == "Layer.compute_output_shape"


def test_an_error_from_outside_of_all_calls():
    line = SourceLine(file="a.py", line=3)
    error = ErrorInfo(type="KeyError", message="x", lines=(line,))
    failed = failure(replace(made_traces.mlp3(), error=error))
    assert (failed.call, failed.error, failed.lines) == (None, error, (line,))


# -- what was caught --------------------------------------------------------------------------


def test_an_exception_that_keras_caught_is_found_where_it_was_raised():
    (exception,) = swallowed(made_traces.caught())
    assert exception.call.name == "compute_output_spec"
    assert exception.swallowed_in.name == "Layer._maybe_build"
    assert exception.error.type == "TypeError"
    assert exception.by_keras
    assert numbers(exception.lines) == [13, 10, 17]
    assert exception.times == 1


def test_one_that_the_user_s_own_code_may_have_caught_is_not_laid_at_keras_door():
    (exception,) = swallowed(made_traces.caught(by_user=True))
    assert not exception.by_keras


def test_the_same_again_is_counted():
    (exception,) = swallowed(made_traces.caught(times=3))
    assert exception.times == 3


def test_keras_own_affairs_are_not_told():
    trace = made_traces.caught()
    calls = [replace(c, error=replace(c.error, lines=())) if c.error else c for c in trace.calls]
    assert swallowed(replace(trace, calls=tuple(calls))) == []


def test_all_calls_that_a_caught_exception_ended():
    r = made_traces.Recording()
    inner = ErrorInfo(type="TypeError", message="no", lines=(r.caller,))
    with (
        r.call("Layer.__call__"),
        r.call("compute_output_spec", error=replace(inner, swallowed=True)),
    ):
        with r.call("Layer.__call__", error=inner), r.call("Dense.build", error=inner):
            pass
        with r.call("Node.__init__"):
            pass
    trace = r.trace()
    assert swallowed_path(trace) == {1, 2, 3}
    (exception,) = swallowed(trace)
    assert exception.call.id == 3
    assert exception.swallowed_in.id == 0
    assert swallowed_path(made_traces.failing()) == set()
