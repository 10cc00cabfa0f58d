"""Thirty models of `keras.applications`, with random weights and images as small as they allow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scenarios import Keras

SMALLEST = {"InceptionV3": 75, "InceptionResNetV2": 75, "Xception": 71}
"""Pixels of the smallest image, where it is not the usual 32."""

APPLICATIONS = (
    "ConvNeXtTiny",
    "DenseNet121",
    "DenseNet169",
    "DenseNet201",
    "EfficientNetB0",
    "EfficientNetB1",
    "EfficientNetB2",
    "EfficientNetB3",
    "EfficientNetB4",
    "EfficientNetV2B0",
    "EfficientNetV2B1",
    "EfficientNetV2B2",
    "EfficientNetV2B3",
    "EfficientNetV2S",
    "InceptionResNetV2",
    "InceptionV3",
    "MobileNet",
    "MobileNetV2",
    "MobileNetV3Large",
    "MobileNetV3Small",
    "NASNetMobile",
    "ResNet50",
    "ResNet50V2",
    "ResNet101",
    "ResNet101V2",
    "ResNet152",
    "ResNet152V2",
    "VGG16",
    "VGG19",
    "Xception",
)


def make(k: Keras, name: str) -> Any:
    """Build one of them, without the top: VGG's has a hundred million weights."""
    size = SMALLEST.get(name, 32)
    function = getattr(k.keras.applications, name)
    return function(weights=None, include_top=False, input_shape=(size, size, 3))
