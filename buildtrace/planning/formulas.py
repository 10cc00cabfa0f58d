"""How many multiply-adds a layer of Keras takes, by its class: of its kernels, and of attention.

What is counted are products of a kernel's numbers, or of attention, with those of a tensor, each
with its addition. By the usual convention, of published figures as well, nothing else is: no bias,
activation, normalization or pooling, and no look-up. Where a kernel reaches over the edge of an
image, its products with the zeros there are counted.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from buildtrace.planning import einsum_sizes
from buildtrace.planning.without_products import WITHOUT_PRODUCTS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from buildtrace.planning.called_layers import KnownSizes


class Kernel(NamedTuple):
    """A weight that a layer multiplies with, or that is in its place.

    Attributes:
        owner: name of the layer that has it: the layer itself or one inside it, such as "query".
        owner_class: the class of that.
        name: of the weight, such as "kernel".
        shape: of the weight.
    """

    owner: str
    owner_class: str
    name: str
    shape: KnownSizes


class LayerWork(NamedTuple):
    """What a formula needs to know of a call of a layer.

    Attributes:
        inputs: sizes of what goes in.
        outputs: sizes of what comes out.
        kernels: its weights.
    """

    inputs: Sequence[KnownSizes]
    outputs: Sequence[KnownSizes]
    kernels: Sequence[Kernel]

    def named(self, *names: str) -> KnownSizes | None:
        """The shape of the weight of one of these names, if there is just one."""
        found = [kernel.shape for kernel in self.kernels if kernel.name in names]
        return found[0] if len(found) == 1 else None


class Formula(NamedTuple):
    """A formula, by name.

    Attributes:
        text: what is multiplied, in words.
        multiply_adds: how many; `None` if the layer is not as the formula wants it.
    """

    text: str
    multiply_adds: Callable[[LayerWork], int | None]


def of_class(class_name: str, wrapped: str = "") -> Formula | None:
    """The formula for a layer of a class of Keras; `None` if there is none.

    That of a `TimeDistributed` is the one of the class that it wraps.
    """
    return _EACH_STEP.get(wrapped) if class_name == "TimeDistributed" else FORMULAS.get(class_name)


def _convolution(work: LayerWork) -> int | None:
    """Each number that comes out is a sum over the kernel without its last axis, the filters."""
    kernel = work.named("kernel")
    return _over(work.outputs, kernel[:-1]) if kernel else None


def _transposed(work: LayerWork) -> int | None:
    """Each number that goes in is multiplied with the kernel without its last axis."""
    kernel = work.named("kernel")
    return _over(work.inputs[:1], kernel[:-1]) if kernel else None


def _depthwise(work: LayerWork) -> int | None:
    """Each number that comes out is a sum over the kernel's window of one channel."""
    kernel = work.named("kernel", "depthwise_kernel")
    return _over(work.outputs, kernel[:-2]) if kernel else None


def _separable(work: LayerWork) -> int | None:
    """At each place that comes out, both kernels are multiplied with what is there."""
    depthwise, pointwise = work.named("depthwise_kernel"), work.named("pointwise_kernel")
    if not depthwise or not pointwise or not work.outputs:
        return None
    places = math.prod(work.outputs[0]) // max(pointwise[-1], 1)
    return places * (math.prod(depthwise) + math.prod(pointwise))


def _einsum_dense(work: LayerWork) -> int | None:
    """One product for each place in all axes of the equation."""
    kernel = work.named("kernel")
    if not kernel or len(work.inputs) != 1 or len(work.outputs) != 1:
        return None
    return einsum_sizes.products(work.inputs[0], kernel, work.outputs[0])


def _recurrent(work: LayerWork) -> int | None:
    """In each step, each cell multiplies its kernels with what comes in and with its state."""
    cells = [kernel for kernel in work.kernels if kernel.name in ("kernel", "recurrent_kernel")]
    is_known = all(kernel.owner_class in _CELLS for kernel in work.kernels)
    if not cells or not is_known or not work.inputs or len(work.inputs[0]) != 3:
        return None
    return math.prod(work.inputs[0][:2]) * sum(math.prod(kernel.shape) for kernel in cells)


def _convolution_recurrent(work: LayerWork) -> int | None:
    """In each step, and at each place that comes out, both kernels of the cell are multiplied."""
    kernel, recurrent = work.named("kernel"), work.named("recurrent_kernel")
    if not kernel or not recurrent or not work.inputs or not work.outputs:
        return None
    given, result = work.inputs[0], work.outputs[0]
    image = result[2:] if len(result) == len(given) else result[1:]
    places = math.prod(image) // max(recurrent[-2], 1)
    return math.prod(given[:2]) * places * (math.prod(kernel) + math.prod(recurrent))


def _multi_head(work: LayerWork) -> int | None:
    """The four projections, and for each head each query with each key, and back to the values."""
    kernels = {kernel.owner: kernel.shape for kernel in work.kernels if kernel.name == "kernel"}
    if set(kernels) != {"query", "key", "value", "attention_output"} or not work.outputs:
        return None
    lengths = _lengths(work, kernels)
    if lengths is None:
        return None
    batch, queries, keys = lengths
    heads, of_key, of_value = *kernels["query"][-2:], kernels["value"][-1]
    projected = queries * sum(math.prod(kernels[name]) for name in ("query", "attention_output"))
    projected += keys * sum(math.prod(kernels[name]) for name in ("key", "value"))
    return batch * (projected + heads * queries * keys * (of_key + of_value))


def _lengths(work: LayerWork, kernels: Mapping[str, KnownSizes]) -> tuple[int, int, int] | None:
    """How many samples, queries and keys an attention is called on: only of one axis of places.

    Tensors come in the order of arguments or of their names. The query is as long as the output;
    what is not is key or value, if it has as many features as these, and a mask otherwise.
    """
    batch, queries, *rest = work.outputs[0]
    features = {kernels["key"][0], kernels["value"][0]}
    sequences = [sizes for sizes in work.inputs if len(sizes) == 3 and sizes[0] == batch]
    others = {sizes[1] for sizes in sequences if sizes[2] in features} - {queries}
    if len(rest) != 1 or not sequences or len(others) > 1:
        return None
    return batch, queries, others.pop() if others else queries


def _dot_product(work: LayerWork) -> int | None:
    """Each query with each key, and back to the values."""
    if not 2 <= len(work.inputs) <= 3 or any(len(sizes) != 3 for sizes in work.inputs):
        return None
    (batch, queries, of_key), (_, keys, of_value) = work.inputs[:2]
    return batch * queries * keys * (of_key + of_value)


def _reversible(work: LayerWork) -> int | None:
    """A look-up; or, reversed, each vector that comes in with that of each token."""
    table = work.named("embeddings")
    if not table or not work.outputs:
        return None
    tokens, features = table
    is_reversed = work.outputs[0][-1] == tokens and work.inputs[0][-1:] == (features,)
    return math.prod(work.outputs[0]) * features if is_reversed else 0


def _product(work: LayerWork) -> int | None:
    """Each number that comes out is a sum over the axis that both tensors have in common."""
    if len(work.inputs) != 2 or len(work.outputs) != 1:
        return None
    first, result = work.inputs[0], work.outputs[0]
    if len(first) < 2 or len(result) < 2:
        return None
    summed = first[-1] if first[-2] == result[-2] else first[-2]
    return math.prod(result) * summed


def _over(tensors: Sequence[KnownSizes], kernel: KnownSizes) -> int | None:
    """A product with each number of these tensors and each of the kernel."""
    return sum(math.prod(sizes) for sizes in tensors) * math.prod(kernel) if tensors else None


def _nothing(_: LayerWork) -> int:
    return 0


_CELLS = {"LSTMCell", "GRUCell", "SimpleRNNCell"}
"""The cells of Keras that multiply as `_recurrent` says."""

_DENSE = Formula("outputs · inputs of each", _convolution)
_CONVOLUTION = Formula("outputs · window · channels of the group", _convolution)
_TRANSPOSED = Formula("inputs · window · filters", _transposed)
_DEPTHWISE = Formula("outputs · window", _depthwise)
_SEPARABLE = Formula("places · (depthwise kernel + pointwise kernel)", _separable)
_EINSUM_DENSE = Formula("all axes of the equation", _einsum_dense)
_RECURRENT = Formula("steps · (kernel + recurrent kernel)", _recurrent)
_CONVOLUTION_RECURRENT = Formula(
    "steps · places · (kernel + recurrent kernel)", _convolution_recurrent
)
_ATTENTION = Formula("projections + heads · queries · keys · (key + value)", _multi_head)
_DOT_PRODUCT = Formula("queries · keys · (key + value)", _dot_product)
_REVERSIBLE = Formula("look-up, or outputs · features where reversed", _reversible)
_PRODUCT = Formula("outputs · axis in common", _product)
_NONE = Formula("no products with a kernel", _nothing)

_EACH_STEP = {
    "Dense": _DENSE,
    **dict.fromkeys(("Conv1D", "Conv2D", "Conv3D"), _CONVOLUTION),
    **dict.fromkeys(("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"), _TRANSPOSED),
    **dict.fromkeys(("DepthwiseConv1D", "DepthwiseConv2D"), _DEPTHWISE),
    **dict.fromkeys(("SeparableConv1D", "SeparableConv2D"), _SEPARABLE),
}
"""Formulas over numbers of tensors, so that it does not matter how many axes these have."""

FORMULAS: dict[str, Formula] = {
    **_EACH_STEP,
    "EinsumDense": _EINSUM_DENSE,
    **dict.fromkeys(("LSTM", "GRU", "SimpleRNN", "RNN", "Bidirectional"), _RECURRENT),
    **dict.fromkeys(("ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"), _CONVOLUTION_RECURRENT),
    **dict.fromkeys(("MultiHeadAttention", "GroupedQueryAttention"), _ATTENTION),
    "Attention": _DOT_PRODUCT,
    "ReversibleEmbedding": _REVERSIBLE,
    **dict.fromkeys(("Matmul", "MatMul", "BatchMatMul", "BatchMatMulV2"), _PRODUCT),
    **dict.fromkeys(WITHOUT_PRODUCTS, _NONE),
}
"""By class name of Keras' own layers, of both generations, and of operations without a layer."""
