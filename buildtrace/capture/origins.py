"""Which operation made a symbolic tensor: TensorFlow and JAX both keep that while they trace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence


class Origin(NamedTuple):
    """The operation that a symbolic tensor comes from.

    Attributes:
        key: names the tensor.
        kind: such as "AddV2".
        name: the operation's own name, such as "add_1".
        inputs: the tensors that the operation was given.
        outputs: the tensors that it made, as far as they are known.
        leaf: for a tensor that nothing made: whether it was passed in, or is a constant.
    """

    key: Hashable
    kind: str
    name: str
    inputs: Sequence[Any]
    outputs: Sequence[Any]
    leaf: Literal["input", "constant"] | None = None


def origin_of(tensor: Any) -> Origin | None:
    """The origin of a symbolic tensor; `None` for a concrete one and for what we cannot see."""
    if type(tensor).__module__.startswith("jax."):
        return _of_jax(tensor)
    try:
        # A sparse tensor consists of several: the one with the values stands for it.
        tensor = getattr(tensor, "values", tensor)
        operation = tensor.op
        operation.inputs  # noqa: B018 - the operations of other libraries are something else
    except Exception:  # an eager tensor's `op` raises, as does a Keras tensor's
        return None
    return _of_tensorflow(tensor, operation)


def _of_tensorflow(tensor: Any, operation: Any) -> Origin:
    leaf: Literal["input", "constant"] | None = None
    if not operation.inputs:
        passed_in = operation.type.startswith("Placeholder") and not _is_captured(tensor)
        leaf = "input" if passed_in else "constant"
    return Origin(
        # Not the id: the Python object of a symbolic tensor may change.
        key=(id(operation.graph), operation.name, tensor.value_index),
        kind=operation.type,
        name=operation.name.rpartition("/")[2],
        inputs=operation.inputs,
        outputs=operation.outputs,
        leaf=leaf,
    )


def _is_captured(tensor: Any) -> bool:
    """Whether a placeholder stands for a variable or a constant from outside of its graph."""
    if tensor.dtype.name == "resource":
        return True
    captures = getattr(tensor.graph, "internal_captures", ())
    return any(captured is tensor for captured in captures)


def _of_jax(tracer: Any) -> Origin | None:
    """JAX keeps a tracer's equation in attributes that are not public: from 0.7, `parent`."""
    try:
        equation = tracer.parent
        if equation is None:
            passed_in = any(tracer.val is variable for variable in tracer._trace.frame.invars)
            leaf: Literal["input", "constant"] = "input" if passed_in else "constant"
            return Origin(id(tracer), "input", "input", (), (tracer,), leaf)
        kind = str(equation.params.get("name") or equation.primitive.name)
        return Origin(id(tracer), kind, kind, equation.in_tracers, (tracer,))
    except AttributeError:
        return None
