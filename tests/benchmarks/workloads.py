"""The models whose builds are measured; weights are random, and nothing is downloaded."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from scenarios import Keras


def mlp(k: Keras) -> Any:
    """The article's model."""
    model = k.Sequential([k.layers.Dense(512, activation="relu"), k.layers.Dense(10)])
    model.build((None, 784))
    return model


def resnet50(k: Keras) -> Any:
    return k.keras.applications.ResNet50(weights=None)


def mobilenet(k: Keras) -> Any:
    return k.keras.applications.MobileNetV2(weights=None)


def efficientnet(k: Keras) -> Any:
    return k.keras.applications.EfficientNetB0(weights=None)


def attention(k: Keras) -> Any:
    """Four blocks of attention and a small dense part, as in a transformer."""
    tokens = k.Input((32, 64))
    x = tokens
    for _ in range(4):
        x = _block(k, x, heads=4, width=64)
    return k.Model(tokens, x)


def bert(k: Keras) -> Any:
    """An encoder with the layers and sizes of BERT small: KerasHub's needs a tokenizer's libraries.

    Token and position embeddings, four blocks of attention, the pooled first token.
    """
    length, width = 128, 512
    tokens, positions = k.Input((length,), dtype="int32"), k.Input((length,), dtype="int32")
    x = k.layers.Add()(
        [k.layers.Embedding(30522, width)(tokens), k.layers.Embedding(length, width)(positions)]
    )
    x = k.layers.Dropout(0.1)(k.layers.LayerNormalization()(x))
    for _ in range(4):
        x = _block(k, x, heads=8, width=width)
    first = k.layers.Cropping1D((0, length - 1))(x)
    pooled = k.layers.Dense(width, activation="tanh")(k.layers.Flatten()(first))
    return k.Model([tokens, positions], [x, pooled])


def _block(k: Keras, x: Any, heads: int, width: int) -> Any:
    attended = k.layers.MultiHeadAttention(heads, width // heads)(x, x)
    attended = k.layers.Dropout(0.1)(attended)
    x = k.layers.LayerNormalization()(k.layers.Add()([x, attended]))
    inner = k.layers.Dense(4 * width, activation="gelu")(x)
    inner = k.layers.Dropout(0.1)(k.layers.Dense(width)(inner))
    return k.layers.LayerNormalization()(k.layers.Add()([x, inner]))


def lstm(k: Keras) -> Any:
    model = k.Sequential(
        [
            k.layers.Embedding(1000, 64),
            k.layers.Bidirectional(k.layers.LSTM(64, return_sequences=True)),
            k.layers.LSTM(64),
            k.layers.Dense(10),
        ]
    )
    model.build((None, 50))
    return model


def thousand(k: Keras) -> Any:
    """A thousand layers. Both generations map the graph by recursion, deeper than Python allows."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(10_000)
    try:
        model = k.Sequential([k.layers.Dense(8) for _ in range(1000)])
        model.build((None, 8))
    finally:
        sys.setrecursionlimit(limit)
    return model


WORKLOADS: dict[str, Callable[[Keras], Any]] = {
    "MLP": mlp,
    "LSTM": lstm,
    "4 attention blocks": attention,
    "BERT small": bert,
    "MobileNetV2": mobilenet,
    "EfficientNetB0": efficientnet,
    "ResNet50": resnet50,
    "1,000 Dense": thousand,
}
