"""Ctrl-C at any moment, in Keras' code and in ours: nothing stays, nothing recorded is lost."""

from __future__ import annotations

import contextlib
import gc
import sys
from typing import TYPE_CHECKING, Any

import pytest
from interrupts import Interrupt, sample, share_of
from patches import live_wrappers, patched_since, snapshot
from scenarios import Keras, imported, mlp
from wellformed import faults_of

import buildtrace

if TYPE_CHECKING:
    from collections.abc import Callable


def build(k: Keras) -> None:
    k.clear_session()
    mlp(k).build((None, 3))


def check_afterwards(k: Keras, limit: int) -> list[str]:
    """What does not work any more, though nothing that is in Keras was changed."""
    with buildtrace.trace() as trace:
        build(k)
    names, weights = [call.name for call in trace.roots], len(trace.weights)
    faults = [] if names == ["Sequential.build"] else [f"the next trace has {names}"]
    faults += [] if weights == 4 else [f"the next trace has {weights} weights"]
    faults += [] if sys.getrecursionlimit() == limit else ["the recursion limit is another"]
    sys.setrecursionlimit(limit)
    return faults


def on_and_off() -> None:
    with buildtrace.trace():
        pass


def moments_of(phase: Callable[[], Any]) -> Interrupt:
    """A run without an interrupt; the second, as the first one fills caches."""
    phase()
    with Interrupt() as moments:
        phase()
    return moments


@pytest.mark.parametrize("many", [3, pytest.param(120, marks=pytest.mark.slow)])
def test_while_hooks_are_put_in_and_taken_out(many: int) -> None:
    """At some of these moments: the first one at each place in our code, and any others.

    The hooks of all Keras packages go in and out together.
    """
    before, limit = snapshot(), sys.getrecursionlimit()
    moments = moments_of(on_and_off)
    assert len(moments.of_each_place(0)) > 100
    some = {*moments.of_each_place(0), *sample(range(moments.seen), 30, seed=1)}
    faults, came = [], 0
    chosen = sample(some, many, seed=1)
    for at in chosen:
        hook = Interrupt(at)
        with contextlib.suppress(KeyboardInterrupt), hook:
            on_and_off()
        came += bool(hook.where)
        left = [f for f in sys.meta_path if "buildtrace" in type(f).__module__]
        found = [f"left: {finder}" for finder in left]
        for finder in left:
            sys.meta_path.remove(finder)
        found += [] if sys.getrecursionlimit() == limit else ["another recursion limit"]
        found += patched_since(before)[:3]
        faults += [f"{hook.where}: {fault}" for fault in found]
    assert not faults, "\n".join(faults)
    assert came > len(chosen) // 2
    assert not [fault for k in imported() for fault in check_afterwards(k, limit)]
    gc.collect()
    assert not live_wrappers()


@pytest.mark.parametrize("many", [6, pytest.param(1000, marks=pytest.mark.slow)])
def test_another_tracer_goes_on(many: int) -> None:
    """Who is interrupted while starting or stopping takes nothing away from the others."""
    with buildtrace.trace() as trace:
        for at in sample(moments_of(on_and_off).of_each_place(0), many, seed=2):
            with contextlib.suppress(KeyboardInterrupt), Interrupt(at):
                on_and_off()
        for k in imported():
            build(k)
    assert len(trace.weights) == 4 * len(imported())
    assert not faults_of(trace)


@pytest.mark.parametrize("many", [3, pytest.param(40, marks=pytest.mark.slow)])
def test_an_interrupted_stop_keeps_the_trace(k: Keras, many: int) -> None:
    """Whatever the moment, all calls are there once `stop` is through."""

    def recorded(hook: Interrupt) -> int:
        trace = None
        try:
            with buildtrace.trace() as trace:
                build(k)
                hook.__enter__()  # from here to the end of the block
        except KeyboardInterrupt:
            pass
        finally:
            hook.__exit__()
        assert trace is not None
        assert len(trace.weights) == 4, hook.where
        return len(trace.calls)

    moments = Interrupt()
    calls = recorded(Interrupt()), recorded(moments)
    for at in sample(share_of(k, moments.of_each_place(0)), many, seed=2):
        hook = Interrupt(at)
        assert (recorded(hook),) * 2 == calls, hook.where
