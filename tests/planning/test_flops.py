"""Multiply-adds: by hand for single layers, as published for known models, as TensorFlow counts."""

from __future__ import annotations

import pytest

import buildtrace
from buildtrace.planning.flops import multiply_adds


def flops(k, shape, make, batch=1, **options):
    """What is counted of a model of one input and what `make` connects to it."""
    with buildtrace.trace() as trace:
        given = k.Input(shape, **options)
        k.Model(given, make(given))
    return multiply_adds(trace, batch)


LAYERS = {
    "dense": ((5,), lambda k: k.layers.Dense(7), 5 * 7),
    "dense at each place": ((3, 5), lambda k: k.layers.Dense(7), 3 * 5 * 7),
    "conv": ((8, 8, 3), lambda k: k.layers.Conv2D(4, 3), 6 * 6 * 4 * 3 * 3 * 3),
    "conv, strides": ((8, 3), lambda k: k.layers.Conv1D(4, 2, strides=2), 4 * 4 * 2 * 3),
    "conv, to the edges": (
        (8, 8, 3),
        lambda k: k.layers.Conv2D(4, 3, padding="same"),
        8 * 8 * 4 * 3 * 3 * 3,
    ),
    # Each of the 6 filters sees the 2 channels of its group of 4.
    "conv in groups": ((8, 8, 8), lambda k: k.layers.Conv2D(6, 3, groups=4 // 2), 6**2 * 6 * 9 * 4),
    "conv3d": ((4, 4, 4, 2), lambda k: k.layers.Conv3D(3, 2), 27 * 3 * 8 * 2),
    "transposed": ((4, 4, 3), lambda k: k.layers.Conv2DTranspose(5, 2, strides=2), 16 * 3 * 4 * 5),
    "depthwise": (
        (8, 8, 3),
        lambda k: k.layers.DepthwiseConv2D(3, depth_multiplier=2),
        6 * 6 * 3 * 2 * 9,
    ),
    # A depthwise kernel of 9 for each of 3 channels, then 1 x 1 from 3 channels to 5.
    "separable": ((8, 8, 3), lambda k: k.layers.SeparableConv2D(5, 3), 36 * (3 * 9 + 3 * 5)),
    "einsum": (
        (6, 5),
        lambda k: k.layers.EinsumDense("abc,cde->abde", output_shape=(None, 2, 7)),
        6 * 5 * 2 * 7,
    ),
    "einsum, sum over two": (
        (6, 2, 7),
        lambda k: k.layers.EinsumDense("abde,dec->abc", output_shape=(None, 5)),
        6 * 5 * 2 * 7,
    ),
    "einsum, one unknown size twice": (
        (5, 5),
        lambda k: k.layers.EinsumDense("abc,cde->abde", output_shape=(None, 2, 7)),
        5 * 5 * 2 * 7,
    ),
    # Four gates, in each of 6 steps, of 5 features and 3 units.
    "lstm": ((6, 5), lambda k: k.layers.LSTM(3), 6 * 4 * (5 * 3 + 3 * 3)),
    "gru": ((6, 5), lambda k: k.layers.GRU(3, return_sequences=True), 6 * 3 * (5 * 3 + 3 * 3)),
    "rnn of a cell": ((6, 5), lambda k: k.layers.RNN(k.layers.SimpleRNNCell(3)), 6 * (15 + 9)),
    "both ways": (
        (6, 5),
        lambda k: k.layers.Bidirectional(k.layers.SimpleRNN(3)),
        2 * 6 * (15 + 9),
    ),
    "conv lstm": (
        (6, 5, 5, 2),
        lambda k: k.layers.ConvLSTM2D(3, 3, padding="same"),
        6 * 25 * 4 * 3 * (9 * 2 + 9 * 3),
    ),
    "at each time": (
        (6, 8, 8, 3),
        lambda k: k.layers.TimeDistributed(k.layers.Conv2D(4, 3)),
        6 * 36 * 4 * 27,
    ),
    "look-up": ((6,), lambda k: k.layers.Embedding(100, 8), 0),
    "normalization": ((6,), lambda k: k.layers.BatchNormalization(), 0),
}


@pytest.mark.parametrize("name", LAYERS)
def test_of_a_layer(k, name):
    shape, layer, expected = LAYERS[name]
    found = flops(k, shape, lambda given: layer(k)(given))
    assert (found.multiply_adds, found.not_counted) == (expected, ())


def test_attention_is_its_projections_and_each_query_with_each_key(k):
    def make(given):
        keys = k.layers.Cropping1D(1)(given)
        return k.layers.MultiHeadAttention(2, key_dim=3, value_dim=4)(given, keys)

    heads, queries, keys, features = 2, 6, 4, 5
    projections = queries * features * heads * 3 + keys * features * heads * (3 + 4)
    projections += queries * heads * 4 * features
    expected = projections + heads * queries * keys * (3 + 4)
    assert flops(k, (6, 5), make).multiply_adds == expected


def test_arguments_of_attention_by_name_and_a_mask(k):
    """The order of tensors is that of names then: the key comes before the query."""

    def make(given):
        keys = k.layers.Cropping1D(1)(given)
        mask = k.layers.Dense(4)(given)
        attention = k.layers.MultiHeadAttention(2, key_dim=3)
        return attention(query=given, value=keys, key=keys, attention_mask=mask)

    attention = 6 * 5 * 2 * 3 * 2 + 4 * 5 * 2 * 3 * 2 + 2 * 6 * 4 * (3 + 3)
    assert flops(k, (6, 5), make).multiply_adds == attention + 6 * 5 * 4


def test_grouped_queries_share_keys(k):
    if not hasattr(k.layers, "GroupQueryAttention"):
        pytest.skip("this Keras has no such layer")

    def make(given):
        return k.layers.GroupQueryAttention(3, num_query_heads=4, num_key_value_heads=2)(
            given, given
        )

    projections = 6 * 5 * 3 * (4 + 2 + 2 + 4)
    assert flops(k, (6, 5), make).multiply_adds == projections + 4 * 6 * 6 * (3 + 3)


def test_each_call_of_a_shared_layer_counts(k):
    def make(given):
        shared = k.layers.Dense(5)
        return shared(shared(shared(given)))

    found = flops(k, (5,), make)
    assert found.multiply_adds == 3 * 25
    assert [(layer.class_name, layer.calls) for layer in found.layers] == [("Dense", 3)]


def test_a_nested_model_counts_by_its_layers_once_for_each_call(k):
    def make(given):
        inner = k.Sequential([k.layers.Dense(4), k.layers.Dense(5)])
        outer = k.Sequential([inner, k.layers.Dense(5)])
        return outer(outer(given))

    found = flops(k, (5,), make)
    assert found.multiply_adds == 2 * (5 * 4 + 4 * 5 + 5 * 5)


def test_two_models_of_the_same_layers_count_once(k):
    with buildtrace.trace() as trace:
        given = k.Input((5,))
        code = k.layers.Dense(2)(given)
        k.Model(given, code)
        k.Model(given, k.layers.Dense(5)(code))
    assert multiply_adds(trace).multiply_adds == 5 * 2 + 2 * 5


def test_a_batch_is_what_is_asked_for_however_the_model_was_built(k):
    """Called on data, the first axis of its tensors is known: the 3 samples of that time."""
    with buildtrace.trace() as trace:
        model = k.Sequential([k.layers.Dense(7), k.layers.Dense(2)])
        model(k.keras.utils.to_categorical([0, 1, 2], 5))
    assert multiply_adds(trace).multiply_adds == 5 * 7 + 7 * 2
    assert multiply_adds(trace, 10).multiply_adds == 10 * (5 * 7 + 7 * 2)


def test_an_axis_of_unknown_size_is_not_guessed(k):
    found = flops(k, (None, 5), lambda given: k.layers.Dense(7)(given))
    (left,) = found.not_counted
    assert (found.multiply_adds, left.class_name) == (0, "Dense")
    assert left.reason == "an axis of unknown size"


def test_a_size_that_keras_was_not_told_goes_from_one_einsum_to_the_next(k):
    def make(given):
        heads = k.layers.EinsumDense("abc,cde->abde", output_shape=(None, 2, 7))(given)
        return k.layers.EinsumDense("abde,dec->abc", output_shape=(None, 3))(heads)

    found = flops(k, (6, 5), make)
    assert (found.multiply_adds, found.not_counted) == (6 * 5 * 14 + 6 * 14 * 3, ())


def test_what_has_no_formula_is_named(k):
    def make(given):
        return k.layers.AdditiveAttention()([given, given])

    (left,) = flops(k, (4, 5), make).not_counted
    assert (left.class_name, left.reason) == ("AdditiveAttention", "no formula")


def test_an_equation_of_another_form_is_named(k):
    def make(given):
        return k.layers.EinsumDense("abcd,cde->abce", output_shape=(6, 4, 7))(given)

    (left,) = flops(k, (6, 4, 5), make).not_counted
    assert left.class_name == "EinsumDense"


def test_a_class_of_the_users_is_not_taken_for_that_of_keras(k):
    class Dense(k.layers.Layer):
        def build(self, shape):
            self.kernel = self.add_weight(shape=(shape[-1], 3), name="kernel")

        def call(self, x):
            return x @ self.kernel

        def compute_output_shape(self, shape):
            return (*shape[:-1], 3)

    found = flops(k, (5,), lambda given: Dense()(given))
    assert found.multiply_adds == 0
    assert [(left.name, left.class_name) for left in found.not_counted] == [("dense", "Dense")]


def test_what_a_layer_of_the_users_calls_is_counted_and_its_own_weights_are_named(k):
    class Block(k.layers.Layer):
        def __init__(self):
            super().__init__()
            self.inner = k.layers.Dense(5)

        def build(self, shape):
            self.scale = self.add_weight(shape=(5,), name="scale")
            super().build(shape)

        def call(self, x):
            return self.inner(x) * self.scale

    found = flops(k, (5,), lambda given: Block()(given))
    assert found.multiply_adds == 25
    assert "Block" in [left.class_name for left in found.not_counted]


def test_a_saved_trace_says_the_same(k, tmp_path):
    with buildtrace.trace() as trace:
        given = k.Input((6, 5))
        k.Model(given, k.layers.LSTM(3)(k.layers.MultiHeadAttention(2, 3)(given, given)))
    trace.save(tmp_path / "trace.json")
    assert multiply_adds(buildtrace.load(tmp_path / "trace.json")) == multiply_adds(trace)


PUBLISHED = {
    # "MobileNets", arXiv:1704.04861, table 4: 1.0 MobileNet-224, million mult-adds.
    "MobileNet": (569, 1),
    # "MobileNetV2", arXiv:1801.04381, table 4: 300M.
    "MobileNetV2": (300, 1),
    # "Deep Residual Learning", arXiv:1512.03385, table 1: 50-layer, 3.8 x 10^9.
    "ResNet50": (3_800, 100),
    # torchvision's documentation of vgg16: 15.47 GFLOPS, which are multiply-adds there.
    "VGG16": (15_470, 5),
    # "EfficientNet", arXiv:1905.11946, table 2: EfficientNet-B0, 0.39B.
    "EfficientNetB0": (390, 5),
}


@pytest.mark.parametrize(
    "name",
    [
        name if name == "MobileNet" else pytest.param(name, marks=pytest.mark.slow)
        for name in PUBLISHED
    ],
)
def test_of_known_models_as_published(k, name):
    millions, within = PUBLISHED[name]
    with buildtrace.trace() as trace:
        getattr(k.keras.applications, name)(weights=None)
    found = multiply_adds(trace)
    assert not found.not_counted
    assert abs(found.multiply_adds / 1e6 - millions) <= within


PRODUCTS = {"MatMul", "Conv2D", "DepthwiseConv2dNative", "Conv3D"}
"""The operations that TensorFlow has counts for, of two for each multiply-add."""


@pytest.mark.parametrize(
    "name", ["dense", "conv", "conv, strides", "conv, to the edges", "depthwise", "separable"]
)
def test_tensorflow_counts_the_same(k, name):
    if not k.tensorflow:
        pytest.skip("no TensorFlow here")
    import tensorflow as tf
    from tensorflow.python.framework import ops

    shape, layer, _ = LAYERS[name]
    with buildtrace.trace() as trace:
        given = k.Input(shape)
        model = k.Model(given, layer(k)(given))
    graph = tf.function(model).get_concrete_function(tf.TensorSpec((2, *shape))).graph
    found = [
        ops.get_stats_for_node_def(graph, operation.node_def, "flops").value
        for operation in graph.get_operations()
        if operation.type in PRODUCTS
    ]
    assert found
    assert 2 * multiply_adds(trace, batch=2).multiply_adds == sum(found)
