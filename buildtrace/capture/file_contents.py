"""What a file has for layers, and what these want, where the two do not fit.

It is read of files that Keras has open itself, names and shapes only, and only of a loading that
fails or leaves something out: one that goes well costs nothing more.
"""

from __future__ import annotations

import os
import sys
import zipfile
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from buildtrace.capture import snapshot
from buildtrace.traces.saved_parts import VARIABLES, is_state

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

    from buildtrace.capture.record import Record
    from buildtrace.traces.schema import FileFormat, Shape

MOST_PARTS = 1_000
"""Of a file with more parts nothing is noted: half a list would tell what is not so."""

DEEPEST = 60
"""So many groups may be inside of each other."""

_FRAMES_AROUND = 12
"""So many frames may be between a layer's own reading of its values, and what walks the file."""


class PartRecord(NamedTuple):
    """The weights of one layer, in a file or in a model; `layer` is the process's number."""

    place: str
    shapes: tuple[Shape, ...]
    layer: int | None = None


# -- what a layer reads itself: files of Keras 3, and the newer ones of Keras 2 -----------------


def note_unread(record: Record) -> None:
    """Note the place of values that a layer did not take, and at the first of them the file.

    To be called while the exception is on its way: what walks the file has its place.
    """
    walker = _walker(sys._getframe(1))
    whole = _whole(record)
    if walker is None or whole is None:
        return
    names = walker.f_locals
    place = names["inner_path"]
    record.source = f"{place}/{VARIABLES}".lstrip("/")
    file: Any = getattr(names["weights_store"], "h5_file", None)
    if whole.stored is None and type(names["weights_store"]).__name__ == "H5IOStore":
        is_older = "layer_names" in file.attrs or "model_weights" in file
        whole.format = "older hdf5" if is_older else "newer hdf5"
        whole.stored = () if is_older else _bounded(_parts(file, "", 0))


def _walker(frame: FrameType | None) -> FrameType | None:
    """The frame of Keras' function that gives each part of a file to its layer."""
    for _ in range(_FRAMES_AROUND):
        if frame is None or frame.f_code.co_name == "_load_state":
            break
        frame = frame.f_back
    is_it = frame is not None and {"inner_path", "weights_store"} <= {*frame.f_code.co_varnames}
    return frame if is_it else None


def _whole(record: Record) -> Record | None:
    """The call around it that reads the whole file."""
    around: Record | None = record.parent
    while around is not None and around.hooked.landmark.reads != "file":
        around = around.parent
    return around


def _parts(group: Any, place: str, depth: int) -> Iterator[PartRecord]:
    """The groups with values of layers, in the file's order."""
    for name in group if depth < DEEPEST else ():
        if type(group.get(name, getlink=True)).__name__ != "HardLink":
            continue  # it leads out of the file, or in a circle
        inner, where = group[name], f"{place}/{name}".lstrip("/")
        if hasattr(inner, "dtype") or is_state(where):
            continue
        if name == VARIABLES:
            keys = sorted(inner, key=lambda key: (len(key), key))
            if keys:
                yield PartRecord(where, tuple(_shape(inner[key]) for key in keys))
        else:
            yield from _parts(inner, where, depth + 1)


def note_whole(record: Record) -> None:
    """Note what the layers want that a file was read for, if they did not get all of it."""
    if record.stored is None or record.wanted:
        return
    wanted = [
        PartRecord(inner.source, _shapes(inner), inner.number)
        for inner in record.thread.records
        if inner.source and inner.hooked.reads_values and _whole(inner) is record
    ]
    failed = {inner.number for inner in record.thread.records if _is_unread(inner, record)}
    if failed:
        record.wanted = tuple(wanted)
    else:  # what did not fit at one place was read at another
        record.stored = None


def _is_unread(inner: Record, whole: Record) -> bool:
    """Whether a layer has got its values nowhere in the file."""
    return (
        inner.error is not None
        and inner.hooked.reads_values
        and _whole(inner) is whole
        and not any(
            other.number == inner.number and other.fed and not other.error
            for other in whole.thread.records
        )
    )


def _shapes(inner: Record) -> tuple[Shape, ...]:
    adapter = inner.hooked.adapter
    return tuple(_shape(variable) for variable in adapter.own_weights(inner.layer))


# -- what one function gives to all layers: the older files -------------------------------------


def note_older(record: Record, numbered: Callable[[Any], int]) -> None:
    """Note what an older file has for the layers of a model, if they have not taken all of it.

    Args:
        record: of the function that gives them their values, which is over.
        numbered: gives the number of a layer.
    """
    whole = _whole(record)
    group = record.args[0] if record.args else record.kwargs.get("group", record.kwargs.get("f"))
    given = record.hooked.named_arguments(record)
    by_name = record.hooked.landmark.name.endswith("_by_name")
    if whole is None or not (record.error or by_name or given.get("skip_mismatch")):
        return
    if not any(_names(group, "layer_names")):
        whole.format = "newer hdf5"
    stored = _bounded(_older_parts(group))
    wanted = [
        PartRecord(layer.name, tuple(map(_shape, weights)), numbered(layer))
        for layer in record.layer.layers
        if (weights := [*layer.trainable_weights, *layer.non_trainable_weights])
    ]
    if record.error or [part[:2] for part in wanted] != [part[:2] for part in stored]:
        whole.stored, whole.wanted = stored, tuple(wanted)


def _older_parts(group: Any) -> Iterator[PartRecord]:
    """The groups of layers that have weights, in the order that Keras has written down."""
    for name in _names(group, "layer_names"):
        layer = group[name]
        shapes = tuple(_shape(layer[weight]) for weight in _names(layer, "weight_names"))
        if shapes:
            yield PartRecord(name, shapes)


def _names(group: Any, attribute: str) -> Iterator[str]:
    """A list of names among the attributes, which Keras splits if it is long."""
    pieces = [attribute, *(f"{attribute}{n}" for n in range(len(group.attrs)))]
    for piece in pieces:
        for name in group.attrs.get(piece, ()):
            yield name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name)


# -- what the whole file is -----------------------------------------------------------------------


def note_format(record: Record) -> None:
    """Note what a file is by its first bytes that could not be read, if nothing more is known."""
    place = 1 if record.hooked.landmark.name.startswith("Model.") else 0
    given = record.args[place] if len(record.args) > place else record.kwargs.get("filepath")
    if record.format or not isinstance(given, (str, os.PathLike)) or not Path(given).is_file():
        return
    with Path(given).open("rb") as file:
        begin = file.read(8)
        if not begin:
            record.format = "empty"
        elif begin == b"\x89HDF\r\n\x1a\n":
            record.format = "hdf5"
        elif not begin.startswith(b"PK"):
            record.format = "other"
        else:
            record.format = _format_of_archive(file)


def _format_of_archive(file: IO[bytes]) -> FileFormat:
    try:
        with zipfile.ZipFile(file) as archive:
            return "keras" if "config.json" in archive.namelist() else "zip"
    except (zipfile.BadZipFile, OSError, ValueError):
        return "broken zip"


# -- both -----------------------------------------------------------------------------------------


def _bounded(parts: Iterator[PartRecord]) -> tuple[PartRecord, ...]:
    """All parts; none if there are too many."""
    found = []
    for part in parts:
        found.append(part)
        if len(found) > MOST_PARTS:
            return ()
    return tuple(found)


def _shape(thing: Any) -> Shape:
    return snapshot.spec(thing.shape).shape or ()
