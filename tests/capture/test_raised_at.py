"""Which line of Keras raised what a build failed of, against the traceback of a run without us.

There Keras is told to leave all frames in the traceback.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scenarios import Keras, data

import buildtrace
from buildtrace.traces.failures import failure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from buildtrace.traces.schema import ErrorInfo


@contextlib.contextmanager
def whole_tracebacks(k: Keras) -> Iterator[None]:
    """All frames stay in tracebacks."""
    if k.generation == 3:
        settings = k.keras.config
    else:
        settings = importlib.import_module("tensorflow").debugging
    settings.disable_traceback_filtering()
    try:
        yield
    finally:
        settings.enable_traceback_filtering()


def calling(k: Keras, function: Callable[[Any], Any]) -> Any:
    """A layer of the user's that does nothing but call the function."""

    class Calling(k.layers.Layer):  # type: ignore[name-defined, misc]
        def call(self, x: Any) -> Any:
            return function(x)

    return Calling()


# -- Keras' own lines -------------------------------------------------------------------------


def wrong_size(k: Keras) -> None:
    dense = k.layers.Dense(4)
    dense(k.Input((8,)))
    dense(k.Input((9,)))


def wrong_rank(k: Keras) -> None:
    k.layers.LSTM(4)(k.Input((8,)))


def wrong_size_in_a_call(k: Keras) -> None:
    dense = k.layers.Dense(4)
    dense(data(2, 8))
    calling(k, dense)(data(2, 9))


def shapes_that_cannot_be_joined(k: Keras) -> None:
    k.layers.Concatenate()([k.Input((3, 4)), k.Input((5, 6))])


def cannot_be_reshaped(k: Keras) -> None:
    k.Sequential([k.Input((8,)), k.layers.Reshape((3, 4))])


def unknown_name_in_a_constructor(k: Keras) -> None:
    k.layers.Dense(3, activation="no such activation")


def unknown_name_in_a_call(k: Keras) -> None:
    calling(k, lambda x: k.keras.activations.get("no such activation")(x))(data(2, 3))


def unknown_name_in_a_build(k: Keras) -> None:
    class Own(k.layers.Layer):  # type: ignore[name-defined, misc]
        def build(self, shape: Any) -> None:
            k.keras.initializers.get("no such initializer")

        def call(self, x: Any) -> Any:
            return x

    Own()(data(2, 3))


def not_connected(k: Keras) -> None:
    k.Model(k.Input((3,)), k.layers.Dense(2)(k.Input((3,))))


def operation_that_keras_runs(k: Keras) -> None:
    """The backend raises; the call of it is Keras'."""
    matmul = k.keras.ops.matmul if k.generation == 3 else k.keras.backend.dot
    calling(k, lambda x: matmul(x, x))(data(2, 3))


BY_KERAS = [
    wrong_size,
    wrong_rank,
    wrong_size_in_a_call,
    shapes_that_cannot_be_joined,
    cannot_be_reshaped,
    unknown_name_in_a_constructor,
    unknown_name_in_a_call,
    unknown_name_in_a_build,
    not_connected,
    operation_that_keras_runs,
]


def traced(k: Keras, fail: Callable[[Keras], None]) -> ErrorInfo:
    refused = False
    try:
        with buildtrace.trace() as trace:
            fail(k)
    except Exception:
        refused = True
    if not refused:
        pytest.skip("this Keras does not refuse it")
    failed = failure(trace)
    assert failed is not None
    return failed.error


def innermost_of_keras(k: Keras, fail: Callable[[Keras], None]) -> tuple[str, int | None]:
    """The file and line of Keras that is nearest to where the exception was raised."""
    folder = Path(k.keras.__file__).parent
    frames = traceback.StackSummary()
    with whole_tracebacks(k):
        try:
            fail(k)
        except Exception as error:
            frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if folder in Path(frame.filename).parents]
    assert own[-1].name != "error_handler"
    return own[-1].filename, own[-1].lineno


@pytest.mark.parametrize("fail", BY_KERAS, ids=lambda fail: fail.__name__)
def test_it_is_the_line_of_keras_nearest_to_the_raise(
    k: Keras, fail: Callable[[Keras], None]
) -> None:
    place = traced(k, fail).raised_at
    assert place is not None
    assert (place.file, place.line) == innermost_of_keras(k, fail)


def test_the_error_that_the_program_gets_has_it_as_well(k: Keras) -> None:
    with contextlib.suppress(ValueError), buildtrace.trace() as trace:
        wrong_size(k)
    assert trace.error is not None
    assert trace.error.raised_at == traced(k, wrong_size).raised_at


# -- the user's own ---------------------------------------------------------------------------


def raises(x: Any) -> Any:
    raise ValueError(x.shape)


def has_numpy_raise(x: Any) -> Any:
    return np.linalg.inv(np.ones((2, 3)))


def has_python_raise(x: Any) -> Any:
    return json.loads("no JSON")


def is_called_with_too_much(x: Any) -> Any:
    return raises(x, x)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    "function",
    [raises, has_numpy_raise, has_python_raise, is_called_with_too_much],
    ids=lambda function: function.__name__,
)
def test_there_is_none_where_the_user_s_code_raised_or_asked(
    k: Keras, function: Callable[[Any], Any]
) -> None:
    error = traced(k, lambda k: calling(k, function)(data(2, 3)))
    assert error.raised_at is None
    assert error.lines[0].line in range(
        function.__code__.co_firstlineno, function.__code__.co_firstlineno + 3
    )


def test_there_is_none_where_the_user_put_another_in_its_place(k: Keras) -> None:
    def caught(x: Any) -> Any:
        try:
            return k.keras.activations.get("no such activation")
        except ValueError as error:
            raise ValueError(f"In my layer: {error}") from None

    assert traced(k, lambda k: calling(k, caught)(data(2, 3))).raised_at is None


def test_an_exception_that_cannot_be_read_does_no_harm(k: Keras) -> None:
    class OddError(Exception):
        def __str__(self) -> str:
            raise ZeroDivisionError

    def fail(x: Any) -> Any:
        raise OddError

    error = traced(k, lambda k: calling(k, fail)(data(2, 3)))
    assert error.raised_at is None
    assert error.lines
