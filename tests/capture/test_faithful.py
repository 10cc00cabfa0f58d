"""Tracing changes nothing that a user can see, and leaves nothing behind."""

from __future__ import annotations

import contextlib
import gc
import inspect
import os
import re
import subprocess
import sys
import threading
import traceback
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from patches import live_wrappers, patched_since, snapshot
from scenarios import (
    GENERATIONS,
    SCENARIOS,
    Keras,
    Scenario,
    data,
    failing_layer,
    mlp,
    two_layer_model,
)
from witness import Table, Witness, differences, seen_lines, trace_lines

import buildtrace
from buildtrace.capture import Tracing

if TYPE_CHECKING:
    from collections.abc import Callable


def fresh(k: Keras) -> None:
    k.keras.backend.clear_session()
    k.keras.utils.set_random_seed(7)


def weights(layer: Any) -> list[Any]:
    """Keras 2 raises for a model that is not built."""
    try:
        return list(layer.weights)
    except ValueError:
        return []


def values(layer: Any) -> list[np.ndarray]:
    return [np.array(value) for value in layer.get_weights()] if weights(layer) else []


def names(layer: Any) -> list[str]:
    inner = getattr(layer, "layers", [])
    return [layer.name, *(name for each in inner for name in names(each))]


def config(layer: Any) -> str:
    try:
        return repr(layer.get_config())
    except NotImplementedError as error:
        return str(error)


# -- the same model ---------------------------------------------------------------------------


def outcome(k: Keras, scenario: Scenario) -> tuple[Any, ...]:
    """Names, weights and configuration after a run from a clean state."""
    fresh(k)
    made = scenario.make(k)
    built = scenario.build(k, made)
    parts = [*(made if isinstance(made, tuple) else (made,)), built]
    layers = [part for part in parts if isinstance(part, k.layers.Layer)]
    configs = [config(layer) for layer in layers]
    # Addresses differ from run to run, traced or not.
    configs = [re.sub(r"0x[0-9a-f]+", "0x", config) for config in configs]
    return (
        [name for layer in layers for name in names(layer)],
        [getattr(weight, "name", "") for layer in layers for weight in weights(layer)],
        configs,
        [value for layer in layers for value in values(layer)],
    )


TELLING = {
    "sequential_build",
    "sequential_fit",
    "functional",
    "subclassed_eager",
    "subclassed_fit",
    "nested",
    "lstm",
    "embedding",
}
"""Scenarios that between them use most hooks; the others take long for what they add."""


@pytest.mark.parametrize(
    "scenario",
    [
        pytest.param(scenario, marks=[] if scenario.name in TELLING else pytest.mark.slow)
        for scenario in SCENARIOS
    ],
    ids=lambda scenario: scenario.name,
)
def test_the_model_is_the_same(k: Keras, scenario: Scenario) -> None:
    if not scenario.runs_on(k):
        pytest.skip("not for this Keras")
    *plain, plain_values = outcome(k, scenario)
    with buildtrace.trace():
        *traced, traced_values = outcome(k, scenario)
    assert traced == plain
    assert len(traced_values) == len(plain_values)
    for ours, theirs in zip(traced_values, plain_values, strict=True):
        assert ours.dtype == theirs.dtype
        assert ours.tobytes() == theirs.tobytes()


def test_signatures_are_those_of_keras(k: Keras) -> None:
    keras = k.keras
    functional = type(mlp_functional(k))

    def public() -> list[Any]:
        return [
            keras.layers.Layer.__call__,
            keras.layers.Layer.build,
            keras.layers.Layer.add_weight,
            keras.layers.Dense.build,
            keras.layers.Dense(1).build,
            keras.layers.InputLayer.__init__,
            keras.layers.InputLayer,
            functional.__init__,
            functional.call,
            keras.Sequential.call,
            keras.Sequential.build,
            keras.Input,
            keras.initializers.Zeros.__call__,
        ]

    # Of a function that Keras has wrapped itself, getfullargspec tells only (*args, **kwargs).
    bare = [not hasattr(function, "__wrapped__") for function in public()]

    def signatures() -> list[str]:
        return [
            text
            for function, is_bare in zip(public(), bare, strict=True)
            for text in (
                str(inspect.signature(function)),
                str(inspect.getfullargspec(function)) if is_bare else "",
                str(getattr(function, "__name__", "")),
                str(getattr(function, "__qualname__", "")),
                str(getattr(function, "__module__", "")),
                str(inspect.getdoc(function)),
                str(getattr(function, "_is_default", None)),
            )
        ]

    plain = signatures()
    with buildtrace.trace():
        assert signatures() == plain


def mlp_functional(k: Keras) -> Any:
    x = k.Input((3,))
    return k.Model(x, k.layers.Dense(2)(x))


def test_automatic_get_config_keeps_the_arguments(k: Keras) -> None:
    def config() -> dict[str, Any]:
        class Sized(k.layers.Layer):
            def __init__(self, units: int, activation: str = "relu", **kwargs: Any) -> None:
                super().__init__(**kwargs)
                self.units, self.activation = units, activation

            def build(self, input_shape: Any) -> None:
                self.w = self.add_weight(name="w", shape=(1,), initializer="ones")

        try:
            return dict(Sized(3, name="sized").get_config())
        except NotImplementedError as error:
            return {"error": str(error)}

    plain = config()
    with buildtrace.trace():
        assert config() == plain


def test_call_arguments_reach_the_user(k: Keras) -> None:
    """Keras decides by the signature of `call` whether to pass `training` and `mask`."""
    seen: list[tuple[Any, ...]] = []

    class Nosy(k.layers.Layer):
        def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
            seen.append((training, mask is None))
            return inputs

    class Plain(k.layers.Layer):
        def call(self, inputs: Any) -> Any:
            seen.append(("plain",))
            return inputs

    def run() -> list[tuple[Any, ...]]:
        seen.clear()
        model = k.Sequential([k.layers.Masking(), Nosy(), Plain()])
        model.build((None, 4, 3))
        model(data(1, 4, 3), training=True)
        model(data(1, 4, 3))
        return list(seen)

    plain = run()
    with buildtrace.trace():
        assert run() == plain


# -- the same errors --------------------------------------------------------------------------


def inside_build(k: Keras) -> None:
    k.Sequential([k.layers.Dense(2), failing_layer(k)]).build((None, 3))


def inside_build_lazily(k: Keras) -> None:
    k.Sequential([k.layers.Dense(2), failing_layer(k)])(data(1, 3))


def inside_call(k: Keras) -> None:
    class Failing(k.layers.Layer):
        def call(self, inputs: Any) -> Any:
            return inputs.no_such_thing

    k.Sequential([k.layers.Dense(2), Failing()])(k.Input((3,)))


def inside_eager_call(k: Keras) -> None:
    class Failing(k.layers.Layer):
        def call(self, inputs: Any) -> Any:
            raise KeyError("no luck")

    k.Sequential([k.layers.Dense(2), Failing()])(data(1, 3))


def incompatible_shapes(k: Keras) -> None:
    x, y = k.Input((3,)), k.Input((4,))
    k.layers.Add()([k.layers.Dense(3)(x), k.layers.Dense(4)(y)])


def wrong_rank(k: Keras) -> None:
    k.Sequential([k.layers.Conv2D(2, 3)]).build((None, 3))


def different_shape_later(k: Keras) -> None:
    layer = k.layers.Dense(2)
    layer(k.Input((3,)))
    layer(k.Input((4,)))


def disconnected(k: Keras) -> None:
    x, y = k.Input((3,)), k.Input((3,))
    k.Model(y, k.layers.Dense(2)(x))


def wrong_argument(k: Keras) -> None:
    k.layers.Dense(2)(k.Input((3,)), nonsense=3)


def no_input(k: Keras) -> None:
    k.layers.Dense(2)()


def bad_initializer(k: Keras) -> None:
    def fails(shape: Any, dtype: Any = None, **kwargs: Any) -> Any:
        raise OverflowError("too big")

    k.layers.Dense(2, kernel_initializer=fails).build((None, 3))


def bad_add_weight(k: Keras) -> None:
    k.layers.Dense(2).add_weight(shape="three", nonsense=1)


ERRORS = [
    inside_build,
    inside_build_lazily,
    inside_call,
    inside_eager_call,
    incompatible_shapes,
    wrong_rank,
    different_shape_later,
    disconnected,
    wrong_argument,
    no_input,
    bad_initializer,
    bad_add_weight,
]


def report_of(k: Keras, fails: Callable[[Keras], None]) -> tuple[str, str, str]:
    fresh(k)
    try:
        fails(k)
    except Exception as error:
        text = "".join(traceback.format_exception(error))
        chain = [type(e).__name__ for e in (error, error.__cause__, error.__context__)]
        # Addresses of objects, and autograph's temporary files, differ from run to run.
        clean = re.sub(r"0x[0-9a-f]+", "0x", text)
        clean = re.sub(r"__autograph_generated_file\w+", "generated", clean)
        return str(chain), re.sub(r"0x[0-9a-f]+", "0x", str(error)), clean
    pytest.fail("it did not fail")


@pytest.mark.parametrize("fails", ERRORS, ids=lambda f: f.__name__)
def test_errors_are_those_of_keras(k: Keras, fails: Callable[[Keras], None]) -> None:
    plain = report_of(k, fails)
    with buildtrace.trace():
        traced = report_of(k, fails)
    assert traced[:2] == plain[:2]
    if sys.version_info >= (3, 11):
        assert traced[2].splitlines() == plain[2].splitlines()


@pytest.mark.parametrize("fails", ERRORS, ids=lambda f: f.__name__)
def test_errors_have_the_same_text_without_keras_own_filter(
    k: Keras, fails: Callable[[Keras], None]
) -> None:
    filtering = k.keras.config if k.generation == 3 else None
    if filtering is None:
        pytest.skip("Keras 2 filters by a setting of TensorFlow")
    filtering.disable_traceback_filtering()
    try:
        plain = report_of(k, fails)
        with buildtrace.trace():
            traced = report_of(k, fails)
    finally:
        filtering.enable_traceback_filtering()
    assert traced[:2] == plain[:2]


def test_the_error_that_ends_the_block_comes_out_and_is_recorded(k: Keras) -> None:
    with pytest.raises(ZeroDivisionError, match="no luck"), buildtrace.trace() as trace:
        inside_build(k)
    assert trace.error is not None
    assert trace.error.type == "ZeroDivisionError"
    failed = trace.failed
    assert failed is not None
    assert failed.name.endswith("Failing.build")
    assert failed.layer is not None
    assert [c.name for c in trace.ancestors(failed)][-1] == "Sequential.build"
    assert all(call.error for call in trace.ancestors(failed))


def test_a_swallowed_error_is_marked(k: Keras) -> None:
    (scenario,) = (s for s in SCENARIOS if s.name == "swallowed_exception")
    with buildtrace.trace() as trace:
        scenario.build(k, scenario.make(k))
    assert trace.error is None
    assert trace.failed is None
    failed = [call for call in trace.calls if call.error]
    assert [call.error.type for call in failed] == ["ZeroDivisionError"]
    assert failed[0].error.swallowed


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_an_interrupt_in_the_middle_leaves_nothing_patched(
    k: Keras, kind: type[BaseException]
) -> None:
    class Interrupted(k.layers.Layer):
        def build(self, input_shape: Any) -> None:
            raise kind

        def call(self, inputs: Any) -> Any:
            return inputs

    before = snapshot()
    with pytest.raises(kind), buildtrace.trace() as trace:
        k.Sequential([k.layers.Dense(2), Interrupted()]).build((None, 3))
    assert not patched_since(before)
    assert trace.calls
    assert trace.find("Sequential.build")[0].error.type == kind.__name__
    # The next trace starts afresh.
    with buildtrace.trace() as trace:
        mlp(k).build((None, 3))
    assert [call.name for call in trace.roots] == ["Sequential.build"]


# -- nothing is left behind -------------------------------------------------------------------


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
        k.keras.backend.clear_session()
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
    assert [call.name for call in trace.roots] == ["Sequential.build"]


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


# -- threads ----------------------------------------------------------------------------------


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


# -- deep models ------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("length", [980])
def test_a_deep_chain_builds_traced_as_it_does_untraced(k: Keras, length: int) -> None:
    """In a thread, whose stack begins afresh: pytest's own frames would eat into the limit."""
    outcomes: list[Any] = []

    def deep(traced: bool) -> None:
        x = y = k.Input((1,))
        for _ in range(length):
            y = k.layers.Activation("linear")(y)
        limit = sys.getrecursionlimit()
        with buildtrace.trace() if traced else contextlib.nullcontext() as trace:
            try:
                model = k.Model(x, y)
                outcomes.append(len(model.layers))
            except RecursionError:
                outcomes.append("RecursionError")
        assert sys.getrecursionlimit() == limit
        outcomes.append(trace)

    for traced in (False, True):
        thread = threading.Thread(target=deep, args=(traced,))
        thread.start()
        thread.join()
    assert outcomes[0] == length + 1, "even plain Keras cannot build this"
    assert outcomes[2] == outcomes[0]
    assert len(outcomes[3].find("_build_map_helper")) >= length


@pytest.mark.slow
def test_a_chain_too_deep_fails_alike(k: Keras) -> None:
    def deep() -> str:
        x = y = k.Input((1,))
        for _ in range(1300):
            y = k.layers.Activation("linear")(y)
        try:
            model = k.Model(x, y)
        except RecursionError:
            return "RecursionError"
        return str(len(getattr(model, "_nodes_by_depth", ())))

    plain = deep()
    limit = sys.getrecursionlimit()
    with buildtrace.trace():
        traced = deep()
    assert traced == plain
    assert sys.getrecursionlimit() == limit


# -- a fresh process --------------------------------------------------------------------------

BEFORE_IMPORT = """
import sys
import buildtrace
assert not {{"keras", "tf_keras", "tensorflow"}} & set(sys.modules)
with buildtrace.trace() as trace:
    {imports}
    model = keras.Sequential([keras.layers.Dense(4), keras.layers.Dense(2)])
    model.build((None, 3))
    import {package}.src.{late}
names = [call.name for call in trace.roots]
assert names == ["Sequential.build"], names
assert len(trace.find("Dense.build")) == 2
assert len(trace.weights) == 4
assert [graph.model.name for graph in trace.graphs] == [model.name]
sys.path[:0] = {paths!r}
from patches import is_ours, keras_classes, keras_modules
left = [
    (owner, name)
    for owner in keras_modules() + keras_classes(keras_modules())
    for name, value in list(vars(owner).items())
    if is_ours(value)
]
assert not left, left
assert not [f for f in sys.meta_path if "buildtrace" in str(getattr(f, "__module__", ""))]
model = keras.Sequential([keras.layers.Dense(4)])
model.build((None, 3))
print("fine")
"""


@pytest.mark.parametrize("spelling", ["package", "tf.keras"])
@pytest.mark.parametrize("which", GENERATIONS, ids=lambda k: k.name)
def test_tracing_starts_before_keras_is_imported(which: Keras, spelling: str) -> None:
    environment = dict(os.environ, TF_CPP_MIN_LOG_LEVEL="3")
    imports = f"import {which.package} as keras"
    if spelling == "tf.keras":
        if not which.tensorflow:
            pytest.skip("no TensorFlow here")
        imports = "import tensorflow as tf; keras = tf.keras"
        environment["TF_USE_LEGACY_KERAS"] = str(int(which.package == "tf_keras"))
    script = BEFORE_IMPORT.format(
        imports=imports,
        package=which.package,
        late="models.cloning",
        paths=[str(Path(__file__).parents[1])],
    )
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "fine"


def test_the_function_is_not_hidden_by_the_module_of_its_name() -> None:
    script = (
        "import buildtrace, buildtrace.trace, buildtrace.capture, buildtrace.serialize\n"
        "from buildtrace.trace import Trace\n"
        "assert buildtrace.Trace is Trace\n"
        "with buildtrace.trace() as trace: pass\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_importing_buildtrace_imports_no_keras() -> None:
    script = (
        "import sys, buildtrace, buildtrace.capture, buildtrace.generations\n"
        "buildtrace.trace\n"
        "print([m for m in ('keras', 'tf_keras', 'tensorflow', 'rich') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr
