"""What the sizes of an `EinsumDense` say of its equation, which a trace does not have.

In the equations of Keras' own layers each letter is in just two of the three tensors: input, kernel
and output. So of each size there is an even number of axes, and in none of the three are more of
them than in the two others together.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from buildtrace.planning.called_layers import KnownSizes


def products(given: KnownSizes, kernel: KnownSizes, result: KnownSizes) -> int | None:
    """How many products there are: one for each place in all letters; `None` if it is not so."""
    tensors = [Counter(sizes) for sizes in (given, kernel, result)]
    number = 1
    for size in set().union(*tensors):
        axes = [tensor[size] for tensor in tensors]
        if sum(axes) % 2 or 2 * max(axes) > sum(axes):
            return None
        number *= size ** (sum(axes) // 2)
    return number


def filled_in(
    given: KnownSizes, kernel: KnownSizes, result: Sequence[int | None]
) -> KnownSizes | None:
    """The output with the sizes that Keras was not told: those that the input has left over.

    `None` if it is not sure which they are.
    """
    known = [size for size in result if size is not None]
    axes = Counter([*given, *kernel, *known])
    missing = [size for size in dict.fromkeys(given) if axes[size] % 2]
    if len(missing) != len(result) - len(known):
        return None
    left = iter(missing)
    sizes = tuple(next(left) if size is None else size for size in result)
    return None if products(given, kernel, sizes) is None else sizes
