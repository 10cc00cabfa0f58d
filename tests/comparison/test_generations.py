"""Keras 2 beside Keras 3, the real ones: the same weights and graph, by other functions."""

from __future__ import annotations

import pytest
from scenarios import GENERATIONS

import buildtrace
from buildtrace.comparison import compare

pytestmark = pytest.mark.skipif(len(GENERATIONS) < 2, reason="needs both generations")


def mlp(k):
    model = k.Sequential(
        [k.layers.Dense(512, activation="relu"), k.layers.Dense(10, activation="softmax")]
    )
    model.build((None, 784))
    return model


def shared(k):
    left, right = k.Input((8,), name="left"), k.Input((8,), name="right")
    layer = k.layers.Dense(4, name="shared")
    both = k.layers.Concatenate(name="both")(
        [layer(left), layer(right), layer(left) - layer(right)]
    )
    return k.Model([left, right], k.layers.Dense(1, name="head")(both), name="net")


def subclassed(k):
    class Block(k.layers.Layer):
        def __init__(self, units, **options):
            super().__init__(**options)
            self.inner = k.layers.Dense(units, name="inner")

        def build(self, input_shape):
            self.inner.build(input_shape)
            self.built = True

        def call(self, x):
            return x + self.inner(x)

        def compute_output_shape(self, input_shape):
            return input_shape

    class Net(k.keras.Model):
        def __init__(self, **options):
            super().__init__(**options)
            self.stem = k.layers.Dense(8, name="stem")
            self.blocks = [Block(8, name=f"block{n}") for n in range(2)]
            self.head = k.layers.Dense(2, name="head")

        def call(self, x):
            x = self.stem(x)
            for block in self.blocks:
                x = block(x)
            return self.head(x)

    model = Net(name="net")
    model(k.Input((4,)))
    return model


def resnet50(k):
    return k.keras.applications.ResNet50(weights=None)


def both(make):
    traces = []
    for k in GENERATIONS:
        with buildtrace.trace() as trace:
            model = make(k)
        del model
        traces.append(trace)
    return traces


MODELS = [mlp, shared, subclassed, pytest.param(resnet50, marks=pytest.mark.slow)]


@pytest.fixture(scope="module", params=MODELS, ids=lambda make: make.__name__)
def compared(request):
    left, right = both(request.param)
    return left, right, compare(left, right)


def test_the_same_weights_and_the_same_graph(compared):
    left, right, difference = compared
    assert [c.message for c in difference.changes if c.kind != "landmarks"] == []
    assert difference.same
    # Not by silence: every layer that has weights has found its partner, which has as many.
    partners = dict(difference.layers)
    for layer in {weight.layer for weight in left.weights}:
        ours, theirs = left.weights_of(layer), right.weights_of(partners[layer])
        assert [(w.name, w.shape) for w in ours] == [(w.name, w.shape) for w in theirs]
    assert len(left.weights) == len(right.weights)


def test_each_weight_stands_beside_its_counterpart(compared):
    left, right, difference = compared
    rows = {step.left: step.right for step in difference.steps}
    partners = dict(difference.layers)
    for weight in left.weights:
        other = right.call(rows[weight.call])
        (weight_there,) = right.weights_made_by(other)
        assert (weight_there.name, weight_there.layer) == (weight.name, partners[weight.layer])


SYMBOLIC = "Layer.symbolic_call"
"""Where Keras 3 connects a layer; before 3.10 it is the operation's method."""


def landmarks(difference, left, right):
    """What is said to be on one side only, and what is said to be another's counterpart."""
    only = {"left": set(), "right": set()}
    pairs = set()
    for change in difference.of("landmarks"):
        if change.left and change.right:
            pairs |= {(change.left.text, name) for name in change.right.text.split(" or ")}
        elif change.left:
            only["left"].add(left.call(change.left.call).landmark)
        elif change.right:
            only["right"].add(right.call(change.right.call).landmark)
    return only, pairs


def test_the_mlp_differs_in_what_the_article_would_have_to_say_today():
    left, right = both(mlp)
    difference = compare(left, right)
    only, pairs = landmarks(difference, left, right)
    assert only == {
        "left": {
            "Sequential._build_graph_network_for_inferred_shape",
            "Input",
            "Layer._infer_output_signature",
            "Layer._set_connectivity_metadata",
        },
        "right": {"Operation.__call__", "Layer.compute_output_shape", "Functional.__init__"},
    }
    symbolic = SYMBOLIC if GENERATIONS[-1].version >= (3, 10) else "Operation.symbolic_call"
    assert pairs == {
        ("Layer._functional_construction_call", symbolic),
        ("Layer._keras_tensor_symbolic_call", "Operation.compute_output_spec"),
        ("make_variable", "Variable.__init__"),
        ("Functional._init_graph_network", "Function.__init__"),
        ("_map_graph_network", "map_graph"),
    }
    assert all(
        c.why
        for c in difference.of("landmarks")
        if not (c.left and c.right) and "only" in c.message
    )
    rows = {
        (left.call(step.left).name, right.call(step.right).name)
        for step in difference.steps
        if step.left is not None and step.right is not None
    }
    same = ("Sequential.build", "InputLayer.__init__", "Layer.__call__", "Layer._maybe_build")
    same += ("Dense.build", "Layer.add_weight", "Node.__init__", "_build_map", "_build_map_helper")
    assert {(name, name) for name in same} <= rows


def test_a_functional_model_is_initialized_twice_by_keras_2():
    left, right = both(shared)
    texts = [c.message for c in compare(left, right).of("landmarks")]
    assert any("Functional.__init__ 2 and 1" in text for text in texts) == (
        GENERATIONS[-1].version >= (3, 4)
    )


def test_keras_3_defers_the_variables_of_a_model_that_it_traces():
    left, right = both(subclassed)
    only, pairs = landmarks(compare(left, right), left, right)
    assert "Variable._deferred_initialize" in only["right"]
    assert ("Layer._infer_output_signature", "compute_output_spec") in pairs


def lstm(k):
    model = k.Sequential([k.layers.LSTM(4), k.layers.Dense(1)])
    model.build((None, 5, 3))
    return model


def test_a_build_stands_beside_the_build_of_the_same_class():
    left, right = both(lstm)
    names = {
        (left.call(step.left).name, right.call(step.right).name)
        for step in compare(left, right).steps
        if step.left is not None and step.right is not None
    }
    for name in ("Sequential.build", "RNN.build", "LSTMCell.build", "Dense.build"):
        assert (name, name) in names
        assert {other for own, other in names if own == name} == {name}
