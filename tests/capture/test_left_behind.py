"""Tracers start and stop in any order, and nothing of them is left behind."""

from __future__ import annotations

import contextlib
import gc
import inspect
import sys
import threading
import weakref
from types import ModuleType
from typing import Any

import pytest
from patches import is_ours, live_wrappers, patched_since, snapshot
from scenarios import (
    Keras,
    data,
    failing_layer,
    mlp,
    two_layer_model,
)
from witness import Table, Witness, differences, seen_lines, trace_lines

import buildtrace
from buildtrace.capture import Tracing


@pytest.mark.parametrize("order", ["nested", "overlapping"])
def test_tracers_stop_in_any_order(k: Keras, order: str) -> None:
    before = snapshot()
    outer, inner = Tracing(), Tracing()
    outer.start()
    mlp(k).build((None, 3))
    inner.start()
    mlp(k).build((None, 3))
    (inner if order == "nested" else outer).stop()
    mlp(k).build((None, 3))
    (outer if order == "nested" else inner).stop()
    assert not patched_since(before)
    mlp(k).build((None, 3))

    def builds(tracing: Tracing) -> int:
        return len([c for c in tracing.trace.roots if c.name == "Sequential.build"])

    assert builds(outer) == (3 if order == "nested" else 2)
    assert builds(inner) == (1 if order == "nested" else 2)


def test_tracing_that_ends_while_a_class_is_made(k: Keras) -> None:
    """The class is not given hooks when there are none any more."""
    before = snapshot()
    tracing = Tracing()

    class Stops:
        def __init_subclass__(cls, **kwargs: Any) -> None:
            tracing.stop()
            super().__init_subclass__(**kwargs)

    tracing.start()

    class Own(k.layers.Layer, Stops):
        def build(self, input_shape: Any) -> None:
            self.built = True

    assert not patched_since(before)
    Own().build((None, 3))
    assert not tracing.trace.calls


def test_a_tracer_started_in_the_middle_of_a_build(k: Keras) -> None:
    """It sees the calls that begin from then on."""
    tracing = Tracing()

    class Starts(k.layers.Layer):
        def build(self, input_shape: Any) -> None:
            tracing.start()
            self.w = self.add_weight(name="w", shape=(1,), initializer="ones")

        def call(self, inputs: Any) -> Any:
            return inputs * self.w

    before = snapshot()
    k.Sequential([Starts(), k.layers.Dense(2)]).build((None, 3))
    tracing.stop()
    assert not patched_since(before)
    assert tracing.trace.roots[0].name == "Layer.add_weight"
    assert tracing.trace.find("Dense.build")


def test_a_tracer_stopped_in_the_middle_of_a_build(k: Keras) -> None:
    tracing = Tracing()

    class Stops(k.layers.Layer):
        def build(self, input_shape: Any) -> None:
            self.w = self.add_weight(name="w", shape=(1,), initializer="ones")
            tracing.stop()

        def call(self, inputs: Any) -> Any:
            return inputs * self.w

    before = snapshot()
    tracing.start()
    k.Sequential([Stops(), k.layers.Dense(2)]).build((None, 3))
    assert not patched_since(before)
    assert tracing.trace.roots[0].name == "Sequential.build"
    assert not tracing.trace.find("Dense.build")


def test_nothing_is_left_patched(k: Keras) -> None:
    before = snapshot()
    path, limit = list(sys.meta_path), sys.getrecursionlimit()
    with buildtrace.trace():
        assert patched_since(before), "this test would not notice a patch"

        class Late(k.layers.Dense):
            def build(self, input_shape: Any) -> None:
                super().build(input_shape)

        own_build = vars(Late).get("build")
        k.Sequential([Late(2)]).build((None, 3))
    assert not patched_since(before)
    assert list(sys.meta_path) == path
    assert sys.getrecursionlimit() == limit
    after = inspect.unwrap(vars(Late)["build"])
    assert vars(Late)["build"] is after, "a class made while tracing keeps a wrapper"
    assert own_build is not None
    del own_build
    gc.collect()
    assert not live_wrappers()


def test_layers_made_while_tracing_work_afterwards(k: Keras) -> None:
    with buildtrace.trace() as trace:
        model = mlp(k)
    with buildtrace.trace() as later:
        model.build((None, 3))
    assert not trace.calls
    assert later.find("Dense.build")
    model(data(1, 3))


def test_a_traced_model_can_be_collected(k: Keras) -> None:
    def run() -> tuple[Any, list[Any]]:
        with buildtrace.trace() as trace:
            sequential, subclassed = mlp(k), two_layer_model(k)
            sequential.build((None, 3))
            subclassed(data(1, 3))
            models = [sequential, subclassed]
        layers = [layer for model in models for layer in (model, *model.layers)]
        return trace, [weakref.ref(layer) for layer in layers]

    def alive(references: list[Any]) -> list[str]:
        k.clear_session()
        gc.collect()
        return [repr(r()) for r in references if r() is not None]

    trace, references = run()
    assert not alive(references)
    assert trace.graphs


def test_a_failed_build_keeps_nothing_alive(k: Keras) -> None:
    def run() -> tuple[Any, Any]:
        layer = failing_layer(k)
        with buildtrace.trace() as trace, contextlib.suppress(ZeroDivisionError):
            layer.build((None, 3))
        return trace, weakref.ref(layer)

    trace, reference = run()
    gc.collect()
    assert reference() is None
    assert trace.calls


def test_after_the_build_nothing_is_recorded(k: Keras) -> None:
    model = mlp(k)
    with buildtrace.trace() as trace:
        model.build((None, 3))
        model.compile("sgd", "mse")
        for _ in range(3):
            model(data(2, 3))
            model(data(2, 3), training=True)
        model.fit(data(4, 3), data(4, 2), epochs=3, batch_size=1, verbose=0)
        model.predict(data(4, 3), verbose=0)
    roots = [call for call in trace.roots if call.step != "compile"]  # of these, see test_held
    assert [call.name for call in roots] == ["Sequential.build"]


def test_eager_calls_keep_no_memory(k: Keras) -> None:
    """A loop of an hour must not fill the tracer: what it dropped is gone, not hidden."""
    model = mlp(k)
    model.build((None, 3))
    x = k.keras.ops.ones((1, 3)) if k.generation == 3 else _tensor()
    tracing = Tracing()
    tracing.start()
    for _ in range(20):
        model(x)
    gc.collect()
    before = len(gc.get_objects())
    for _ in range(50):
        model(x)
    gc.collect()
    grown = len(gc.get_objects()) - before
    tracing.stop()
    assert grown < 50
    assert not tracing.trace.calls


def _tensor() -> Any:
    import tensorflow as tf

    return tf.ones((1, 3))


def test_progress_and_snapshot_from_another_thread(k: Keras) -> None:
    seen: list[Any] = []
    tracing = Tracing()

    class Slow(k.layers.Layer):
        def build(self, input_shape: Any) -> None:
            self.w = self.add_weight(name="w", shape=(1,), initializer="ones")
            watcher = threading.Thread(
                target=lambda: seen.append((tracing.progress(), tracing.snapshot()))
            )
            watcher.start()
            watcher.join()

        def call(self, inputs: Any) -> Any:
            return inputs * self.w

    tracing.start()
    k.Sequential([Slow(name="slow")], name="model").build((None, 3))
    tracing.stop()
    ((calls, current), partial) = seen[0]
    assert 0 < calls <= len(tracing.trace.calls)
    assert current == "slow"
    assert partial.calls
    assert len(partial.calls) < len(tracing.trace.calls)
    assert tracing.progress()[1] is None


def test_each_thread_has_its_own_tree(k: Keras) -> None:
    table = Table(k.generation, k.root)
    witnesses: dict[str, Witness] = {}
    meet = threading.Barrier(3, timeout=30)

    def work(name: str) -> None:
        class Meets(k.layers.Layer):
            def build(self, input_shape: Any) -> None:
                meet.wait()  # all threads are in the middle of a build now
                self.w = self.add_weight(name="w", shape=(1,), initializer="ones")
                meet.wait()

            def call(self, inputs: Any) -> Any:
                return inputs * self.w

        with Witness(table) as witness:
            layer = Meets(name=name)
            layer.build((None, 3))
        witnesses[name] = witness

    with buildtrace.trace() as trace:
        threads = [threading.Thread(target=work, args=(f"layer_{i}",)) for i in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(witnesses) == 3
    roots = {call.layer.name: call for call in trace.roots}
    assert sorted(roots) == sorted(witnesses)
    assert len({call.thread for call in trace.roots}) == 3
    for name, witness in witnesses.items():
        lines = trace_lines(trace, thread=roots[name].thread)
        assert not differences(seen_lines(witness.roots), lines)
    for call in trace.calls:
        assert call.parent is None or trace.call(call.parent).thread == call.thread


def test_the_heap_is_searched_only_for_hooks_that_somebody_took(
    k: Keras, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes as long as all the rest of taking hooks out."""
    searched: list[object] = []
    search = gc.get_referrers
    monkeypatch.setattr(gc, "get_referrers", lambda *held: searched.extend(held) or search(*held))
    module = ModuleType("taker")
    monkeypatch.setitem(sys.modules, "taker", module)
    with buildtrace.trace():
        k.Sequential([k.layers.Dense(2)]).build((None, 3))
        module.Input = k.keras.Input  # as by `from keras import Input`
        assert is_ours(module.Input)
    assert module.Input is k.keras.Input
    assert searched == []
    with buildtrace.trace():
        taken = {"build": k.layers.Layer.__call__}
    assert searched
    assert taken["build"] is k.layers.Layer.__call__


def test_a_class_knows_that_what_it_took_is_put_back(k: Keras) -> None:
    """Python keeps what it has looked up there. And a dict with such names may be of no class."""
    with buildtrace.trace():
        taker = type("Taker", (), {"call": k.layers.Layer.__call__})
        names = {"__module__": "no_class", "call": k.layers.Layer.__call__}
        kept = [taker.call]  # or what is not put back would be looked up where nothing is
        assert is_ours(*kept)
    assert taker.call is not kept[0]
    assert taker.call is k.layers.Layer.__call__
    assert names == {"__module__": "no_class", "call": k.layers.Layer.__call__}


def test_what_looks_like_a_hook_and_is_none_is_left_alone(k: Keras) -> None:
    """A proxy of nothing raises at any question; a wrapper may say that it is what it wraps."""

    class Equal:
        __class__ = property(lambda self: type(self.wrapped))  # type: ignore[assignment]

        def __init__(self, wrapped: Any) -> None:
            self.wrapped = wrapped

        def __eq__(self, other: object) -> bool:
            return other is self.wrapped

        def __hash__(self) -> int:
            return hash(self.wrapped)

    class Gone:
        pass

    main = ModuleType("__main__")  # in whose names all are looked at
    main.proxy, main.before = weakref.proxy(Gone()), Equal(k.keras.Input)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "taker", main)
        with buildtrace.trace():
            assert type(main.before) is Equal
            main.during = Equal(k.keras.Input)
            names = {"proxy": weakref.proxy(Gone()), "during": main.during}
            names["call"] = k.layers.Layer.__call__
    assert (type(main.before), type(main.during)) == (Equal, Equal)
    assert names["during"] is main.during
    assert names["call"] is k.layers.Layer.__call__
