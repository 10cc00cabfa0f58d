"""Hears of the plain operations that run on concrete tensors between a model's layers.

A symbolic tensor knows the operation that made it (see `origins`); a concrete one does not, and
only the library that runs the operations can tell: TensorFlow has operation callbacks, Torch has
function modes. They are on only while a layer that we look inside runs for the first time.
"""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, Any

from buildtrace.capture.snapshot import tensors

if TYPE_CHECKING:
    from collections.abc import Callable

    Listener = Callable[[str, Any, Any], None]

_TENSORFLOW = "tensorflow.python.framework.op_callbacks"


def is_audible(tensor: Any) -> bool:
    """Whether we can hear of the operations that run on this concrete tensor."""
    kind = type(tensor)
    if kind.__name__ == "EagerTensor":
        return _TENSORFLOW in sys.modules
    return kind.__module__ == "torch" or kind.__module__.startswith("torch.")


def listen(listener: Listener, tensor: Any) -> tuple[Callable[[], None], Callable[[], None]]:
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


def _listen_to_tensorflow(listener: Listener) -> tuple[Callable[[], None], Callable[[], None]]:
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


def _listen_to_torch(listener: Listener) -> tuple[Callable[[], None], Callable[[], None]]:
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
