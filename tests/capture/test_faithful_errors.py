"""Errors are those of plain Keras: type, text, chain and traceback."""

from __future__ import annotations

import contextlib
import sys
import traceback
from typing import TYPE_CHECKING, Any

import pytest
from faithful import both, fresh, without_addresses
from scenarios import (
    Keras,
    data,
    failing_layer,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def inside_build(k: Keras) -> None:
    k.Sequential([k.layers.Dense(2), failing_layer(k)]).build((None, 3))


def inside_build_lazily(k: Keras) -> None:
    k.Sequential([k.layers.Dense(2), failing_layer(k)])(data(1, 3))


def inside_an_inherited_build(k: Keras) -> None:
    class Own(type(failing_layer(k))):
        def build(self, input_shape: Any) -> None:
            super().build(input_shape)

    k.Sequential([k.layers.Dense(2), Own()]).build((None, 3))


def of_an_inherited_build(k: Keras) -> None:
    class Own(k.layers.Dense):
        def build(self, input_shape: Any) -> None:
            super().build(input_shape, nonsense=1)

    Own(2)(k.Input((3,)))


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


def from_another(k: Keras) -> None:
    """An error with a cause, a context and a note, each of which went through landmarks."""

    class Failing(k.layers.Layer):
        def build(self, input_shape: Any) -> None:
            try:
                self.add_weight(shape="three", nonsense=1)
            except Exception as cause:
                try:
                    k.layers.Dense(2)(k.Input((3,)), nonsense=3)
                except Exception as error:
                    if sys.version_info >= (3, 11):
                        error.add_note("a note")
                    raise RuntimeError("outer") from cause

        def call(self, inputs: Any) -> Any:
            return inputs

    k.Sequential([k.layers.Dense(2), Failing()]).build((None, 3))


def no_such_class_argument(k: Keras) -> None:
    class Failing(k.layers.Layer, nonsense=1):  # type: ignore[call-arg, misc]
        pass


def in_init_subclass(k: Keras) -> None:
    class Picky:
        def __init_subclass__(cls, **kwargs: Any) -> None:
            super().__init_subclass__(**kwargs)
            raise ValueError(cls.__name__)

    class Failing(k.layers.Layer, Picky):
        pass


def fitted(k: Keras, *layers: Any) -> None:
    model = k.Sequential([k.layers.Dense(2, kernel_initializer="ones"), *layers])
    model.compile("sgd", "mse")
    model.fit(data(1, 3), data(1, 2), verbose=0)


def in_user_code(k: Keras) -> None:
    """Keras 2 tells in the error's text where in the user's code it was."""

    class Failing(k.layers.Layer):
        def call(self, inputs: Any) -> Any:
            if inputs is not None:
                return inputs.no_such_thing
            return inputs

    fitted(k, Failing())


def in_a_build_in_fit(k: Keras) -> None:
    fitted(k, failing_layer(k))


def tensorflow(k: Keras) -> Any:
    return pytest.importorskip("tensorflow") if k.tensorflow else pytest.skip("not TensorFlow")


def in_a_graph_that_runs(k: Keras) -> None:
    """TensorFlow tells in the error's text in which frames the operation was made."""
    tf = tensorflow(k)

    class Failing(k.layers.Layer):
        def call(self, inputs: Any) -> Any:
            tf.debugging.assert_less(inputs, 0.5)
            return inputs

    fitted(k, Failing())


def in_an_eager_operation(k: Keras) -> None:
    tf = tensorflow(k)

    class Failing(k.keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.inner = k.layers.Dense(2)

        def call(self, inputs: Any) -> Any:
            return tf.matmul(tf.nn.relu(self.inner(inputs)), tf.ones((3, 3)))

    Failing()(data(1, 3))


ERRORS = [
    inside_build,
    inside_build_lazily,
    inside_an_inherited_build,
    of_an_inherited_build,
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
    from_another,
    no_such_class_argument,
    in_init_subclass,
    in_user_code,
    in_a_build_in_fit,
    in_a_graph_that_runs,
    in_an_eager_operation,
]


NO_ERROR = ("", "", [""])


def report_of(k: Keras, fails: Callable[[Keras], None]) -> tuple[str, str, list[str]]:
    fresh(k)
    try:
        fails(k)
    except Exception as error:
        chain = [type(e).__name__ for e in (error, error.__cause__, error.__context__)]
        lines = without_addresses("".join(traceback.format_exception(error))).splitlines()
        return str(chain), without_addresses(str(error)), lines
    return NO_ERROR


@contextlib.contextmanager
def filtering(k: Keras, filtered: bool) -> Iterator[None]:
    """With Keras' own frames taken out of tracebacks by Keras, as is usual, or left in."""
    switches = k.keras.config if k.generation == 3 else tensorflow(k).debugging
    if not filtered:
        switches.disable_traceback_filtering()
    try:
        yield
    finally:
        switches.enable_traceback_filtering()


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    "filtered", [True, pytest.param(False, marks=pytest.mark.slow)], ids=["filtered", "unfiltered"]
)
@pytest.mark.parametrize("fails", ERRORS, ids=lambda f: f.__name__)
def test_errors_are_those_of_keras(
    k: Keras, fails: Callable[[Keras], None], filtered: bool
) -> None:
    with filtering(k, filtered):
        plain, traced = both(lambda: report_of(k, fails))
    if k.package == "tf_keras" and k.version == (2, 16) and "generated" in plain[1]:
        pytest.skip("TensorFlow 2.16's autograph rewrites tf_keras 2.16, and not our hooks")
    assert traced[:2] == plain[:2]
    if plain == NO_ERROR:
        pytest.skip("this Keras does not mind")
    if sys.version_info >= (3, 11):
        assert traced[2] == plain[2]
