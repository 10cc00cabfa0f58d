"""What is asked of models, or done with them, that wants them built: `summary`, `save` and such.

But for `compile` and what loads files, these functions are no landmarks: they have no place in the
tree of calls. Most tell a mistake by what the model is like when they are called, so that is what
is read.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from buildtrace.capture import hooks
from buildtrace.capture.callers import find_caller
from buildtrace.capture.hooks import disguise
from buildtrace.capture.raised import error_info
from buildtrace.capture.record import Record, UseRecord
from buildtrace.capture.states import is_left_unbuilt

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from buildtrace.capture.record import HookedLandmark
    from buildtrace.capture.recorder import Recorder
    from buildtrace.generations import Adapter


def use_hook(function: Callable[..., Any], name: str, adapter: Adapter, recorder: Recorder) -> Any:
    """A hook for a function that uses models."""

    def hook(*args: Any, **kwargs: Any) -> Any:
        use = _begin(name, adapter, recorder, args, kwargs)
        try:
            return function(*args, **kwargs)
        except BaseException as error:
            if use is not None and isinstance(error, Exception):
                use.error = error_info(error)
            hooks.hide_frame(error)
            raise

    return disguise(hook, function)


def begin_of(name: str, adapter: Adapter, recorder: Recorder) -> Callable[..., Any]:
    """What is to begin the calls of a landmark that is a use as well, in the recorder's place."""

    def begin(hooked: HookedLandmark, args: Any, kwargs: Any) -> Any:
        use = _begin(name, adapter, recorder, args, kwargs)
        record = recorder.begin(hooked, args, kwargs, sys._getframe(2))
        if use is not None and isinstance(record, Record):
            use.call = record
        return record

    return begin


_HOOK_CODE = hooks.unlisted_code(
    next(c for c in use_hook.__code__.co_consts if getattr(c, "co_name", "") == "hook")
)


def _begin(
    name: str, adapter: Adapter, recorder: Recorder, args: Any, kwargs: Any
) -> UseRecord | None:
    """Note a use; `None` if nobody wants to know, or if Keras does it itself within another."""
    frame = sys._getframe(2)
    if not recorder.listeners or recorder.is_loading() or _is_inside_of_another(frame):
        return None
    use = UseRecord(name, adapter, recorder.next_order())
    use.caller = find_caller(frame, {})[0]
    with recorder.muted(name):  # reading a model may run code of the user's
        if args and isinstance(args[0], adapter.layer_class):
            _read_model(use, args[0], recorder)
        if name == "Model.compile":
            optimizer = args[1] if len(args) > 1 else kwargs.get("optimizer")
            if optimizer is not None and not isinstance(optimizer, (str, dict)):
                use.optimizer = _number(optimizer, recorder)
    recorder.uses.append(use)
    return use


def _is_inside_of_another(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code is _HOOK_CODE:
            return True
        frame = frame.f_back
    return False


def _read_model(use: UseRecord, model: Any, recorder: Recorder) -> None:
    adapter = use.adapter
    use.model = _number(model, recorder)
    use.built = adapter.state(model).get("built", False)
    layers = list(adapter.all_layers(model))
    unbuilt = [layer for layer in layers if layer is not model and is_left_unbuilt(layer, adapter)]
    use.unbuilt = tuple(_number(layer, recorder) for layer in unbuilt)
    use.weights = sum(len(adapter.own_weights(layer)) for layer in layers)
    recorder.models.note_whole(model, adapter)
    recorder.models.read_wholes(use.order)


def _number(thing: Any, recorder: Recorder) -> int:
    number = recorder.layers.number(thing)
    recorder.layers.read(thing, number)
    return number
