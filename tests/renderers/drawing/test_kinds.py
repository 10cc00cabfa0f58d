from __future__ import annotations

import pytest

from buildtrace.renderers.drawing.kinds import KINDS, kind_of_class


@pytest.mark.parametrize(
    ("class_name", "kind"),
    [
        ("InputLayer", "input"),
        ("Dense", "dense"),
        ("DepthwiseConv2D", "convolution"),
        ("Conv2DTranspose", "convolution"),
        ("BatchNormalization", "normalization"),
        ("GlobalAveragePooling2D", "pooling"),
        ("LeakyReLU", "activation"),
        ("ConvLSTM2D", "recurrent"),
        ("Bidirectional", "recurrent"),
        ("MultiHeadAttention", "attention"),
        ("Concatenate", "merging"),
        ("SpatialDropout1D", "reshaping"),
        ("StringLookup", "embedding"),
        ("MyConv2D", "custom"),
        ("DenseBlock", "custom"),
    ],
)
def test_kind_of_a_class(class_name, kind):
    assert kind_of_class(class_name).name == kind


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_text_on_every_color_has_contrast(kind):
    def luminance(color):
        parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    assert (luminance(kind.fill) + 0.05) / (luminance("#111827") + 0.05) > 7
    assert 1.05 / (luminance(kind.border) + 0.05) > 4.5  # the border, on white
