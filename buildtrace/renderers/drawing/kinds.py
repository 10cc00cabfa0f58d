"""What sort of layer a node is, by its class name, and the color that pictures give it.

The colors are pale fills with dark borders of the same hue: dark text on every fill has a
contrast above 7:1, and no two kinds that often stand side by side differ in hue alone between
red and green.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from buildtrace.traces.schema import Node


INK = "#111827"
FADED = "#6B7280"
"""What is not built, and what is said besides."""

PALE = "#FAFAFA"
"""The ground of what is not built."""


@dataclass(frozen=True)
class LayerKind:
    """A sort of layer.

    Attributes:
        name: a word fit for a CSS or Mermaid class.
        title: what the legend says.
        fill: color inside the box.
        border: color of the border.
        classes: matches the whole class name of Keras' own layers of this kind.
    """

    name: str
    title: str
    fill: str
    border: str
    classes: str = r"(?!)"


KINDS = (
    LayerKind("input", "input", "#E6E8EB", "#4B5563", r"Input|InputLayer"),
    LayerKind("dense", "dense", "#CFE1FF", "#1D4FA8", r"Dense|EinsumDense|Lambda|Masking|Identity"),
    LayerKind(
        "convolution",
        "convolution",
        "#FFDFB5",
        "#A85400",
        r"(Depthwise|Separable)?Conv(olution)?[123]D(Transpose)?|LocallyConnected[12]D",
    ),
    LayerKind(
        "normalization",
        "normalization",
        "#DDEFC0",
        "#4F7000",
        r"\w*Normalization(V1|V2)?",
    ),
    LayerKind("pooling", "pooling", "#FBD0CC", "#A61B1B", r"\w*Pool(ing)?[123]D"),
    LayerKind(
        "activation",
        "activation",
        "#FFF1A8",
        "#7A5C00",
        r"Activation|(Leaky|P|Thresholded)?ReLU|ELU|Softmax",
    ),
    LayerKind(
        "recurrent",
        "recurrent",
        "#DDD3F8",
        "#5233A3",
        r"\w*RNN(Cells?)?|(CuDNN)?(LSTM|GRU)(Cell)?(V1|V2)?|ConvLSTM[123]D(Cell)?"
        r"|Bidirectional|TimeDistributed",
    ),
    LayerKind("attention", "attention", "#F8CFE8", "#951B70", r"\w*Attention"),
    LayerKind(
        "merging",
        "merging",
        "#BFECE4",
        "#005F54",
        r"Add|Subtract|Multiply|Average|Maximum|Minimum|Concatenate|Dot",
    ),
    LayerKind(
        "reshaping",
        "reshaping, regularization",
        "#E8DCCB",
        "#6B4A1E",
        r"Reshape|Flatten|Permute|RepeatVector|ZeroPadding[123]D"
        r"|Cropping[123]D|UpSampling[123]D|\w*Dropout([123]D)?|ActivityRegularization|Gaussian\w+",
    ),
    LayerKind(
        "embedding",
        "embedding, preprocessing",
        "#C9EBFA",
        "#06597C",
        r"Embedding|Rescaling|Resizing|Random\w+|CenterCrop|CategoryEncoding|Discretization"
        r"|Hashing|HashedCrossing|\w*Lookup|TextVectorization|\w*Spectrogram|FeatureSpace"
        r"|AutoContrast|Solarization|CutMix|MixUp|RandAugment|AugMix|Equalization|Pipeline",
    ),
    LayerKind("model", "model", "#F7F7F7", "#1F2937"),
    LayerKind("operation", "operation", "#FFFFFF", "#4B5563", r"\w*OpLambda"),
    LayerKind("custom", "custom layer", "#D3F2D6", "#1B6B2A"),
    LayerKind("failed", "failed", "#FFE4E6", "#C8102E"),
)
"""In the legend's order; the first whose `classes` match wins."""

_BY_NAME = {kind.name: kind for kind in KINDS}

FAILED = _BY_NAME["failed"]
"""What ended in an exception, whatever it is."""

FAILED_MARK = "\N{BALLOT X}"
"""Stands before the name of what failed: a color is not enough."""


def kind_of(node: Node) -> LayerKind:
    """The kind of a node: what the graph says of it, or else what its class name says."""
    if node.failed:
        return FAILED
    if node.kind in ("input", "model", "operation"):
        return _BY_NAME[node.kind]
    return kind_of_class(node.class_name)


@lru_cache(maxsize=4096)
def kind_of_class(class_name: str) -> LayerKind:
    """The kind of a layer class; "custom" for a class that is not one of Keras' own."""
    for kind in KINDS:
        if re.fullmatch(kind.classes, class_name):
            return kind
    return _BY_NAME["custom"]
