"""Ctrl-C while a model is built, in Keras' code and in the recorder's.

Not in TensorFlow's: that may end the process or leave TensorFlow broken, traced or not.
"""

from __future__ import annotations

import contextlib
import random
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from faithful import without_addresses
from interrupts import CAPTURE, Interrupt, KerasInterrupt, sample, share_of
from patches import patched_since, snapshot
from scenarios import Keras, data, mlp, two_layer_model
from wellformed import faults_of, survives_a_file

import buildtrace
from buildtrace.capture import Tracing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(autouse=True)
def nothing_stays(k: Keras) -> Iterator[None]:
    before, limit = snapshot(), sys.getrecursionlimit()
    yield
    raised, _ = sys.getrecursionlimit(), sys.setrecursionlimit(limit)
    assert raised == limit
    assert not patched_since(before)


def build(k: Keras) -> None:
    model = mlp(k)
    model.build((None, 3))
    model(data(1, 3))
    two_layer_model(k)(data(1, 3))


def next_build_is_recorded(k: Keras, trace: Any) -> list[str]:
    """What went wrong with the build that is the last of this trace."""
    roots = [call for call in trace.roots if call.name == "Sequential.build"]
    if not roots or roots[-1].error is not None:
        return ["the next build in this trace is not recorded"]
    inside = [call for call in trace.calls if roots[-1].id in _around(trace, call)]
    return [] if sum(call.name == "Layer.add_weight" for call in inside) == 4 else ["it has gaps"]


def _around(trace: Any, call: Any) -> list[int]:
    return [call.id, *(outer.id for outer in trace.ancestors(call))]


def moments_of(k: Keras, interrupt: Interrupt) -> Interrupt:
    """A build without an interrupt; the second, as the first one fills caches."""
    build(k)
    k.clear_session()
    with interrupt:
        build(k)
    return interrupt


def listeners() -> list[Any]:
    """Who hears of TensorFlow's operations in this thread."""
    context = sys.modules.get("tensorflow.python.eager.context")
    return list(context.context().op_callbacks) if context else []


def faults_after(k: Keras, trace: Any, limit: int) -> list[str]:
    """What is wrong with a trace of an interrupted build and another one, and with the process."""
    found = [*faults_of(trace), *next_build_is_recorded(k, trace)]
    if not survives_a_file(trace):
        found.append("it cannot be saved and loaded")
    if listeners():
        found.append("operations are listened to")
    if sys.getrecursionlimit() != limit:
        found.append(f"the recursion limit is {sys.getrecursionlimit() - limit:+}")
        sys.setrecursionlimit(limit)
    return found


@pytest.mark.parametrize("many", [3, pytest.param(60, marks=pytest.mark.slow)])
def test_an_interrupt_inside_of_our_own_code(k: Keras, many: int) -> None:
    """What is recorded before stays, the interrupt comes out, and the next build is recorded."""
    with buildtrace.trace():
        moments = moments_of(k, Interrupt())
    places = moments.of_each_place(0)
    assert len(places) > 150
    limit, came, faults = sys.getrecursionlimit(), 0, []
    some = {*share_of(k, places), *sample(range(moments.seen), 10, seed=3)}
    chosen = sample(some, many, seed=3)
    for at in chosen:
        k.clear_session()
        interrupt, found = Interrupt(at), []
        with buildtrace.trace() as trace:
            try:
                with interrupt:
                    build(k)
            except KeyboardInterrupt:
                came += 1
            except Exception as error:
                found.append(f"the program gets {error!r}")
            mlp(k).build((None, 3))
        found += faults_after(k, trace, limit)
        faults += [f"{interrupt.where}: {fault}" for fault in found]
    assert not faults, "\n".join(dict.fromkeys(faults))
    assert came > len(chosen) // 2  # what an interrupt changes in Keras may make others come late


@pytest.mark.parametrize("many", [4, pytest.param(1000, marks=pytest.mark.slow)])
def test_a_tree_is_not_lost_while_it_is_being_closed(k: Keras, many: int) -> None:
    """Reading a model takes a while: an interrupt there must not cost what was recorded."""
    mlp(k).build((None, 3))
    with buildtrace.trace(), Interrupt() as moments:
        mlp(k).build((None, 3))
    closing = [n for n, place in enumerate(moments.places) if place.code.co_name == "_close_tree"]
    lost = []
    places = [n for n in moments.of_each_place(0) if n >= closing[0]]
    for at in sample(share_of(k, places), many, seed=6):
        interrupt = Interrupt(at)
        with contextlib.suppress(KeyboardInterrupt), buildtrace.trace() as trace, interrupt:
            mlp(k).build((None, 3))
        if not trace.find("Dense.build"):
            lost.append(interrupt.where)
    assert not lost, "\n".join(lost)


# -- in Keras' code ---------------------------------------------------------------------------


def two_builds(k: Keras, at: int) -> tuple[list[tuple[str, str]], str]:
    """How a build that is interrupted ends, and how the next one does; and where it was."""
    k.clear_session()
    interrupt = KerasInterrupt(k.package, at)
    ends = [end_of(lambda: build(k), interrupt), end_of(lambda: one_model(k))]
    return ends, interrupt.where


def end_of(action: Callable[[], Any], context: Any = None) -> tuple[str, str]:
    try:
        with context or contextlib.nullcontext():
            action()
    except BaseException as error:
        return type(error).__name__, without_addresses(str(error))
    return "fine", ""


def one_model(k: Keras) -> None:
    mlp(k).build((None, 3))


@pytest.mark.parametrize("many", [2, pytest.param(20, marks=pytest.mark.slow)])
def test_an_interrupt_in_keras(k: Keras, many: int) -> None:
    """The program ends, or goes on, as it does untraced after an interrupt at the same moment."""
    moments = moments_of(k, KerasInterrupt(k.package))
    with buildtrace.trace():
        assert moments_of(k, KerasInterrupt(k.package)).places == moments.places
    limit, traceable, faults = sys.getrecursionlimit(), 0, []
    chosen = sample(moments.of_each_place(0), many, seed=4)
    for at in chosen:
        plain, again = two_builds(k, at), two_builds(k, at)
        if plain != again:
            continue  # untraced, the first interrupt has left Keras otherwise than it was
        with buildtrace.trace() as trace:
            traced = two_builds(k, at)
        assert traced == plain
        if plain[0][1] == ("fine", ""):
            traceable += 1
            faults += [f"{plain[1]}: {fault}" for fault in faults_after(k, trace, limit)]
    assert not faults, "\n".join(dict.fromkeys(faults))
    assert traceable >= len(chosen) // 2


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers here")
@pytest.mark.parametrize("many", [4, pytest.param(30, marks=pytest.mark.slow)])
def test_an_interrupt_at_a_random_moment(k: Keras, many: int) -> None:
    """A real one, from the system: it waits while code of others runs."""
    folder, chance = str(Path(k.keras.__file__).parent), random.Random(5)
    came: list[str] = []

    def interrupt(number: int, frame: Any) -> None:
        file = frame.f_code.co_filename
        if not file.startswith((folder, CAPTURE)):
            signal.setitimer(signal.ITIMER_REAL, 0.00005 + chance.random() * 0.0005)
            return
        came.append(file)
        raise KeyboardInterrupt

    assert threading.current_thread() is threading.main_thread()
    limit, faults = sys.getrecursionlimit(), []
    build(k)
    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        for _ in range(many):
            k.clear_session()
            tracing, started = Tracing(), False
            came.clear()
            try:
                signal.setitimer(signal.ITIMER_REAL, 0.0002 + chance.random() * 0.08)
                tracing.start()
                started = True
                for _ in range(100):
                    if came:  # Python drops one that comes in `__del__` and the like
                        signal.setitimer(signal.ITIMER_REAL, 0.0002 + chance.random() * 0.08)
                    build(k)
                pytest.fail("no interrupt came out in 100 builds")
            except KeyboardInterrupt:
                pass
            except Exception:
                # Keras 2 has a bare `except:` around the making of a graph, and goes on with half.
                if not came:
                    raise
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
                mlp(k).build((None, 3))
                tracing.stop()
            found = faults_after(k, tracing.trace, limit) if started else faults_of(tracing.trace)
            faults += [f"{came}: {fault}" for fault in found]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert not faults, "\n".join(dict.fromkeys(faults))


def test_a_thread_gives_back_only_the_room_that_it_took(k: Keras) -> None:
    """Its build began while another thread's was open, and our work in it is interrupted."""
    limit, open_there, go_on = sys.getrecursionlimit(), threading.Event(), threading.Event()

    class Waits(k.layers.Layer):
        def build(self, input_shape: Any) -> None:
            open_there.set()
            assert go_on.wait(60)
            self.built = True

        def call(self, inputs: Any) -> Any:
            return inputs

    class LetsTheOtherEnd(k.layers.Layer):
        def build(self, input_shape: Any) -> None:
            go_on.set()
            other.join(60)
            with Interrupt(3):
                self.add_weight(name="w", shape=(1,), initializer="ones")

    with buildtrace.trace() as trace:
        other = threading.Thread(target=lambda: Waits()(k.Input((3,))), daemon=True)
        other.start()
        assert open_there.wait(60)
        with contextlib.suppress(KeyboardInterrupt):
            LetsTheOtherEnd().build((None, 3))
        mlp(k).build((None, 3))
    assert not other.is_alive()
    assert not faults_of(trace)
    assert sys.getrecursionlimit() == limit
