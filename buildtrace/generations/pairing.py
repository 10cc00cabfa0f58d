"""What a loss does with a target and an output of other ranks: read from TensorFlow's graph."""

from __future__ import annotations

from typing import Any

_PASS_ON = frozenset({"Cast", "Identity", "StopGradient"})
"""Operations that give what they get, in its shape."""

_PAIR = frozenset(
    {"Sub", "SquaredDifference", "Mul", "AddV2", "RealDiv", "Maximum", "Minimum", "Equal"}
)
"""Operations that compute one number of two, and repeat an axis of size 1 for that."""

_MOST = 300
"""So many operations are looked at: a loss has fewer."""


def pairs_other_ranks(loss: Any, target: Any, predicted: Any) -> bool:
    """Whether the target and the output themselves are paired in an operation of the loss.

    Only where one has an axis more than the other, of size 1 at the end: the other's examples are
    along that axis then.

    Args:
        loss: what the loss has returned.
        target: what it was given.
        predicted: as well.
    """
    tensors = (loss, target, predicted)
    if not all(hasattr(tensor, "op") and hasattr(tensor, "graph") for tensor in tensors):
        return False
    ends, waiting = {_name(target), _name(predicted)}, [loss.op]
    seen: set[str] = set()
    if len(ends) != 2 or not _is_column(target, predicted):
        return False
    while waiting and len(seen) < _MOST:
        operation = waiting.pop()
        if operation.name in seen:
            continue
        seen.add(operation.name)
        inputs = list(operation.inputs)
        if operation.type in _PAIR and {_name(_origin(part)) for part in inputs} == ends:
            return True
        waiting += [part.op for part in inputs]
    return False


def _is_column(one: Any, other: Any) -> bool:
    shapes = sorted((tuple(tensor.shape) for tensor in (one, other)), key=len)
    return len(shapes[0]) + 1 == len(shapes[1]) and shapes[1][-1] == 1


def _origin(tensor: Any) -> Any:
    while tensor.op.type in _PASS_ON:
        tensor = tensor.op.inputs[0]
    return tensor


def _name(tensor: Any) -> str:
    return str(_origin(tensor).name)
