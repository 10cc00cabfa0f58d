"""Code that remedies are made of."""

from __future__ import annotations

import ast
from operator import attrgetter

import msgspec
import pytest
from made_traces import Recording, spec

from buildtrace.diagnosis import remedies
from buildtrace.traces.schema import LayerRef, TensorSpec
from diagnosis.hand import state


def ref(name, class_name="Dense", number=0):
    return LayerRef(id=number, name=name, class_name=class_name)


@pytest.mark.parametrize(
    ("name", "variable"),
    [
        ("dense", "dense"),
        ("dense_12", "dense"),
        ("my block", "layer"),
        ("lambda_1", "layer"),
        ("", "layer"),
        ("x);import os;(", "layer"),
        ("évil", "évil"),
    ],
)
def test_a_layers_name_in_code(name, variable):
    assert remedies.variable(ref(name)) == variable


def test_names_of_several_layers_differ():
    refs = [ref("dense"), ref("dense_1"), ref("norm_3")]
    assert remedies.variables(refs) == ["dense", "dense_1", "norm"]


@pytest.mark.parametrize(
    ("generation", "given", "code"),
    [
        ("keras2", spec(None, 3), "tf.zeros((1, 3))"),
        ("keras3", spec(2, None), "keras.ops.zeros((2, 1))"),
        ("keras3", spec(4), "keras.ops.zeros((4,))"),
        ("keras3", spec(4, dtype="int32"), 'keras.ops.zeros((4,), dtype="int32")'),
        ("keras3", spec(4, dtype=None), "keras.ops.zeros((4,))"),
        ("keras3", TensorSpec(shape=None), "keras.ops.zeros((1,))"),
    ],
)
def test_zeros(generation, given, code):
    assert remedies.zeros(generation, given) == code
    ast.parse(code)


def test_a_call_on_what_another_one_of_the_class_was_called_on():
    r = Recording()
    with r.call("Layer.__call__", r.layer("net", "Net"), [spec(2, 3)]):
        pass
    trace = r.trace()
    fresh = ref("net_1", "Net", 7)
    assert remedies.call_on_data(trace, fresh, "keras3") == "net(keras.ops.zeros((2, 3)))"
    unknown = remedies.call_on_data(trace, ref("other", "Other", 8), "keras3")
    assert unknown == "other(x)  # x: one batch of your data"


@pytest.mark.parametrize("class_name", ["Sequential", "Functional", "Dense", "Bidirectional"])
def test_keras_has_what_a_remedy_makes_a_layer_with(class_name):
    keras = pytest.importorskip("keras")
    image = keras.Input((3,))
    real = type(keras.Model(image, image)) if class_name == "Functional" else None
    r = Recording()
    with r.call("Layer.__call__", r.layer("one", class_name), [spec(2, 3)]):
        pass
    path = remedies.constructor(r.trace(), ref("one", class_name))
    made = attrgetter(path.removeprefix("keras."))(keras)
    if real is None:
        assert made.__name__ == class_name
    else:
        assert issubclass(real, made)


def test_a_class_of_the_users_is_made_by_its_name():
    r = Recording()
    with r.call("Layer.__call__", r.layer("one", "Block"), [spec(2, 3)], module="blocks"):
        pass
    assert remedies.constructor(r.trace(), ref("one", "Block")) == "Block"
    with r.call("Layer.__call__", layer := r.layer("two", "Block"), [spec(2, 3)]):
        pass
    made = r.trace()
    assert remedies.constructor(made, layer).startswith("keras.")


def test_what_a_call_needs():
    layer = ref("two", "Two")
    assert remedies.needed(state(layer, 0, call=["a", "training", "b", "mask"])) == ["a", "b"]
    assert remedies.needed(state(layer, 0)) == []


def test_shapes():
    assert remedies.without_batch((32, 7)) == "(7,)"
    assert remedies.any_batch((32, 7, 8)) == "(None, 7, 8)"


def test_a_call_on_symbols_as_it_was_called():
    r = Recording()
    given = [spec(None, 8), spec(2, 3, dtype="int32")]
    two = r.layer("two", "Two")
    with r.call("Layer.__call__", two, given):
        pass
    trace = r.trace()
    symbols = 'keras.Input((8,)), keras.Input(batch_shape=(2, 3), dtype="int32")'
    assert remedies.call_on_symbols(trace, two, trace.calls) == f"two({symbols})"
    one_argument = msgspec.structs.replace(trace, states=(state(two, 0, call=["inputs"]),))
    assert remedies.call_on_symbols(one_argument, two, trace.calls) == f"two([{symbols}])"
    assert remedies.call_on_symbols(trace, ref("other", "Other", 9), trace.calls) == (
        "other(x)  # x: one batch of your data"
    )
