"""Functions of TensorFlow that Keras 3 has for symbols under a name of its own."""

from __future__ import annotations

from buildtrace.diagnosis.migration.changed import SYMBOL, Changed

_IN_OPS = {
    "abs": "absolute",
    "acos": "arccos",
    "asin": "arcsin",
    "atan": "arctan",
    "clip_by_value": "clip",
    "concat": "concatenate",
    "gather": "take",
    "math.pow": "power",
    "math.reduce_std": "std",
    "math.reduce_variance": "var",
    "nn.l2_normalize": "normalize",
    "nn.leaky_relu": "leaky_relu",
    "nn.relu": "relu",
    "nn.sigmoid": "sigmoid",
    "nn.softmax": "softmax",
    "nn.tanh": "tanh",
    "pow": "power",
    "range": "arange",
    "rank": "ndim",
    "reduce_all": "all",
    "reduce_any": "any",
    "reduce_max": "max",
    "reduce_mean": "mean",
    "reduce_min": "min",
    "reduce_prod": "prod",
    "reduce_sum": "sum",
    "reverse": "flip",
}
"""Where the names differ, as keras.io/guides/migrating_to_keras_3 has them."""

SAME_IN_OPS = frozenset(
    [
        "add",
        "argmax",
        "argmin",
        "cast",
        "cos",
        "divide",
        "einsum",
        "equal",
        "exp",
        "expand_dims",
        "greater",
        "less",
        "log",
        "logical_and",
        "logical_not",
        "logical_or",
        "matmul",
        "maximum",
        "minimum",
        "multiply",
        "ones_like",
        "pad",
        "repeat",
        "reshape",
        "round",
        "shape",
        "sigmoid",
        "sign",
        "sin",
        "sqrt",
        "square",
        "squeeze",
        "stack",
        "subtract",
        "tanh",
        "tensordot",
        "tile",
        "transpose",
        "unstack",
        "where",
        "zeros_like",
    ]
)


def symbol_row(function: str) -> Changed:
    """The row of a function of TensorFlow.

    Args:
        function: its path below `tensorflow`.
    """
    name = _IN_OPS.get(function, function if function in SAME_IN_OPS else "")
    instead = (
        f"keras.ops.{name}(...)"
        if name
        else "class MyOperation(keras.layers.Layer):\n"
        "    def call(self, x):\n"
        "        return ...  # what is in that line now\n\n"
        "x = MyOperation()(x)"
    )
    return Changed(SYMBOL, function, instead, source="KerasTensor.__tf_tensor__ of keras 3.15.1")


def is_for_tensors(function: str) -> bool:
    """Whether a function of TensorFlow computes with tensors, so that it takes no symbol."""
    rooms = ("math.", "nn.", "linalg.", "image.", "signal.")
    return function in SAME_IN_OPS or function in _IN_OPS or function.startswith(rooms)
