"""Hears of the plain operations that run on concrete tensors between a model's layers.

A symbolic tensor knows the operation that made it (see `origins`); a concrete one does not, and
only the library that runs the operations can tell: TensorFlow has operation callbacks, Torch has
function modes. They are on only while a layer that we look inside runs for the first time.
"""

from __future__ import annotations

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


def listen(listener: Listener, tensor: Any) -> Callable[[], None]:
    """Have `listener` called after each operation in this thread: kind, inputs, outputs.

    Args:
        listener: must not raise.
        tensor: one of the library's whose operations are wanted.

    Returns:
        What ends it; to be called in the same thread.
    """
    if type(tensor).__name__ == "EagerTensor":
        return _listen_to_tensorflow(listener)
    return _listen_to_torch(listener)


def _listen_to_tensorflow(listener: Listener) -> Callable[[], None]:
    def callback(
        kind: str, inputs: Any, _attributes: Any, outputs: Any, graph: Any = None, **_: Any
    ) -> None:
        if graph is None:
            listener(kind, inputs, outputs)

    callbacks = sys.modules[_TENSORFLOW]
    callbacks.add_op_callback(callback)

    def unlisten() -> None:
        callbacks.remove_op_callback(callback)

    return unlisten


def _listen_to_torch(listener: Listener) -> Callable[[], None]:
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
                overrides.resolve_name(function) or "operation",
                [*tensors((args, kwargs))],
                [*tensors(result)],
            )
            return result

    mode = Mode()
    mode.__enter__()

    def unlisten() -> None:
        mode.__exit__(None, None, None)

    return unlisten
