"""One model of each kind in `keras.applications`: random weights, images as small as it allows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scenarios import Keras

SMALLEST = {"InceptionV3": 75, "InceptionResNetV2": 75, "Xception": 71}
"""Pixels of the smallest image, where it is not the usual 32."""

APPLICATIONS = (
    "ConvNeXtTiny",
    "DenseNet121",
    "EfficientNetB0",
    "EfficientNetV2B0",
    "InceptionResNetV2",
    "InceptionV3",
    "MobileNet",
    "MobileNetV2",
    "MobileNetV3Small",
    "NASNetMobile",
    "ResNet50",
    "ResNet50V2",
    "VGG16",
    "Xception",
)


def make(k: Keras, name: str) -> Any:
    """Build one of them, without the top: VGG's has a hundred million weights."""
    size = SMALLEST.get(name, 32)
    function = getattr(k.keras.applications, name)
    return function(weights=None, include_top=False, input_shape=(size, size, 3))
