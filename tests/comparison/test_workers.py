"""Several workers side by side: what each makes otherwise than the one that most do the same as."""

from __future__ import annotations

import itertools

import made_traces
import msgspec
import pytest

from buildtrace.comparison.workers import Worker, compare_workers, worker_of
from buildtrace.traces.journal import Making
from buildtrace.traces.schema import AskedWeight, ErrorInfo, SourceLine


def making(layer, shape=(4, 8), line=1, *, name="kernel", made=True, error="", file="train.py"):
    caller = SourceLine(file=file, line=line)
    return Making(
        name=name,
        layer=layer,
        class_name="Dense",
        shape=shape,
        dtype="float32",
        caller=caller,
        made=made,
        error=error,
    )


A, B, C = making("a", line=1), making("b", line=2), making("c", line=3)
SMALL = making("small", (4, 2), line=4)


def compared(left, right, *, whole=(True, True), errors=("", "")):
    """What `compare_workers` says of two."""
    sides = zip(("0", "1"), (left, right), whole, errors, strict=True)
    merged = compare_workers(
        [Worker(label=l, makings=tuple(m), whole=w, error=e) for l, m, w, e in sides]  # noqa: E741
    )
    (other,) = merged.compared
    assert merged.same == (not other.changes)
    return other


def kinds(left, right, **more):
    return [change.kind for change in compared(left, right, **more).changes]


def test_the_same_weights_in_the_same_order():
    assert kinds([A, B, C], [A, B, C]) == []


def test_another_order_with_the_same_shapes_is_silent():
    (change,) = compared([A, B, C], [A, C, B]).changes
    assert (change.kind, change.silent, change.positions) == ("order", True, (2, 2))
    assert (change.left, change.right) == (B, C)


def test_another_order_with_other_shapes_is_not():
    (change,) = compared([A, SMALL], [SMALL, A]).changes
    assert (change.kind, change.silent) == ("order", False)


@pytest.mark.parametrize("order", [*itertools.permutations([A, B, C, SMALL])])
def test_every_other_order_is_told_once(order):
    wanted = [] if list(order) == [A, B, C, SMALL] else ["order"]
    assert kinds([A, B, C, SMALL], order) == wanted


def test_one_more_and_one_less():
    (more,) = compared([A, C], [A, B, C]).changes
    assert (more.kind, more.positions, more.left, more.right) == ("more", (None, 2), None, B)
    (fewer,) = compared([A, B, C], [A, C]).changes
    assert (fewer.kind, fewer.positions, fewer.left, fewer.right) == ("fewer", (2, None), B, None)


def test_another_weight_in_its_place():
    (change,) = compared([A, SMALL, C], [A, B, C]).changes
    assert (change.kind, change.silent, change.positions) == ("other", False, (2, 2))
    (change,) = compared([A, making("x", line=8), C], [A, B, C]).changes
    assert (change.kind, change.silent) == ("other", True)


def test_an_unfinished_weight_that_only_one_has_begun():
    waiting = making("extra", made=False)
    assert kinds([A, B], [A, B, waiting]) == ["more"]
    assert kinds([A, B], [A, B, waiting], whole=(False, False)) == ["behind"]
    assert kinds([A, B, waiting], [A, B], whole=(False, False)) == ["behind"]
    assert kinds([A, B], [A, B, waiting], errors=("KeyboardInterrupt: ", "")) == ["behind"]
    # What it comes to after that is not to be told: it has not come so far.
    assert kinds([A, B, C, SMALL], [A, B], whole=(True, False)) == ["behind"]


def test_both_wait_in_the_same_weight():
    half = msgspec.structs.replace(B, made=False)
    assert kinds([A, half], [A, half], whole=(False, False)) == []
    assert kinds([A, B], [A, half]) == []


def test_each_waits_in_another_weight():
    ours, theirs = (msgspec.structs.replace(one, made=False) for one in (B, SMALL))
    (change,) = compared([A, ours], [A, theirs], whole=(False, False)).changes
    assert (change.kind, change.left, change.right) == ("other", ours, theirs)


def test_layers_that_keras_named_are_told_apart_by_their_lines():
    """In each worker the first that is built is called "dense"."""
    first, second = making("dense", line=1), making("dense_1", line=2)
    other = [making("dense", line=2), making("dense_1", line=1)]
    (change,) = compared([first, second], other).changes
    assert (change.kind, change.silent) == ("order", True)


def test_layers_of_one_line_are_told_apart_by_their_names():
    """As in a loop over layers that were made before."""
    ours = [making("dense"), making("dense_1")]
    (change,) = compared(ours, ours[::-1]).changes
    assert (change.kind, change.positions) == ("order", (1, 1))


def test_numbers_in_names_are_no_difference():
    """One worker has made other layers before, such as a teacher that it loads."""
    ours = [making("dense", line=1), making("dense_1", line=2)]
    theirs = [making("dense_3", line=1), making("dense_4", line=2)]
    assert kinds(ours, theirs) == []


def test_one_more_layer_in_front_moves_the_numbers_of_all_others():
    ours = [making(f"dense_{n}", line=n) for n in range(1, 5)]
    theirs = [making("dense", line=9), *ours]
    renamed = [making(f"dense_{n}", line=one.caller.line) for n, one in enumerate(theirs, 1)]
    (change,) = compared(ours, renamed).changes
    assert (change.kind, change.positions) == ("more", (None, 1))


def test_branches_that_build_the_same_are_no_difference():
    """The first worker builds in `if is_chief:`, the others in `else:`, on other lines."""
    ours = [A, making("b", line=20), making("c", line=20)]
    theirs = [A, making("b", line=30), making("c", line=30)]
    assert kinds(ours, theirs) == []


def test_the_program_may_be_in_another_folder():
    theirs = [making("a", line=1, file="C:\\job\\train.py")]
    assert kinds([making("a", line=1, file="/home/x/train.py")], theirs) == []


def test_the_odd_one_of_many_is_told_even_if_it_comes_first():
    workers = [Worker(label=str(n), makings=(A, B)) for n in range(1, 5)]
    odd = Worker(label="0", makings=(B, A))
    merged = compare_workers([odd, *workers])
    assert merged.reference == "1"
    assert [one.worker for one in merged.compared if one.changes] == ["0"]


def test_rows_are_by_place_as_the_workers_make_them_together():
    rows = compared([A, B, C], [A, C, B]).rows
    assert [(row.left, row.right) for row in rows] == [(1, 1), (2, 2), (3, 3)]
    assert [row.same for row in rows] == [True, False, False]


def test_rows_have_a_gap_where_one_makes_more():
    rows = compared([A, C], [A, B, C]).rows
    assert [(row.left, row.right) for row in rows] == [(1, 1), (None, 2), (2, 3)]


def test_the_weights_of_a_trace():
    worker = worker_of(made_traces.mlp3(), "w")
    trace = made_traces.mlp3()
    assert [one.shape for one in worker.makings] == [weight.shape for weight in trace.weights]
    assert {one.layer for one in worker.makings} == {
        trace.layers[weight.layer].name for weight in trace.weights
    }
    assert worker.unfinished is None
    assert not worker.stopped


@pytest.mark.parametrize("error", [None, ErrorInfo(type="E", message="{{node x}} so\nit is")])
def test_what_failed_or_was_still_open_is_unfinished(error):
    recording = made_traces.Recording()
    layer = recording.layer("extra", "Dense")
    asked = AskedWeight(name="kernel", shape=(8, 3), dtype="float32")
    with recording.call("Dense.build", layer):
        recording.add_weight(layer, "first", (2,))
        with recording.call("Layer.add_weight", layer, asked=asked, error=error):
            pass
    end = recording.clock
    calls = [
        msgspec.structs.replace(call, duration_ns=end - call.start_ns)
        if error is None and call.id in (0, len(recording.calls) - 1)
        else call
        for call in recording.calls
    ]
    recording.calls[:] = calls
    worker = worker_of(recording.trace(), "w")
    assert worker.unfinished == worker.makings[1]
    assert (worker.unfinished.name, worker.unfinished.shape) == ("kernel", (8, 3))
    assert worker.unfinished.error == ("E: so it is" if error else "")
