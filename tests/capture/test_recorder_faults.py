"""Odd calls of landmarks, of which the recorder must not fail: users get what plain Keras gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from scenarios import Keras, data

import buildtrace

if TYPE_CHECKING:
    from collections.abc import Callable


class OddList(list):  # type: ignore[type-arg]
    """Cannot say whether it is empty."""

    def __bool__(self) -> bool:
        raise ArithmeticError("bool")


class OddDict(dict):  # type: ignore[type-arg]
    """Cannot say what is in it."""

    def values(self) -> Any:
        raise ArithmeticError("values")


def call_without_self(k: Keras) -> Any:
    return k.layers.Layer.__call__()


def call_with_self_by_name(k: Keras) -> Any:
    layer = k.layers.Dense(2)
    k.layers.Layer.add_weight(self=layer, name="w", shape=(1,), initializer="ones")
    return len(layer.weights)


def maybe_build_by_name(k: Keras) -> Any:
    return k.layers.Layer._maybe_build(self=k.layers.Dense(2))


def call_on_an_odd_list(k: Keras) -> Any:
    class Sum(k.layers.Layer):
        def call(self, inputs: Any) -> Any:
            return inputs[0]

    return Sum()(OddList([data(1, 3)])).shape


def call_on_an_odd_dict(k: Keras) -> Any:
    class First(k.layers.Layer):
        def call(self, inputs: Any) -> Any:
            return inputs["x"]

    return First()(OddDict(x=data(1, 3))).shape


ACTIONS = [
    call_without_self,
    call_with_self_by_name,
    maybe_build_by_name,
    call_on_an_odd_list,
    call_on_an_odd_dict,
]


def outcome(k: Keras, action: Callable[[Keras], Any]) -> tuple[Any, ...]:
    k.clear_session()
    try:
        return "fine", action(k)
    except Exception as error:
        return type(error), str(error)


@pytest.mark.filterwarnings("ignore:buildtrace could not read everything")
@pytest.mark.parametrize("action", ACTIONS, ids=lambda action: action.__name__)
def test_an_odd_call(k: Keras, action: Callable[[Keras], Any]) -> None:
    plain = outcome(k, action)
    with buildtrace.trace():
        assert outcome(k, action) == plain
