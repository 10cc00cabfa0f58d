"""What a worker leaves while it builds: each weight is on disk before it is made."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from buildtrace.capture import Tracing, journaling
from buildtrace.capture.journaling import Journal
from buildtrace.traces import journal


@pytest.fixture
def path(tmp_path):
    return tmp_path / "trace-0.json.partial"


@pytest.fixture
def recorded(path):
    """Trace a function that builds, with a journal; gives the trace and what was told."""

    def record(build, file=path):
        told: list[str] = []
        kept = Journal(file, told.append)
        tracing = Tracing(kept)
        tracing.start()
        try:
            build()
        finally:
            tracing.stop()
            kept.close(remove=False)
        return tracing.trace, told

    return record


def test_the_journal_has_the_weights_of_the_trace(k, recorded, path):
    def build():
        k.layers.Dense(3, name="first").build((None, 4))
        k.layers.BatchNormalization(dtype="float64").build((None, 5))

    trace, told = recorded(build)
    makings = journal.load(path)
    assert told == []
    assert [(one.name, one.shape, one.dtype) for one in makings] == [
        (weight.name, weight.shape, weight.dtype) for weight in trace.weights
    ]
    owners = [trace.layers[weight.layer] for weight in trace.weights]
    assert [(one.layer, one.class_name) for one in makings] == [
        (owner.name, owner.class_name) for owner in owners
    ]
    assert all(one.made for one in makings)
    assert {Path(one.caller.file).name for one in makings} == {Path(__file__).name}
    assert makings[0].source == 'k.layers.Dense(3, name="first").build((None, 4))'


def test_a_weight_is_on_disk_before_it_is_made(k, recorded, path):
    seen: list[tuple[journal.Making, ...]] = []

    def initializer(shape, dtype=None, **_):
        seen.append(journal.load(path))
        return zeros(shape, dtype)

    zeros = k.keras.initializers.Zeros()
    layer = k.layers.Dense(3, kernel_initializer=initializer, bias_initializer=initializer)
    recorded(lambda: layer.build((None, 4)))
    assert [[(one.name, one.made) for one in makings] for makings in seen] == [
        [("kernel", False)],
        [("kernel", True), ("bias", False)],
    ]


def test_one_that_fails_stays_unmade_and_the_trace_says_what_it_was(k, recorded, path):
    def initializer(shape, dtype=None, **_):
        raise RuntimeError("the peer is gone")

    layer = k.layers.Dense(3, kernel_initializer=initializer)

    def build():
        with pytest.raises(RuntimeError):
            layer.build((None, 4))

    trace, _ = recorded(build)
    (making,) = journal.load(path)
    assert not making.made
    (call,) = [one for one in trace.calls if one.landmark == "Layer.add_weight"]
    assert (call.asked.name, call.asked.shape, call.asked.dtype) == ("kernel", (4, 3), "float32")


def test_without_a_weight_there_is_no_file(k, recorded, path):
    recorded(lambda: k.layers.Flatten().build((None, 4, 2)))
    assert not path.exists()


def test_what_an_earlier_run_has_left_goes(k, recorded, path):
    path.write_text("old\n" * 1000)
    recorded(lambda: k.layers.Dense(3).build((None, 4)))
    assert len(journal.load(path)) == 2


def test_a_file_that_cannot_be_written_costs_nothing_but_a_line(k, recorded, tmp_path):
    trace, told = recorded(
        lambda: k.layers.Dense(3).build((None, 4)), tmp_path / "no" / "j.partial"
    )
    assert len(trace.weights) == 2
    assert len(told) == 1
    assert told[0].endswith("j.partial is not written: No such file or directory")


def test_what_a_trace_has_can_be_forgotten(k, path):
    kept = Journal(path, pytest.fail)
    tracing = Tracing(kept)
    tracing.start()
    k.layers.Dense(3).build((None, 4))
    assert kept.begun == len(journal.load(path)) == 2
    kept.forget(1)  # the trace was made while the second one was
    assert len(journal.load(path)) == 2
    kept.forget(2)
    assert not path.exists()
    k.layers.Dense(3, name="later").build((None, 4))
    tracing.stop()
    assert [(one.layer, one.made) for one in journal.load(path)] == [("later", True)] * 2
    kept.close(remove=True)
    assert not path.exists()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_process_that_is_forked_off_writes_nothing(k, path):
    kept = Journal(path, pytest.fail)
    assert kept._write(journal.begun_line(journal.Making(name="mine")))
    if not (child := os.fork()):
        written = kept._write(journal.made_line(0))
        kept.close(remove=True)
        os._exit(written)
    assert os.waitpid(child, 0)[1] == 0
    kept.close(remove=False)
    assert [one.name for one in journal.load(path)] == ["mine"]


@pytest.mark.skipif(os.name == "nt", reason="a file that is open cannot be removed there")
def test_a_journal_that_another_thread_closes_writes_into_no_other_file(k, path, monkeypatch):
    other = path.with_name("other")
    kept = Journal(path, pytest.fail)
    write, opened = os.write, []

    def close_first(file, line):
        monkeypatch.undo()
        closing = threading.Thread(target=kept.close, kwargs={"remove": True})
        closing.start()
        closing.join()
        opened.append(os.open(other, os.O_WRONLY | os.O_CREAT))
        return write(file, line)

    tracing = Tracing(kept)
    tracing.start()
    monkeypatch.setattr(os, "write", close_first)
    k.layers.Dense(3).build((None, 4))
    tracing.stop()
    os.close(opened.pop())
    assert other.read_bytes() == b""
    assert not path.exists()


def test_nothing_is_left_of_it(k, recorded, path):
    """A later recording has none."""
    recorded(lambda: k.layers.Dense(3).build((None, 4)))
    path.unlink()
    tracing = Tracing()
    tracing.start()
    k.layers.Dense(3).build((None, 4))
    tracing.stop()
    assert not path.exists()


def test_a_scalar_and_shapes_of_other_kinds(k):
    class Odd(k.layers.Layer):
        def build(self, shape):
            self.add_weight(name="scalar", shape=())
            self.add_weight(name="listed", shape=[2, 3])

    asked = []
    original = journaling.asked_weight

    class Kept(Journal):
        def begin(self, record):
            asked.append(original(record))

    tracing = Tracing(Kept(Path("unused"), pytest.fail))
    tracing.start()
    Odd().build((None, 4))
    tracing.stop()
    assert [(one.name, one.shape) for one in asked] == [("scalar", ()), ("listed", (2, 3))]
