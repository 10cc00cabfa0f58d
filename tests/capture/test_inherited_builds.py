"""Builds that are reached by `super()`, or through a class: seen, and not to be noticed."""

from __future__ import annotations

import copy
import functools
import gc
import inspect
import io
import pdb
import pickle
import types
import weakref
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest
from faithful import both
from patches import live_wrappers, patched_since, snapshot
from scenarios import Keras, data, mlp

import buildtrace
from buildtrace.capture import Tracing

if TYPE_CHECKING:
    from collections.abc import Callable


def own_dense(k: Keras) -> type:
    class Own(k.layers.Dense):
        def build(self, input_shape: Any) -> None:
            super().build(input_shape)

    return Own


def builds(trace: Any) -> list[str]:
    """Each run of a `build` of the own class or of `Dense`, below those around it."""
    found = [call for call in trace.calls if call.name in ("Own.build", "Dense.build")]
    return ["> " * sum(c in found for c in trace.ancestors(call)) + call.name for call in found]


# -- what users see of it ---------------------------------------------------------------------


def test_the_inherited_build_is_between_the_own_one_and_the_weights(k: Keras) -> None:
    layer = own_dense(k)(2)
    with buildtrace.trace() as trace:
        layer.build((None, 3))
    (dense,) = trace.find("Dense.build")
    assert trace.call(dense.parent).name == "Own.build"
    assert dense.layer.name == layer.name
    assert [spec.shape for spec in dense.inputs] == [(None, 3)]
    assert dense.caller.line == inspect.getsourcelines(vars(type(layer))["build"])[1] + 1
    kernel, bias = trace.find("Layer.add_weight")
    assert kernel.parent == bias.parent == dense.id
    assert [len(trace.index.builds_of(ref)) for ref in trace.layers] == [1]


def test_a_mixin_is_where_it_is_in_the_order_of_resolution(k: Keras) -> None:
    class Mixin:
        def build(self, input_shape: Any) -> None:
            super().build(input_shape)  # type: ignore[misc]

    class Own(Mixin, k.layers.Dense):
        def build(self, input_shape: Any) -> None:
            super().build(input_shape)

    with buildtrace.trace() as trace:
        Own(2).build((None, 3))
    # The mixin is no layer, and its build is none of a layer.
    assert builds(trace) == ["Own.build", "> Dense.build"]


def test_two_tracers_that_overlap_both_see_it(k: Keras) -> None:
    first, second = Tracing(), Tracing()
    before = snapshot()
    first.start()
    layers = [own_dense(k)(2) for _ in range(3)]
    layers[0].build((None, 3))
    second.start()
    layers[1].build((None, 3))
    first.stop()
    layers[2].build((None, 3))
    second.stop()
    assert not patched_since(before)
    own_dense(k)(2).build((None, 3))
    for tracing in (first, second):
        assert builds(tracing.trace) == ["Own.build", "> Dense.build"] * 2


def test_a_debugger_can_step_from_keras_into_keras(k: Keras) -> None:
    """As docs/library.md says it can be told to."""
    layer = own_dense(k)(2)
    lines, first = inspect.getsourcelines(vars(type(layer))["build"])
    said = io.StringIO()
    commands = "\n".join([f"b {__file__}:{first + len(lines) - 1}", "c", "s", "w", "c"])
    with buildtrace.trace():
        debugger = pdb.Pdb(skip=["buildtrace.*"], stdin=io.StringIO(commands), stdout=said)
        debugger.use_rawinput, debugger.nosigint = False, True
        debugger.runcall(layer.build, (None, 3))
    assert len(layer.weights) == 2
    dense = inspect.getsourcelines(inspect.unwrap(k.layers.Dense.build))[1]
    assert f"--Call--\n> {inspect.getsourcefile(k.layers.Dense)}({dense})" in said.getvalue()


# -- what looks at `build` --------------------------------------------------------------------


def is_overridden(k: Keras) -> list[bool]:
    base, dense = k.layers.Layer, k.layers.Dense
    return [
        dense.build is dense.build,
        dense.build is base.build,
        own_dense(k).build is dense.build,
        type("Inherits", (dense,), {}).build is dense.build,
        dense.build is vars(dense)["build"],
    ]


def bound(k: Keras) -> list[Any]:
    """A method of an object, as it is found above its class."""
    layer = own_dense(k)(2)
    build = super(type(layer), layer).build
    return [
        type(build),
        build.__name__,
        build.__self__ is layer,
        inspect.signature(build),
        inspect.signature(functools.wraps(build)(lambda shape: build(shape))),
        inspect.getsource(build),
    ]


def wrapped(k: Keras) -> list[Any]:
    """What Keras has of a `build` that a decorator took from the class."""

    class Own(k.layers.Dense):
        def build(self, input_shape: Any) -> None:
            super().build(input_shape)

    @functools.wraps(Own.build)
    def around(self: Any, input_shape: Any) -> Any:
        return original(self, input_shape)

    original, Own.build = Own.build, around
    layer = Own(2)
    layer(data(1, 3))
    return [inspect.signature(layer.build), layer.built, sorted(vars(around)), len(layer.weights)]


def replaced(k: Keras) -> list[Any]:
    """What mock makes of it, which knows functions by their class."""
    seen: list[Any] = []
    for look in (lambda: k.layers.Dense.build, lambda: vars(k.layers.Dense)["build"]):
        build = look()
        with mock.patch.object(k.layers.Dense, "build", autospec=True, side_effect=build) as spy:
            layer = k.layers.Dense(2)
            layer.build((None, 3))
        seen += [len(layer.weights), spy.call_args == mock.call(layer, (None, 3)), type(spy)]
    return seen


def sent(k: Keras) -> list[Any]:
    """By pickle, which takes the name of a function, and by copying."""
    build = k.layers.Dense.build
    return [
        pickle.loads(pickle.dumps(build)) is build,
        copy.copy(build) is build,
        copy.deepcopy(build) is build,
        copy.deepcopy({"build": build})["build"] is build,
    ]


def by_other_ways(k: Keras) -> list[Any]:
    """Everything that calls a function calls it."""
    layers = [k.layers.Dense(2) for _ in range(5)]
    build = k.layers.Dense.build
    build(layers[0], (None, 3))
    build.__call__(layers[1], (None, 3))
    build.__get__(layers[2])((None, 3))
    types.MethodType(build, layers[3])(input_shape=(None, 3))
    functools.partial(build, layers[4])((None, 3))
    return [len(layer.weights) for layer in layers]


def copied_class(k: Keras) -> list[Any]:
    """What makes a class anew has its dictionary, as dataclasses and attrs do for slots."""
    own = own_dense(k)
    names = {name: value for name, value in vars(own).items() if name != "__dict__"}
    twin = type(own)("Twin", (k.layers.Dense,), names)
    return [twin.build is own.build, vars(twin)["build"] is vars(own)["build"]]


def marked(k: Keras) -> list[Any]:
    own = own_dense(k)
    vars(own)["build"].mark = 1
    own.build.other = 2
    del own.build.other
    return [vars(own.build), own.build.mark, hasattr(k.layers.Layer.build, "_is_default")]


WAYS = (is_overridden, bound, wrapped, replaced, sent, by_other_ways, copied_class, marked)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_what_is_done_with_build_is_as_untraced(
    k: Keras, way: Callable[[Keras], list[Any]]
) -> None:
    if k.generation == 2:
        pytest.skip("a hook like any other there")
    before = snapshot()
    plain, traced = both(lambda: [repr(part) for part in way(k)])
    assert traced == plain
    assert not patched_since(before)


def test_a_class_that_is_sent_as_it_is_has_its_function(k: Keras) -> None:
    """As dill and cloudpickle send what is in a class of a script."""
    if k.generation == 2:
        pytest.skip("a hook like any other there")
    with buildtrace.trace():
        own = own_dense(k)
        held = vars(own)["build"]
        make, arguments = held.__reduce_ex__(4)
        assert isinstance(held, types.FunctionType)
    assert make(*arguments) is vars(own)["build"]
    assert type(vars(own)["build"]) is types.FunctionType


def test_each_way_to_call_it_is_recorded_once(k: Keras) -> None:
    with buildtrace.trace() as trace:
        by_other_ways(k)
    assert len(trace.find("Dense.build")) == 5


# -- held longer than there are hooks ---------------------------------------------------------


def test_what_was_kept_works_afterwards_and_is_seen_once(k: Keras) -> None:
    own = own_dense(k)
    layers = [own(2) for _ in range(4)]
    with buildtrace.trace():
        kept = [
            functools.partial(k.layers.Dense.build, layers[0]),
            functools.partial(vars(k.layers.Dense)["build"], layers[1]),
            functools.partialmethod(k.layers.Dense.build).__get__(layers[2], own),
            super(own, layers[3]).build,
        ]
    for build in kept:
        build((None, 3))
    assert [len(layer.weights) for layer in layers] == [2, 2, 2, 2]
    with buildtrace.trace() as trace:
        own(2).build((None, 3))
    assert builds(trace) == ["Own.build", "> Dense.build"]


def test_what_was_put_back_too_late_does_no_harm(k: Keras) -> None:
    """As pytest's monkeypatch does at the end of a test that was traced."""
    original = vars(k.layers.Dense)["build"]
    for _ in range(3):
        with buildtrace.trace():
            held = vars(k.layers.Dense)["build"]
        k.layers.Dense.build = held
    try:
        with buildtrace.trace() as trace:
            k.Sequential([k.layers.Dense(2), own_dense(k)(2)]).build((None, 3))
        assert len(trace.find("Dense.build")) == 2
        assert vars(k.layers.Dense)["build"] is original
    finally:
        k.layers.Dense.build = original


def test_nothing_of_it_stays_alive(k: Keras) -> None:
    before = snapshot()
    with buildtrace.trace():
        held = weakref.ref(vars(k.layers.Dense)["build"])
        model = k.Sequential([own_dense(k)(2), k.layers.Dense(1)])
        model.build((None, 3))
    gc.collect()
    assert not patched_since(before)
    assert not live_wrappers()
    assert held() is None
    model(data(1, 3))


def shapes_of(copied: Callable[[], Any]) -> Any:
    try:
        return [weight.shape for weight in copied().weights]
    except (AttributeError, TypeError, ValueError) as error:  # of an older Keras itself
        return type(error)


def test_copies_of_layers_with_inherited_builds(k: Keras, tmp_path: Any) -> None:
    def run() -> list[Any]:
        layer = k.layers.TimeDistributed(k.layers.Dense(2, name="inner"), name="outer")
        model = k.Sequential([k.Input((4, 3)), layer], name="model")
        path = str(tmp_path / "model.keras")
        model.save(path)
        ways: list[Callable[[], Any]] = [
            lambda: k.keras.models.clone_model(model),
            lambda: k.keras.models.load_model(path),
            lambda: pickle.loads(pickle.dumps(model)),
            lambda: copy.deepcopy(model),
        ]
        return list(map(shapes_of, ways))

    plain, traced = both(run)
    assert repr(traced) == repr(plain)
    assert isinstance(plain[0], list)


def test_a_layer_made_while_tracing_is_built_once_afterwards(k: Keras) -> None:
    own = own_dense(k)
    with buildtrace.trace():
        layers = [own(2), own_dense(k)(2), *mlp(k).layers]
    with buildtrace.trace() as trace:
        for layer in layers:
            layer.build((None, 3))
    assert len(trace.find("Dense.build")) == 4
