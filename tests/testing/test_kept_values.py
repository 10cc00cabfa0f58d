"""Which values count as the same after loading, without a Keras."""

from __future__ import annotations

import math

import numpy as np
import pytest

from buildtrace.testing import kept_values


class Layer:
    def __init__(self, units=1, *rest, rate=0.5, **more):
        self.units = units
        self._rate = rate

    @property
    def broken(self):
        raise RuntimeError("not now")


class Dense(Layer):
    pass


class Configured:
    def __init__(self, value):
        self.value = value

    def get_config(self):
        return {"value": self.value}


class Plain:
    pass


SAME = [
    *[(1, 1), ("relu", "relu"), (None, None), (0.5, 0.5), (math.nan, math.nan), (1, np.int64(1))],
    *[((1, (2, 3)), [1, [2, 3]]), ({"a": (1,)}, {"a": [1]}), (np.ones(2), np.ones(2))],
    *[(len, len), (Configured(1), Configured(1)), (Plain(), Plain()), (Dense(1), Dense(2))],
]

OTHER = [
    *[(1, 2), ("relu", "tanh"), (None, 0.1), (0.5, 0.1), (math.nan, 0.1), (np.ones(2), np.ones(3))],
    *[((1, 2), [1]), ({"a": 1}, {"b": 1}), ({"a": 1}, {"a": 2}), (np.ones(2), np.zeros(2))],
    *[(len, min), (Configured(1), Configured(2)), (Plain(), {}), (Dense(), Layer())],
    *[(Dense(), {"class_name": "Dense"}), (Configured(1), {"value": 1}), (len, "len")],
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_what_is_the_same(one, other):
    assert kept_values.same(one, other, Layer)
    assert kept_values.same(other, one, Layer)


@pytest.mark.parametrize(("one", "other"), OTHER)
def test_what_is_not(one, other):
    assert not kept_values.same(one, other, Layer)
    assert not kept_values.same(other, one, Layer)


def test_where_a_value_is_kept():
    layer = Layer(3, rate=0.7)
    assert kept_values.value(layer, "units") == 3
    assert kept_values.value(layer, "rate") == 0.7
    assert kept_values.value(layer, "nothing") is kept_values.MISSING
    assert kept_values.value(layer, "broken") is kept_values.MISSING


def test_the_parameters_of_a_constructor():
    assert [p.name for p in kept_values.parameters(Layer)] == ["units", "rate"]
    assert kept_values.parameters(Dense) == []  # the one that it has is of its base


def test_values_in_a_message():
    assert kept_values.shown(0.5, Layer) == "0.5"
    assert kept_values.shown(len, Layer) == "len"
    assert kept_values.shown(Dense(), Layer) == "a layer (Dense)"
    assert kept_values.shown({"class_name": "Dense"}, Layer) == "the config of a Dense"
    assert kept_values.shown("x" * 99, Layer) == "'" + "x" * 59 + "…"
    assert "\x1b" not in kept_values.shown("\x1b[31m", Layer)
