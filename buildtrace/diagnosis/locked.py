"""Where an exception about state in the wrong place came from: a `call`, or somewhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from buildtrace.traces.failures import Raised
    from buildtrace.traces.schema import Call

LOCKED = "You cannot add new elements of state (variables or sub-layers)"
"""Keras 3, of a layer that is built: `Layer._lock_state` in layers/layer.py."""

ONCE = "tf.function only supports singleton tf.Variables created on the first call"
"""TensorFlow, of a variable that is made when a traced function is traced again."""

_MAKES_VARIABLE = ("Layer.add_weight", "Variable.__init__", "make_variable")


def made_by(raised: Raised) -> Call | None:
    """The run of a layer's `call` that an exception was raised in directly.

    Returns:
        The innermost call of a layer at work; `None` if it was in a `build`, or in no call at all.
    """
    for call in reversed(raised.calls):
        if call.landmark == "Layer.build":
            return None
        if call.landmark not in _MAKES_VARIABLE and call.layer is not None:
            return call
    return None


def is_about_weight(raised: Raised, children: list[Call]) -> bool:
    """Whether a variable, not a layer, is what could not be made.

    Args:
        raised: the exception.
        children: the calls inside the innermost of its calls.
    """
    if any(call.landmark in _MAKES_VARIABLE for call in raised.calls):
        return True
    return bool(children) and children[-1].landmark in _MAKES_VARIABLE
