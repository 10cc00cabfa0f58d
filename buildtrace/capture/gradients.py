"""What optimizers are given: the weights that they are to change, and those without a gradient.

Looked at once for each optimizer, when it is about to change weights for the first time. It is
noted if a weight has no gradient, or if it is no `train_step` of Keras' own that asks for it.
"""

from __future__ import annotations

import sys
import weakref
from typing import TYPE_CHECKING, Any

from buildtrace.capture import gradient_stops, hooks
from buildtrace.capture.callers import find_caller, is_user_file
from buildtrace.capture.hooks import disguise
from buildtrace.capture.record import UseRecord

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from buildtrace.capture.recorder import Recorder
    from buildtrace.generations import Adapter

UPDATE = "Optimizer.apply"
"""What it is called as a use."""


class Gradients:
    """The hook of what changes weights, and which optimizers it has seen."""

    def __init__(self) -> None:
        self._seen: dict[int, weakref.ref[Any]] = {}

    def forget(self) -> None:
        """Note all anew."""
        self._seen.clear()

    def hook(self, function: Callable[..., Any], adapter: Adapter, recorder: Recorder) -> Any:
        """A hook for an optimizer's `apply` or `apply_gradients`, if that is Keras' own.

        A user's calls that, and TensorFlow's autograph would not convert it behind a hook.
        """
        if not adapter.is_own_function(function):
            return None

        def hook(*args: Any, **kwargs: Any) -> Any:
            args = self.note(adapter, recorder, args, kwargs)
            try:
                return function(*args, **kwargs)
            except BaseException as error:
                hooks.hide_frame(error)
                raise

        return disguise(hook, function)

    def note(self, adapter: Adapter, recorder: Recorder, args: Any, kwargs: Any) -> Any:
        """Look at what an optimizer is given; returns the arguments to go on with.

        They are the same, but what can be read only once has been read.
        """
        if not recorder.listeners or not args or self._is_seen(args[0]):
            return args
        pairs, args = adapter.gradients_given(args, kwargs)
        frame = sys._getframe(1)
        if pairs and (any(g is None for g, _ in pairs) or not _is_of_keras(frame)):
            with recorder.muted(UPDATE):
                self._add(pairs, frame, adapter, recorder)
        return args

    def _is_seen(self, optimizer: Any) -> bool:
        known = self._seen.get(id(optimizer))
        if known is not None and known() is optimizer:
            return True
        try:
            self._seen[id(optimizer)] = weakref.ref(optimizer)
        except TypeError:  # some object of the user's: nobody could tell it from a later one
            return True
        return False

    def _add(
        self,
        pairs: list[tuple[Any, Any]],
        frame: FrameType,
        adapter: Adapter,
        recorder: Recorder,
    ) -> None:
        use = UseRecord(UPDATE, adapter, recorder.next_order())
        use.caller = find_caller(frame, {})[0]
        numbers = recorder.models.numbers_of
        use.trainable = numbers([variable for _, variable in pairs])
        use.trained = numbers([variable for gradient, variable in pairs if gradient is not None])
        if len(use.trained) < len(use.trainable):
            use.stops = [
                (stop, numbers([pairs[place][1] for place in stop.variables]))
                for stop in gradient_stops.stops(pairs)
            ]
        recorder.uses.append(use)


def _is_of_keras(frame: FrameType | None) -> bool:
    """Whether it is a `train_step` of Keras' own that changes weights."""
    while frame is not None and not is_user_file(frame.f_code.co_filename):
        if frame.f_code.co_name == "train_step":
            return True
        frame = frame.f_back
    return False
