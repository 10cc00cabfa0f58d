"""Objects of the user's that are not what they seem: reading them must never hurt the program."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scenarios import Keras, data
from wellformed import faults_of

import buildtrace

if TYPE_CHECKING:
    from collections.abc import Callable


def outcome(action: Callable[[], Any]) -> tuple[Any, ...]:
    try:
        result = action()
    except Exception as error:
        return type(error), str(error)
    return ("fine", result)


def check(k: Keras, action: Callable[[], Any]) -> Any:
    """The action ends as it does untraced; gives the trace."""
    k.clear_session()
    plain = outcome(action)
    k.clear_session()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that something could not be read is all right here
        with buildtrace.trace() as trace:
            k.Sequential([k.layers.Dense(2)]).build((None, 3))
            traced = outcome(action)
    assert traced == plain
    assert not faults_of(trace)
    assert trace.find("Dense.build")
    return trace


class Raising:
    """Whatever it is asked, it raises; what it was asked is noted."""

    def __init__(self) -> None:
        self.asked: list[str] = []


def _raising(name: str) -> Callable[..., Any]:
    def method(self: Raising, *args: Any) -> Any:
        self.asked.append(name)
        raise ArithmeticError(name)

    return method


for _name in ("__eq__", "__bool__", "__len__", "__iter__", "__getitem__", "__str__", "__repr__"):
    setattr(Raising, _name, _raising(_name))
Raising.__hash__ = _raising("__hash__")  # type: ignore[method-assign, assignment]


class Lazy:
    """Says of any name that it has it, and raises when asked for it."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise ArithmeticError(name)


class Pretends:
    """Its class is not its class."""

    @property
    def __class__(self) -> Any:
        return dict

    def values(self) -> Any:
        raise ArithmeticError("values")


class Shapeless:
    dtype = "float32"

    @property
    def shape(self) -> Any:
        raise ArithmeticError("shape")


class OddShape(tuple):
    """A shape that raises when compared or hashed."""

    def __hash__(self) -> int:
        raise ArithmeticError("hash")

    def __eq__(self, other: object) -> bool:
        raise ArithmeticError("eq")


THINGS = [Raising, Lazy, Pretends, Shapeless, lambda: [Raising(), {"x": Lazy()}]]


def accepting(k: Keras) -> Any:
    class Accepts(k.layers.Layer):
        def build(self, input_shape: Any, extra: Any = None) -> None:
            self.w = self.add_weight(name="w", shape=(1,), initializer="ones")
            self.built = True

        def call(self, inputs: Any, extra: Any = None) -> Any:
            return inputs

    return Accepts()


@pytest.mark.sampled(3)
@pytest.mark.parametrize("thing", THINGS, ids=["raising", "lazy", "pretends", "shapeless", "in"])
def test_as_an_argument(k: Keras, thing: Callable[[], Any]) -> None:
    def build() -> str:
        accepting(k).build((None, 3), thing())
        return "built"

    def call() -> Any:
        return np.array(accepting(k)(data(1, 3), extra=thing())).tolist()

    def input_shape() -> str:
        accepting(k).build(thing())
        return "built"

    for action in (build, call, input_shape):
        check(k, action)


def test_what_it_is_asked_is_what_keras_asks(k: Keras) -> None:
    """Nothing of ours compares, hashes, counts or prints a user's object."""

    def asked() -> list[str]:
        thing = Raising()
        accepting(k).build((None, 3), thing)
        return thing.asked

    check(k, asked)


def test_a_shape_that_cannot_be_compared(k: Keras) -> None:
    def build() -> str:
        accepting(k).build(OddShape((None, 3)))
        return "built"

    check(k, build)


def test_a_layer_whose_name_raises(k: Keras) -> None:
    def action() -> str:
        class Nameless(k.layers.Dense):
            hidden = False

            @property
            def name(self) -> Any:
                if self.hidden:
                    raise ArithmeticError("name")
                return "shown"

        layer = Nameless(2)
        layer.hidden = True
        layer.build((None, 3))
        return "built"

    check(k, action)


@pytest.mark.parametrize("method", ["__eq__", "__hash__", "__bool__", "__len__"])
def test_a_layer_with_odd_methods(k: Keras, method: str) -> None:
    def action() -> list[str]:
        asked: list[str] = []

        def odd(self: Any, *args: Any) -> Any:
            asked.append(method)
            raise ArithmeticError(method)

        odd_class = type("Odd", (k.layers.Dense,), {method: odd, "__hash__": object.__hash__})
        if method == "__hash__":
            odd_class = type("Odd", (k.layers.Dense,), {method: odd})
        layer = odd_class(2)
        layer.build((None, 3))
        layer(data(1, 3))
        return asked

    trace = check(k, action)
    assert trace.calls


def test_a_layer_with_a_getattr_of_its_own(k: Keras) -> None:
    def action() -> list[str]:
        asked: list[str] = []

        class Dynamic(k.layers.Dense):
            def __getattr__(self, name: str) -> Any:
                asked.append(name)
                raise AttributeError(name)

        layer = Dynamic(2)
        asked.clear()
        layer.build((None, 3))
        layer(data(1, 3))
        return [name for name in asked if not name.startswith("_")]

    check(k, action)


def test_a_build_that_gives_back_something_odd(k: Keras) -> None:
    for thing in (Raising, Lazy, Pretends, Shapeless):

        def action(thing: Callable[[], Any] = thing) -> str:
            class Gives(k.layers.Layer):
                def build(self, input_shape: Any) -> Any:
                    self.built = True
                    return thing()

            Gives().build((None, 3))
            return "built"

        check(k, action)


def test_an_operation_that_tensorflow_names_in_bytes(k: Keras) -> None:
    class Later(k.layers.Dense):
        pass

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with buildtrace.trace() as trace:
            Later(2, activation="relu")(data(1, 3))
    assert trace.find("Layer.__call__")
