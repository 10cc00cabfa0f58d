"""The threads that `tf.distribute` runs a function in, one for each replica of the variables.

`strategy.run` starts such a thread for each device and waits for them; one runs at a time. What is
built there is a part of what the waiting thread does: its open call is around it, and its line of
the user's led there. TensorFlow is asked for nothing but its threads: to ask the strategy which
replica runs would put an operation into the user's graph.
"""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from types import FrameType

_THREAD = "_MirroredReplicaThread"
_WAITING = "_call_for_each_replica"


class Starter(NamedTuple):
    """Who waits for a replica's thread.

    Attributes:
        ident: of the thread, as `threading` calls it.
        frame: of the function that waits; not to be kept.
    """

    ident: int
    frame: FrameType


def is_replica() -> bool:
    """Whether the thread that asks is one of a replica."""
    return _thread() is not None


def starter() -> Starter | None:
    """Who waits for the thread that asks, which is one of a replica."""
    thread = _thread()
    for ident, frame in sys._current_frames().items():
        waiting = _waiting_for(thread, frame)
        if waiting is not None:
            return Starter(ident, waiting)
    return None


def _thread() -> Any:
    """The running thread if it is one of a replica.

    It is not asked for by `current_thread`, which makes an object for a thread of others.
    """
    own = threading.get_ident()
    for thread in threading.enumerate():
        if thread.ident == own:
            return thread if type(thread).__name__ == _THREAD else None
    return None


def _waiting_for(thread: Any, frame: FrameType | None) -> FrameType | None:
    """The frame on this stack that has started the thread; `None` if none has."""
    coordinator = getattr(thread, "coord", None)
    while frame is not None and coordinator is not None:
        if frame.f_code.co_name == _WAITING and frame.f_locals.get("coord") is coordinator:
            return frame
        frame = frame.f_back
    return None
