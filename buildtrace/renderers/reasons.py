"""Why a layer's first weight has the shape that it has, by the input that it is built for.

The rules are those of the `build` methods of Keras' own layers, in Keras 2 (keras/src/layers) and
Keras 3 alike. One is told only where the numbers at hand agree with it: a class of the user's may
bear the same name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from buildtrace.traces import wording

if TYPE_CHECKING:
    from buildtrace.traces.schema import LayerRef, TensorSpec, Weight


class _ShapeRule(NamedTuple):
    """Which size of its input a layer takes for which size of a weight.

    Attributes:
        weight: the weight's name.
        axis: the axis of the weight that is as long as the last one of the input.
        because: the sentence; {size} is that length, as a number, of {channels} or of {features},
            and {shape} is the weight's shape.
    """

    weight: str
    axis: int
    because: str


_CONVOLUTION = "Its input has {channels}, so its kernel is {shape}."
_FEATURES = "Its input has {features}, so its kernel is {shape}."
_NORM = "The last axis of its input is {size}, and it keeps so many numbers of each kind."

_RULES = {
    "Dense": _ShapeRule(
        "kernel", 0, "The last axis of its input is {size}, so its kernel is {shape}."
    ),
    "Conv1D": _ShapeRule("kernel", -2, _CONVOLUTION),
    "Conv2D": _ShapeRule("kernel", -2, _CONVOLUTION),
    "Conv3D": _ShapeRule("kernel", -2, _CONVOLUTION),
    "DepthwiseConv1D": _ShapeRule("kernel", -2, _CONVOLUTION),
    "DepthwiseConv2D": _ShapeRule("kernel", -2, _CONVOLUTION),
    "Conv1DTranspose": _ShapeRule("kernel", -1, _CONVOLUTION),
    "Conv2DTranspose": _ShapeRule("kernel", -1, _CONVOLUTION),
    "Conv3DTranspose": _ShapeRule("kernel", -1, _CONVOLUTION),
    "SimpleRNN": _ShapeRule("kernel", 0, _FEATURES),
    "LSTM": _ShapeRule("kernel", 0, _FEATURES),
    "GRU": _ShapeRule("kernel", 0, _FEATURES),
    "BatchNormalization": _ShapeRule("gamma", 0, _NORM),
    "LayerNormalization": _ShapeRule("gamma", 0, _NORM),
}


def of(layer: LayerRef, inputs: tuple[TensorSpec, ...], weights: tuple[Weight, ...]) -> str:
    """The sentence for a layer that is built for these inputs; "" if there is none to tell."""
    rule = _RULES.get(layer.class_name)
    shape = inputs[0].shape if len(inputs) == 1 else None
    if rule is None or not shape:
        return ""
    made = next((weight for weight in weights if weight.name == rule.weight), None)
    size = shape[-1]
    if made is None or size is None or len(made.shape) < max(abs(rule.axis), 1):
        return ""  # a file may have any shape there
    if made.shape[rule.axis] != size:
        return ""
    return rule.because.format(
        size=size,
        channels=wording.count(size, "channel"),
        features=wording.count(size, "feature"),
        shape=wording.sizes(made.shape),
    )
