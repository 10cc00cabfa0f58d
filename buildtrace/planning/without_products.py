"""What multiplies no kernel and no two tensors: by convention it takes no multiply-adds."""

from __future__ import annotations

from itertools import product

_IN_SPACE = (
    *("AveragePooling", "Cropping", "GlobalAveragePooling", "GlobalMaxPooling", "MaxPooling"),
    *("SpatialDropout", "UpSampling", "ZeroPadding"),
)

_LAYERS = (
    # look-ups, and what only moves numbers
    *("Concatenate", "Embedding", "Flatten", "Identity", "InputLayer", "Masking", "Permute"),
    *("RepeatVector", "Reshape"),
    # number by number
    *("Activation", "ActivityRegularization", "Add", "Average", "ELU", "LeakyReLU", "Maximum"),
    *("Minimum", "Multiply", "PReLU", "ReLU", "Rescaling", "Softmax", "Subtract"),
    *("ThresholdedReLU", "AlphaDropout", "Dropout", "GaussianDropout", "GaussianNoise"),
    # normalization
    *("BatchNormalization", "GroupNormalization", "LayerNormalization", "Normalization"),
    *("RMSNormalization", "UnitNormalization"),
    *(f"{name}{axes}D" for name, axes in product(_IN_SPACE, (1, 2, 3))),
)

_OPERATIONS = (
    # of Keras 3
    *("Abs", "BroadcastTo", "Cast", "Cos", "Divide", "Exp", "ExpandDims", "Gelu", "GetItem", "Log"),
    *("Max", "Mean", "Negative", "Power", "Relu", "Repeat", "Rsqrt", "Sigmoid", "Silu", "Sin"),
    *("Slice", "Split", "Sqrt", "Square", "Squeeze", "Stack", "Sum", "Tanh", "Tile", "Transpose"),
    *("TrueDivide", "Where"),
    # of TensorFlow's graphs
    *("AddV2", "ConcatV2", "Mul", "Pack", "RealDiv", "SelectV2", "StridedSlice", "Sub"),
)

WITHOUT_PRODUCTS = frozenset((*_LAYERS, *_OPERATIONS))
"""Class names of layers of Keras, of both generations, and of operations without a layer."""
