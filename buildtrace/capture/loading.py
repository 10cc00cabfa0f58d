"""What is read of files that models are loaded from: which file, which part, and for what.

Nothing here opens a file or reads a value: what Keras holds in its hands says where it is from.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from buildtrace.traces.schema import ReadConfig

if TYPE_CHECKING:
    from collections.abc import Sequence

    from buildtrace.capture.record import HookedLandmark, Record
    from buildtrace.capture.states import States
    from buildtrace.generations import Adapter


MOST_KEYS = 100
"""So many names of a config are noted."""


def is_told(hooked: HookedLandmark, args: Any, kwargs: Any, around: Sequence[Record]) -> bool:
    """Whether a call of the step `load` is to be recorded.

    Of all the parts of a file, those are told that may be of a layer.

    Args:
        hooked: the landmark.
        args: positional arguments.
        kwargs: keyword arguments.
        around: the open calls, the root first.
    """
    if not hooked.nested:
        return True
    if not any(record.hooked.of_loading for record in around):
        return False
    if hooked.makes_layer:
        return _is_of_layer(hooked, args[0] if args else kwargs.get("config"))
    return not _is_method(hooked) or _has_state(hooked.adapter, args, kwargs)


def _is_of_layer(hooked: HookedLandmark, made_of: Any) -> bool:
    """Whether a layer may be made: of a config that names its class, or by a class of layers."""
    if isinstance(made_of, type):
        adapter = hooked.adapter
        return issubclass(made_of, adapter.layer_class) and not issubclass(
            made_of, adapter.uncounted
        )
    return isinstance(made_of, dict) and "class_name" in made_of


def _has_state(adapter: Adapter, args: Any, kwargs: Any) -> bool:
    """Whether a layer has weights, or the file has something for it."""
    if not args or isinstance(args[0], adapter.uncounted):
        return False
    part = args[1] if len(args) > 1 else kwargs.get("store")
    try:
        return bool(adapter.own_weights(args[0])) or len(part.keys()) > 0
    except Exception:  # some store, or some layer, of the user's own
        return True


def owner(hooked: HookedLandmark, args: Any, kwargs: Any) -> Any:
    """The layer that gets values: self, or the argument behind the part of the file."""
    place, name = (0, "self") if _is_method(hooked) else (1, "model")
    return args[place] if len(args) > place else kwargs.get(name)


def _is_method(hooked: HookedLandmark) -> bool:
    return hooked.landmark.family


def open_file(record: Record) -> None:
    """Note the name of the file; what was opened already has none that is sure to mean anything."""
    place = 1 if record.layer is not None else 0
    given = record.args[place] if len(record.args) > place else record.kwargs.get("filepath")
    is_path = isinstance(given, (str, os.PathLike))
    record.source = Path(given).name if is_path else ""


def open_part(record: Record) -> None:
    """Note which part of the file it is."""
    place, name = (1, "store") if _is_method(record.hooked) else (0, "f")
    given = record.args[place] if len(record.args) > place else record.kwargs.get(name)
    record.source = record.hooked.adapter.part_of_file(given)


def layer_out(record: Record, result: Any) -> None:
    """A function that returns a layer is about that."""
    adapter = record.hooked.adapter
    if isinstance(result, adapter.layer_class) and not isinstance(result, adapter.uncounted):
        record.layer = result


def take_made(record: Record) -> None:
    """Have a failed loading be about the model that was made in it, if it came that far."""
    if record.layer is not None or record.hooked.makes_layer:
        return
    for inner in record.thread.records:
        if inner.parent is record and inner.hooked.of_loading and inner.number is not None:
            record.layer, record.number = inner.layer, inner.number
            return


def feeds_layer(record: Record) -> bool:
    """Whether all of the layer's own weights got values, as they do if Keras itself gives them."""
    is_own = record.hooked.function.module.startswith(f"{record.hooked.adapter.root}.")
    return _is_method(record.hooked) and is_own


def note_config(record: Record, states: States, error: BaseException | None = None) -> None:
    """Note what a config says of a layer of the user's, and what its class is.

    Args:
        record: of what makes a layer from its config.
        states: knows classes.
        error: what ended it.
    """
    adapter = record.hooked.adapter
    cls = type(record.layer) if error is None else _class_at_work(record.hooked, error)
    if not isinstance(cls, type) or not issubclass(cls, adapter.layer_class):
        return
    if adapter.is_own_class(cls):
        return
    given = record.args[0] if record.args else record.kwargs.get("config")
    config = given.get("config") if isinstance(given, dict) else None
    if isinstance(config, dict):
        keys = [key for key in config if isinstance(key, str)][:MOST_KEYS]
        methods, line = states.of_class(cls, adapter)
        record.config = ReadConfig(
            class_name=cls.__name__,
            file=methods[0].file if methods else "",
            line=line,
            methods=methods,
            keys=tuple(keys),
            objects=tuple(key for key in keys if _is_object(config[key])),
        )


def _class_at_work(hooked: HookedLandmark, error: BaseException) -> Any:
    """The class that Keras' function had found when it failed: its local variable `cls`."""
    level = error.__traceback__
    while level is not None:
        code = level.tb_frame.f_code
        if (code.co_filename, code.co_firstlineno) == hooked.function[2:]:
            return level.tb_frame.f_locals.get("cls")
        level = level.tb_next
    return None


def _is_object(value: Any) -> bool:
    return isinstance(value, dict) and {"class_name", "config"} <= value.keys()


def leave_out(record: Record) -> None:
    """Take a call out of its tree that is over and turned out to be of no layer."""
    records = record.thread.records
    place = next(i for i in reversed(range(len(records))) if records[i] is record)
    for inner in records[place + 1 :]:
        if inner.parent is record:
            inner.parent, inner.code = record.parent, record.code
            inner.instruction = record.instruction
    del records[place]
