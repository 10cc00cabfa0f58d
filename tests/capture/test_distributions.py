"""What a trace says of Keras' distributions, against what Keras itself made of them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

import buildtrace
from buildtrace.traces import trace_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scenarios import Keras

    from buildtrace.traces.schema import Distribution
    from buildtrace.traces.trace import Trace

DEVICES = 8
NAMES = [f"cpu:{number}" for number in range(DEVICES)]


@pytest.fixture
def d(k: Keras) -> Iterator[Any]:
    """`keras.distribution`; none is set when the test is over."""
    if k.generation == 2:
        pytest.skip("Keras 2 has none")
    if k.tensorflow and k.version < (3, 15):
        pytest.skip("it asks TensorFlow for the number of processes, which is not told")
    yield k.keras.distribution
    k.keras.distribution.set_distribution(None)


@pytest.fixture
def jax(k: Keras, d: Any) -> None:
    """For tests of what distributions do."""
    if k.keras.backend.backend() != "jax" or len(d.list_devices()) != DEVICES:
        pytest.skip(f"for JAX, with {DEVICES} devices")


def mesh(d: Any) -> Any:
    return d.DeviceMesh((2, 4), ("batch", "model"), NAMES)


def parallel(k: Keras, d: Any, layouts: Any, cls: Any = None) -> Any:
    given = {"device_mesh": layouts.device_mesh} if k.version < (3, 4) else {}
    return (cls or d.ModelParallel)(layout_map=layouts, batch_dim_name="batch", **given)


def model(k: Keras, units: int = 4) -> Any:
    layers = k.layers
    inner = [layers.Dense(8, name="first"), layers.BatchNormalization(), layers.Dropout(0.5)]
    return k.keras.Sequential(
        [k.Input((16,)), *inner, layers.Dense(units, name="second")], name="toy"
    )


def spec_of(variable: Any) -> tuple[tuple[str, ...], ...]:
    """Along which axes of a mesh the real value is split, without the last ones that are not."""
    axes = [
        () if axis is None else (axis,) if isinstance(axis, str) else tuple(axis)
        for axis in variable.value.sharding.spec
    ]
    while axes and not axes[-1]:
        axes.pop()
    return tuple(axes)


def stripped(axes: tuple[tuple[str, ...], ...]) -> tuple[tuple[str, ...], ...]:
    while axes and not axes[-1]:
        axes = axes[:-1]
    return axes


def only(trace: Trace) -> Distribution:
    (distribution,) = trace.distributions
    return distribution


def line() -> int:
    """The line that calls this."""
    return sys._getframe(1).f_lineno


def test_each_variable_is_split_as_its_value_is(k: Keras, d: Any, jax: None) -> None:
    with buildtrace.trace() as trace:
        layouts = d.LayoutMap(mesh(d))
        layouts[".*first/kernel"] = (None, "model")
        layouts[".*first/bias"] = ("model",)
        layouts[".*second/kernel"] = ("batch", "model")
        with parallel(k, d, layouts).scope():
            made = model(k)
            made.compile("adam", "mse")
            made.optimizer.build(made.trainable_variables)
    real = {variable.path: variable for variable in (*made.weights, *made.optimizer.variables)}
    told = {one.path: one for one in (*trace.weights, *trace.variables)}
    assert set(real) <= set(told)
    patterns = [entry.pattern for entry in only(trace).patterns]
    assert patterns == list(layouts)
    for path, variable in real.items():
        layout = told[path].layout
        assert layout is not None, path
        assert layout.distribution == 0
        assert stripped(layout.axes) == spec_of(variable), path
    for weight in made.weights:
        layout = told[weight.path].layout
        found = None if layout.pattern is None else layouts[patterns[layout.pattern]]
        assert found is layouts[weight.path], weight.path
    assert {stripped(told[weight.path].layout.axes) for weight in made.weights} == {
        (), ((), ("model",)), (("model",),), (("batch",), ("model",))
    }  # fmt: skip


def test_what_a_distribution_is_and_where_it_was_set(k: Keras, d: Any) -> None:
    with buildtrace.trace() as trace:
        layouts = d.LayoutMap(mesh(d))
        first = line() + 1
        layouts[".*kernel"] = (None, "model")
        d.set_distribution(parallel(k, d, layouts))
        model(k)
    told = only(trace)
    assert told.class_name == "ModelParallel"
    assert (told.mesh_axes, told.mesh_shape) == (("batch", "model"), (2, 4))
    assert told.batch_axis == "batch"
    assert told.devices == DEVICES
    (entry,) = told.patterns
    assert entry.axes == ((), ("model",))
    assert (entry.caller.file, entry.caller.line) == (__file__, first)
    assert (told.caller.file, told.caller.line) == (__file__, first + 1)


def test_a_scope_is_at_the_line_that_enters_it(k: Keras, d: Any) -> None:
    with buildtrace.trace() as trace:
        layouts = d.LayoutMap(mesh(d))
        number = line() + 1
        with parallel(k, d, layouts).scope():
            model(k)
    assert only(trace).caller.line == number
    assert d.distribution() is None


def test_which_entries_were_found_for_anything(k: Keras, d: Any, jax: None) -> None:
    with buildtrace.trace() as trace:
        layouts = d.LayoutMap(mesh(d))
        layouts[".*first/kernel"] = (None, "model")
        layouts[".*second/output"] = ("batch", None)
        layouts[".*third/kernel"] = (None, "model")
        d.set_distribution(parallel(k, d, layouts))
        model(k)
    kernel, output, never = only(trace).patterns
    assert (kernel.variables, kernel.outputs) == (1, ())
    assert (output.variables, output.outputs) == (0, ("toy/second/output",))
    assert (never.variables, never.outputs) == (0, ())
    assert only(trace).variables >= len(trace.weights)
    assert only(trace).outputs >= 4


def test_which_paths_an_entry_matches_in_part(k: Keras, d: Any, jax: None) -> None:
    """Whether Keras takes the entry for these as well depends on its version."""
    with buildtrace.trace() as trace:
        layouts = d.LayoutMap(mesh(d))
        layouts["second/kernel"] = (None, "model")
        layouts[".*first/kernel"] = (None, "model")
        layouts[".*norm.*/gam"] = (None,)
        layouts[".*first/out"] = ("batch", None)
        d.set_distribution(parallel(k, d, layouts))
        model(k)
    found = [
        [(one.path, one.start, one.end) for one in entry.partly] for entry in only(trace).patterns
    ]
    gamma = next(weight.path for weight in trace.weights if weight.name == "gamma")
    assert found == [
        [("toy/second/kernel", 4, 17)],
        [],
        [(gamma, 0, len(gamma) - 2)],
        [("toy/first/output", 0, 13)],
    ]
    searches = k.version < (3, 14)
    assert [entry.variables for entry in only(trace).patterns] == [searches, 1, searches, 0]
    assert bool(only(trace).patterns[3].outputs) == searches


def test_an_entry_that_shares_its_layout_with_another(k: Keras, d: Any, jax: None) -> None:
    with buildtrace.trace() as trace:
        layouts = d.LayoutMap(mesh(d))
        columns = d.TensorLayout((None, "model"), layouts.device_mesh)
        layouts["toy/first/kernel"] = columns
        layouts[".*second/kernel"] = columns
        layouts[".*nothing"] = columns
        d.set_distribution(parallel(k, d, layouts))
        model(k)
    found = {weight.path: weight.layout.pattern for weight in trace.weights}
    assert (found["toy/first/kernel"], found["toy/second/kernel"]) == (0, 1)
    assert only(trace).patterns[2].variables == 0


def test_what_was_there_before_the_trace(k: Keras, d: Any, jax: None) -> None:
    layouts = d.LayoutMap(mesh(d))
    layouts[".*kernel"] = (None, "model")
    d.set_distribution(parallel(k, d, layouts))
    made = model(k)
    with buildtrace.trace() as trace:
        made.compile("sgd", "mse")
        k.keras.Sequential([made, k.layers.Dense(4, name="third")]).build((None, 16))
    told = only(trace)
    assert told.caller is None
    assert [entry.caller for entry in told.patterns] == [None]
    assert told.variables < len(trace.weights) + len(trace.variables)
    kernels = [weight for weight in trace.weights if weight.name == "kernel"]
    assert len(kernels) == 3
    assert {weight.layout.axes for weight in kernels} == {((), ("model",))}
    assert {weight.layout.pattern for weight in kernels} == {0}


def test_two_distributions_in_one_trace(k: Keras, d: Any, jax: None) -> None:
    with buildtrace.trace() as trace:
        with d.DataParallel(devices=NAMES).scope():
            first = model(k)
        layouts = d.LayoutMap(mesh(d))
        layouts[".*second/kernel"] = (None, "model")
        with parallel(k, d, layouts).scope():
            second = model(k)
        third = model(k)
    assert [one.class_name for one in trace.distributions] == ["DataParallel", "ModelParallel"]
    assert [len(one.patterns) for one in trace.distributions] == [0, 1]
    assert trace.distributions[0].batch_axis == "batch"
    wholes = [len(made.weights) for made in (first, second, third)]
    told = [weight.layout and weight.layout.distribution for weight in trace.weights]
    assert told == [0] * wholes[0] + [1] * wholes[1] + [None] * wholes[2]


def test_a_variable_that_cannot_be_split_so(k: Keras, d: Any, jax: None) -> None:
    layouts = d.LayoutMap(mesh(d))
    layouts[".*second/kernel"] = (None, "model")
    d.set_distribution(parallel(k, d, layouts))
    with buildtrace.trace() as trace, pytest.raises(ValueError, match="divi"):
        model(k, units=6)
    (unmade,) = only(trace).unmade
    assert (unmade.path, unmade.shape, unmade.pattern) == ("toy/second/kernel", (8, 6), 0)
    assert (unmade.dtype, unmade.axes) == ("float32", ((), ("model",)))
    call = trace.calls[unmade.call]
    assert call.landmark == "Layer.add_weight"
    assert call.error is not None
    assert unmade.path not in {weight.path for weight in trace.weights}


def test_a_class_of_the_users_own(k: Keras, d: Any, jax: None) -> None:
    class Mine(d.ModelParallel):  # type: ignore[misc]
        def get_variable_layout(self, variable: Any) -> Any:
            if variable.path.endswith("bias"):
                return d.TensorLayout(("model",), self.device_mesh)
            return super().get_variable_layout(variable)

    with buildtrace.trace() as trace:
        layouts = d.LayoutMap(mesh(d))
        layouts[".*kernel"] = (None, "model")
        d.set_distribution(parallel(k, d, layouts, Mine))
        made = model(k)
    assert only(trace).class_name == "Mine"
    told = {weight.path: weight.layout for weight in trace.weights}
    for weight in made.weights:
        assert stripped(told[weight.path].axes) == spec_of(weight)
        is_kernel = weight.path.endswith("kernel")
        assert told[weight.path].pattern == (0 if is_kernel else None)
    assert only(trace).patterns[0].variables == 2


def test_an_entry_that_was_added_after_the_distribution_was_set(
    k: Keras, d: Any, jax: None
) -> None:
    with buildtrace.trace() as trace:
        layouts = d.LayoutMap(mesh(d))
        d.set_distribution(parallel(k, d, layouts))
        layouts[".*kernel"] = (None, "model")
        model(k)
        layouts[".*late"] = (None, "model")
    assert [entry.pattern for entry in only(trace).patterns] == [".*kernel", ".*late"]
    assert None not in [entry.caller for entry in only(trace).patterns]


def test_the_same_values_come_out_with_a_trace_and_without(k: Keras, d: Any, jax: None) -> None:
    def values() -> list[Any]:
        k.keras.utils.set_random_seed(1)
        layouts = d.LayoutMap(mesh(d))
        layouts[".*kernel"] = (None, "model")
        with parallel(k, d, layouts).scope():
            return [(weight.path, weight.numpy().tolist()) for weight in model(k).weights]

    plain = values()
    k.clear_session()
    with buildtrace.trace():
        traced = values()
    assert traced == plain


def test_where_it_does_nothing_no_variable_has_a_layout(k: Keras, d: Any) -> None:
    if k.keras.backend.backend() == "jax":
        pytest.skip("it does something there")
    with buildtrace.trace() as trace:
        layouts = d.LayoutMap(mesh(d))
        layouts[".*kernel"] = (None, "model")
        d.set_distribution(parallel(k, d, layouts))
        model(k)
    assert only(trace).class_name == "ModelParallel"
    assert only(trace).variables == 0
    assert {weight.layout for weight in trace.weights} == {None}


def test_none_is_told_of_if_none_is_set(k: Keras) -> None:
    with buildtrace.trace() as trace:
        model(k)
    assert trace.distributions == ()
    assert {weight.layout for weight in trace.weights} == {None}


def test_one_that_was_over_before_the_trace_is_not_told_of(k: Keras, d: Any) -> None:
    layouts = d.LayoutMap(mesh(d))
    with buildtrace.trace():
        with parallel(k, d, layouts).scope():
            model(k)
        with buildtrace.trace() as second:
            model(k)
    assert second.distributions == ()


def test_it_is_in_the_trace_file(k: Keras, d: Any) -> None:
    with buildtrace.trace() as trace:
        layouts = d.LayoutMap(mesh(d))
        layouts[".*kernel"] = (None, "model")
        with parallel(k, d, layouts).scope():
            model(k)
    loaded = trace_file.from_json(trace_file.to_json(trace))
    assert loaded.distributions == trace.distributions
    assert loaded.weights == trace.weights
