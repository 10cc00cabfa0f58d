"""Graphs that were being put together when something failed: no model holds them.

What a program has at the bottom of its stack, outside of any call, are the symbolic tensors that it
got so far. They are remembered, weakly, until a model is made of them.
"""

from __future__ import annotations

import sys
import weakref
from typing import TYPE_CHECKING, Any

from buildtrace.capture import readers
from buildtrace.capture.callers import is_user_file
from buildtrace.generations.base import flat

if TYPE_CHECKING:
    from types import FrameType

    from buildtrace.capture.built_models import Models
    from buildtrace.capture.record import Record, Thread
    from buildtrace.generations import Adapter


def keep_end(record: Record, result: Any) -> None:
    """Remember a symbolic tensor that came out of a call at the bottom."""
    thread, symbol = record.thread, record.hooked.symbol
    if record.hooked.makes_graph:
        thread.ends.clear()  # what led here is in a model now
        return
    if type(result) in (list, tuple, dict):
        result = next((leaf for leaf in flat(result) if type(leaf) is symbol), None)
    if type(result) is symbol:
        thread.ends.append(weakref.ref(result))
        thread.ended = record.order


def take_ends(thread: Thread) -> list[Any]:
    """The symbolic tensors of the graph that was being put together in a thread: that is over."""
    tensors = [tensor for end in thread.ends if (tensor := end()) is not None]
    thread.ends.clear()
    return tensors


def note_failed(models: Models, record: Record) -> None:
    """Keep what there is of a graph that was being put together when a call failed."""
    if record.sources is not None:
        readers.join_failed(record)
    symbols = readers.symbols(record)
    if not symbols:
        return
    adapter = record.hooked.adapter
    owner = _sequential_around(sys._getframe(1), record.layer, adapter)
    if owner is None and record.parent is not None:
        return  # the call around it is to blame, in the graph that is being put together
    others = [] if owner is not None else take_ends(record.thread)
    models.note_unfinished(adapter, record.order, record.layer, symbols, others, owner)


def _sequential_around(frame: FrameType | None, layer: Any, adapter: Adapter) -> Any:
    """The Sequential whose own code has called this layer, if one has."""
    while frame is not None and not is_user_file(frame.f_code.co_filename):
        caller = frame.f_locals.get("self")
        if isinstance(caller, adapter.sequential_class) and caller is not layer:
            return caller
        frame = frame.f_back
    return None
