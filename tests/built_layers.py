"""Layers and models of Keras to plan: a name → the model that a Keras makes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from scenarios import Keras

    Make = Callable[[Keras], Any]


def on(*shape: int, dtype: str = "float32", **made: Callable[[Any], Any]) -> dict[str, Make]:
    """Models of one input of this shape, each of a layer of this name."""

    def model(make: Callable[[Any], Any]) -> Make:
        def build(k: Keras) -> Any:
            given = k.Input(shape, dtype=dtype)
            return k.Model(given, make(k.layers)(given))

        return build

    return {name: model(make) for name, make in made.items()}


def attending(make: Callable[[Any], Any]) -> Make:
    """A model of a layer that is called on queries and values."""

    def build(k: Keras) -> Any:
        given = k.Input((8, 16))
        return k.Model(given, make(k.layers)(given, given))

    return build


def scored(make: Callable[[Any], Any]) -> Make:
    """A model of a layer that takes a list of queries and values."""

    def build(k: Keras) -> Any:
        given = k.Input((8, 16))
        return k.Model(given, make(k.layers)([given, given]))

    return build


def application(name: str, **options: Any) -> Make:
    """A model of `keras.applications` with weights of its initializers."""
    return lambda k: getattr(k.keras.applications, name)(weights=None, **options)


def block(k: Keras, given: Any, units: int) -> Any:
    """A block of a transformer."""
    layers = k.layers
    normed = layers.LayerNormalization()(given)
    given = layers.Add()([given, layers.MultiHeadAttention(4, units // 4)(normed, normed)])
    inner = layers.Dense(units * 4, "gelu")(layers.LayerNormalization()(given))
    return layers.Add()([given, layers.Dense(units)(inner)])


def transformer(k: Keras) -> Any:
    """An embedding, three blocks and a head."""
    tokens = k.Input((8,), dtype="int32")
    given = k.layers.Embedding(128, 16, name="tokens")(tokens)
    for _ in range(3):
        given = block(k, given, 16)
    return k.Model(tokens, k.layers.Dense(128, name="head")(given))


def frozen(k: Keras) -> Any:
    """A model of which half is not trained."""
    base = k.keras.Sequential([k.Input((16,)), k.layers.Dense(32), k.layers.Dense(32)], name="base")
    base.trainable = False
    return k.keras.Sequential([k.Input((16,)), base, k.layers.Dense(8)])


def nested(k: Keras) -> Any:
    """A model in a model in a model, called twice."""
    inner = k.keras.Sequential([k.Input((16,)), k.layers.Dense(16)], name="inner")
    given = k.Input((16,))
    middle = k.Model(given, inner(inner(given)), name="middle")
    return k.keras.Sequential([k.Input((16,)), middle, k.layers.Dense(4)])


def subclassed(k: Keras) -> Any:
    """A model of the user's own, with blocks of the user's own and a weight of its own."""

    class Block(k.layers.Layer):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.dense = k.layers.Dense(16)

        def build(self, shape: Any) -> None:
            self.gain = self.add_weight(shape=(16,), name="gain", initializer="ones")
            self.dense.build(shape)
            self.built = True

        def call(self, given: Any) -> Any:
            return self.dense(given) * self.gain

    class Net(k.keras.Model):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.blocks = [Block() for _ in range(3)]
            self.head = k.layers.Dense(4)

        def call(self, given: Any) -> Any:
            for each in self.blocks:
                given = each(given)
            return self.head(given)

    net = Net()
    net(k.Input((16,), batch_size=2))
    return net


SMALL: dict[str, Make] = {
    **on(
        16,
        dense=lambda of: of.Dense(32),
        dense_without_bias=lambda of: of.Dense(32, use_bias=False),
        dense_bfloat16=lambda of: of.Dense(32, dtype="bfloat16"),
        dense_float16=lambda of: of.Dense(32, dtype="float16"),
        dense_mixed=lambda of: of.Dense(32, dtype="mixed_bfloat16"),
        dense_frozen=lambda of: of.Dense(32, trainable=False),
        batch_normalization=lambda of: of.BatchNormalization(),
        batch_normalization_without_scale=lambda of: of.BatchNormalization(scale=False),
        layer_normalization=lambda of: of.LayerNormalization(),
        group_normalization=lambda of: of.GroupNormalization(4),
        normalization=lambda of: of.Normalization(),
        prelu=lambda of: of.PReLU(),
        spectral_dense=lambda of: of.SpectralNormalization(of.Dense(32)),
    ),
    **on(
        8,
        dtype="int32",
        embedding=lambda of: of.Embedding(64, 16),
        embedding_bfloat16=lambda of: of.Embedding(64, 16, dtype="bfloat16"),
        embedding_frozen=lambda of: of.Embedding(64, 16, trainable=False),
    ),
    **on(
        8,
        16,
        dense_in_time=lambda of: of.TimeDistributed(of.Dense(32)),
        einsum_dense=lambda of: of.EinsumDense("abc,cde->abde", output_shape=(None, 4, 8)),
        einsum_dense_with_bias=lambda of: of.EinsumDense("abc,cd->abd", (None, 8), bias_axes="d"),
        conv1d=lambda of: of.Conv1D(8, 3),
        conv1d_transposed=lambda of: of.Conv1DTranspose(8, 3),
        depthwise_conv1d=lambda of: of.DepthwiseConv1D(3),
        separable_conv1d=lambda of: of.SeparableConv1D(8, 3),
        lstm=lambda of: of.LSTM(8),
        lstm_without_bias=lambda of: of.LSTM(8, use_bias=False),
        gru=lambda of: of.GRU(8),
        gru_reset_before=lambda of: of.GRU(8, reset_after=False),
        simple_rnn=lambda of: of.SimpleRNN(8),
        bidirectional_lstm=lambda of: of.Bidirectional(of.LSTM(8)),
        bidirectional_gru=lambda of: of.Bidirectional(of.GRU(8, return_sequences=True)),
        stacked_cells=lambda of: of.RNN([of.LSTMCell(8), of.GRUCell(8)]),
        prelu_shared=lambda of: of.PReLU(shared_axes=[1]),
        layer_normalization_over_two=lambda of: of.LayerNormalization(axis=(1, 2)),
        spectral_conv=lambda of: of.SpectralNormalization(of.Conv1D(8, 3)),
    ),
    **on(
        8,
        8,
        4,
        conv2d=lambda of: of.Conv2D(8, 3),
        conv2d_in_groups=lambda of: of.Conv2D(8, 3, groups=2),
        conv2d_bfloat16=lambda of: of.Conv2D(8, 3, dtype="bfloat16"),
        conv2d_transposed=lambda of: of.Conv2DTranspose(8, 3),
        depthwise_conv2d=lambda of: of.DepthwiseConv2D(3, depth_multiplier=2),
        separable_conv2d=lambda of: of.SeparableConv2D(8, 3),
        conv_lstm1d=lambda of: of.ConvLSTM1D(4, 3),
        batch_normalization_of_images=lambda of: of.BatchNormalization(),
    ),
    **on(
        4,
        8,
        8,
        4,
        conv3d=lambda of: of.Conv3D(8, 3),
        conv3d_transposed=lambda of: of.Conv3DTranspose(8, 3),
        conv_lstm2d=lambda of: of.ConvLSTM2D(4, 3),
        convs_in_time=lambda of: of.TimeDistributed(of.Conv2D(8, 3)),
    ),
    "attention": attending(lambda of: of.MultiHeadAttention(4, 8)),
    "attention_value_dim": attending(lambda of: of.MultiHeadAttention(4, 8, value_dim=4)),
    "attention_without_bias": attending(lambda of: of.MultiHeadAttention(4, 8, use_bias=False)),
    "dot_attention": scored(lambda of: of.Attention(use_scale=True)),
    "additive_attention": scored(lambda of: of.AdditiveAttention()),
    "transformer": transformer,
    "frozen": frozen,
    "nested": nested,
    "subclassed": subclassed,
}

LARGE: dict[str, Make] = {
    "resnet50": application("ResNet50"),
    "mobilenet": application("MobileNetV2"),
    "efficientnet": application("EfficientNetB0"),
    "densenet": application("DenseNet121"),
}
