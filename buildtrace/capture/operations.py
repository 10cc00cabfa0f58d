"""Operations between a model's layers: which one made a tensor, and which ones run.

A symbolic tensor knows the operation that made it: TensorFlow and JAX both keep that while they
trace. A concrete one does not, and only the library that runs the operations can tell: TensorFlow
has operation callbacks, Torch has function modes. They are on only while a layer that we look
inside runs for the first time.
"""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from buildtrace.capture.snapshot import tensors

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    Hearer = Callable[[str, Any, Any], None]

_TENSORFLOW = "tensorflow.python.framework.op_callbacks"


def is_audible(tensor: Any) -> bool:
    """Whether we can hear of the operations that run on this concrete tensor."""
    kind = type(tensor)
    if kind.__name__ == "EagerTensor":
        return _TENSORFLOW in sys.modules
    return kind.__module__ == "torch" or kind.__module__.startswith("torch.")


def listen(listener: Hearer, tensor: Any) -> tuple[Callable[[], None], Callable[[], None]]:
    """How to have `listener` called after each operation in this thread: kind, inputs, outputs.

    Args:
        listener: must not raise.
        tensor: one of the library's whose operations are wanted.

    Returns:
        What starts it, and what ends it, which can be done twice: both to be called in this
        thread. Two steps, so that who is interrupted in between can end it.
    """
    if type(tensor).__name__ == "EagerTensor":
        return _listen_to_tensorflow(listener)
    return _listen_to_torch(listener)


def _listen_to_tensorflow(listener: Hearer) -> tuple[Callable[[], None], Callable[[], None]]:
    def callback(
        kind: str | bytes, inputs: Any, _attributes: Any, outputs: Any, graph: Any = None, **_: Any
    ) -> None:
        if graph is None:
            # The functions that TensorFlow runs as one operation have their names as bytes.
            listener(kind.decode() if isinstance(kind, bytes) else kind, inputs, outputs)

    callbacks = sys.modules[_TENSORFLOW]

    def stop() -> None:
        with contextlib.suppress(KeyError):  # was not started yet, or ended already
            callbacks.remove_op_callback(callback)

    return lambda: callbacks.add_op_callback(callback), stop


def _torch_name(function: Any) -> str:
    """Such as "torch.Tensor.add".

    Torch's own `resolve_name` makes Python forget which warnings it has shown already.
    """
    name = getattr(function, "__name__", None) or "operation"
    if name == "__get__":  # of a property
        return f"torch.Tensor.{getattr(function.__self__, '__name__', name)}"
    if getattr(function, "__qualname__", "").startswith(("Tensor.", "TensorBase.")):
        return f"torch.Tensor.{name}"
    module = getattr(function, "__module__", None) or "torch"
    return f"{'torch' if module.startswith('torch._C') else module}.{name}"


def _listen_to_torch(listener: Hearer) -> tuple[Callable[[], None], Callable[[], None]]:
    overrides: Any = sys.modules["torch"].overrides

    class Mode(overrides.TorchFunctionMode):  # type: ignore[misc]
        """Runs each function as it is, and tells."""

        def __torch_function__(
            self, function: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            try:
                result = function(*args, **(kwargs or {}))
            except BaseException as error:
                # Our frame has no place in the user's traceback.
                error.__traceback__ = error.__traceback__ and error.__traceback__.tb_next
                raise
            listener(
                _torch_name(function),
                tensors((args, kwargs)),
                tensors(result),
            )
            return result

    entered: list[Mode] = []

    def start() -> None:
        mode = Mode()
        mode.__enter__()
        entered.append(mode)

    def stop() -> None:
        if entered:
            entered.pop().__exit__(None, None, None)

    return start, stop


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
