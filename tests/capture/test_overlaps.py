"""Several tracers and several threads at once, on and off in any order."""

from __future__ import annotations

import gc
import itertools
import random
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from patches import live_wrappers, patched_since, snapshot
from scenarios import Keras, mlp
from wellformed import faults_of, survives_a_file

import buildtrace
from buildtrace.capture import Tracing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(autouse=True)
def nothing_stays(k: Keras) -> Iterator[None]:
    before = snapshot()
    yield
    assert not patched_since(before)
    gc.collect()
    assert not live_wrappers()


def in_thread(action: Callable[[], Any]) -> None:
    failures: list[BaseException] = []

    def run() -> None:
        try:
            action()
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(60)
    assert not thread.is_alive(), "it hangs"
    assert not failures, failures


def orders() -> list[tuple[tuple[str, int], ...]]:
    """Every order in which three tracers can start and stop; 0 is the one that starts first."""
    moments = [(what, number) for number in range(3) for what in ("start", "stop")]
    return [
        order
        for order in itertools.permutations(moments)
        if all(order.index(("start", n)) < order.index(("stop", n)) for n in range(3))
        and [number for what, number in order if what == "start"] == [0, 1, 2]
    ]


@pytest.mark.parametrize("many", [3, pytest.param(15, marks=pytest.mark.slow)])
def test_three_tracers_in_any_order(k: Keras, many: int) -> None:
    """Between two steps a layer is built: each tracer has those from its start to its stop."""
    everything = orders()
    assert len(everything) == 15
    for order in random.Random(5).sample(everything, many):
        tracers = [Tracing() for _ in range(3)]
        expected: dict[int, list[str]] = {n: [] for n in range(3)}
        on: set[int] = set()
        for step, (what, number) in enumerate(order):
            if what == "start":
                tracers[number].start()
                on.add(number)
            else:
                tracers[number].stop()
                on.discard(number)
            k.layers.Dense(1, name=f"layer_{step}").build((None, 2))
            for each in on:
                expected[each].append(f"layer_{step}")
        for number, tracer in enumerate(tracers):
            names = [call.layer.name for call in tracer.trace.roots]
            assert names == expected[number], order
            assert len(tracer.trace.weights) == 2 * len(names)
            assert not faults_of(tracer.trace)


def test_nested_traces(k: Keras) -> None:
    with buildtrace.trace() as outer:
        mlp(k).build((None, 3))
        with buildtrace.trace() as inner:
            mlp(k).build((None, 3))
    assert len(outer.roots) == 2
    assert [call.name for call in inner.calls] == [
        call.name for call in outer.calls if call.id >= outer.roots[1].id
    ]


def test_stopped_in_another_thread(k: Keras) -> None:
    tracing = Tracing()
    tracing.start()
    mlp(k).build((None, 3))
    in_thread(tracing.stop)
    mlp(k).build((None, 3))
    assert [call.name for call in tracing.trace.roots] == ["Sequential.build"]
    tracing = Tracing()
    in_thread(tracing.start)
    mlp(k).build((None, 3))
    tracing.stop()
    tracing.stop()  # twice does no harm
    assert [call.name for call in tracing.trace.roots] == ["Sequential.build"]


def test_two_that_stop_at_once_both_have_their_graphs(k: Keras) -> None:
    """The last to stop lets go of what was kept for traces: not before the others have theirs."""
    for _ in range(4):
        tracers = [Tracing(), Tracing()]
        for tracing in tracers:
            tracing.start()
        for _ in range(5):
            mlp(k).build((None, 3))
        together = threading.Barrier(2, timeout=30)

        def stop(tracing: Tracing, together: Any = together) -> None:
            together.wait()
            tracing.stop()

        threads = [threading.Thread(target=stop, args=(tracing,)) for tracing in tracers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        for tracing in tracers:
            assert len(tracing.trace.graphs) == 5
            assert len(tracing.trace.weights) == 20


@pytest.mark.parametrize("many", [20, pytest.param(200, marks=pytest.mark.slow)])
def test_tracers_come_and_go_while_threads_build(k: Keras, many: int) -> None:
    failures: list[BaseException] = []
    traces: list[Any] = []
    latest = time.monotonic() + 60

    def goes_on() -> bool:
        return len(traces) < many and not failures and time.monotonic() < latest

    def builds(number: int) -> None:
        made = 0
        while goes_on():
            layer = k.layers.Dense(2, name=f"thread_{number}_{made}")
            layer(k.Input((3,)))

            class Own(k.layers.Dense):
                def build(self, input_shape: Any) -> None:
                    super().build(input_shape)

            Own(1).build((None, 3))
            made += 1

    def traces_now_and_then(number: int) -> None:
        chance = random.Random(number)
        running: list[Tracing] = []
        while goes_on():
            time.sleep(chance.random() * 0.02)
            if running and chance.random() < 0.5:
                tracing = running.pop(chance.randrange(len(running)))
                tracing.stop()
                traces.append(tracing.trace)
            else:
                running.append(Tracing())
                running[-1].start()
                traces.append(running[-1].snapshot())
        for tracing in running:
            tracing.stop()
            traces.append(tracing.trace)

    def guarded(action: Callable[[int], None], number: int) -> None:
        try:
            action(number)
        except BaseException as error:
            failures.append(error)

    actions = [builds, builds, traces_now_and_then, traces_now_and_then]
    threads = [
        threading.Thread(target=guarded, args=(action, number), daemon=True)
        for number, action in enumerate(actions)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not any(thread.is_alive() for thread in threads), "it hangs"
    assert not failures, failures
    assert len(traces) >= many
    assert any(trace.calls for trace in traces)
    for trace in traces:
        assert not faults_of(trace)
        roots = [call for call in trace.roots if call.layer]
        # Each thread has trees of its own.
        for call in roots:
            inside = [c for c in trace.calls if c.parent == call.id]
            assert all(c.thread == call.thread for c in inside)
    assert survives_a_file(max(traces, key=lambda trace: len(trace.calls)))
