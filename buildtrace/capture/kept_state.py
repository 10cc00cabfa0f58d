"""State that a layer's `call` keeps on JAX, where only what a function returns outlives it.

A step of training runs as a function of the state: `Layer.stateless_call` returns the new values of
the model's non-trainable variables, and all else that was assigned in it is gone, or is a traced
value that has no meaning outside. Looked at only while JAX traces such a function.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from buildtrace.capture.callers import find_caller
from buildtrace.capture.hooks import noting_hook
from buildtrace.capture.makers import line_of_keeping
from buildtrace.capture.record import UseRecord
from buildtrace.generations.base import flat

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from buildtrace.capture.recorder import Recorder
    from buildtrace.generations import Adapter

_METHODS = ("call", "stateless_call")


def assign_hook(function: Callable[..., Any], adapter: Adapter, recorder: Recorder) -> Any:
    """A hook for what takes a variable's new value in a function without state."""

    def note(args: Any, _kwargs: Any) -> None:
        if recorder.listeners:
            with recorder.muted("an assignment"):
                _note("Variable.assign", args[1][0], adapter, recorder)

    return noting_hook(function, before=note)


def value_hook(function: Callable[..., Any], adapter: Adapter, recorder: Recorder) -> Any:
    """A hook for what gives a variable's value there: `fit` takes it out of the variable itself."""

    def note(args: Any, value: Any) -> None:
        if value is None and recorder.listeners:
            with recorder.muted("a variable"):
                held = vars(args[1])
                if held.get("_value") is None and held.get("_initializer") is None:
                    _note("Variable.value", args[1], adapter, recorder)

    return noting_hook(function, after=note)


def _note(name: str, variable: Any, adapter: Adapter, recorder: Recorder) -> None:
    """Note what a user's `call` does with a variable that the step does not hand on."""
    frame: FrameType | None = sys._getframe(3)  # what called the hook
    assert frame is not None
    caller, layer, owner = find_caller(frame, {})[0], None, None
    while frame is not None:
        owner = frame.f_locals.get("self") if frame.f_code.co_name in _METHODS else None
        if isinstance(owner, adapter.layer_class):
            layer = owner if layer is None and not adapter.is_own(owner) else layer
            if frame.f_code.co_name == "stateless_call":
                break
        frame = frame.f_back
    if frame is None or layer is None or owner is None or caller is None:
        return
    if any(kept is variable for kept in owner.non_trainable_variables):
        return
    use = UseRecord(name, adapter, recorder.next_order())
    use.model, use.caller, use.variable = recorder.layers.number(layer), caller, variable.path
    recorder.layers.read(layer, use.model)
    known = {(u.name, u.model, u.variable) for u in recorder.uses}
    if (name, use.model, use.variable) not in known:
        recorder.uses.append(use)


def leaks(number: int, layer: Any, adapter: Adapter, order: int) -> Iterator[UseRecord]:
    """The attributes of a layer of the user's that hold a traced value by now."""
    jax = sys.modules.get("jax")
    if adapter.backend != "jax" or jax is None or adapter.is_own(layer):
        return
    for name, value in list(vars(layer).items()):
        if any(isinstance(leaf, jax.core.Tracer) for leaf in flat(value)):
            line = line_of_keeping(name, layer, adapter)
            if line is not None:
                use = UseRecord("Layer.call", adapter, order)
                use.model, use.variable, use.caller = number, name, (line.file, line.line)
                yield use
