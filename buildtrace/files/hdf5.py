"""Walks an HDF5 file: names, shapes and a few texts. Run in a process of its own.

libhdf5 is C code, and not made for files from strangers: see `hdf5_process`. Of arrays, no value is
read. Links to other places and to other files are not followed, and arrays that lie in other files
are not opened further than to see that they do.
"""

from __future__ import annotations

import os
import re
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import msgspec

from buildtrace.errors import SavedFileError
from buildtrace.files import archive
from buildtrace.files.contents import HDF5_MAGIC, LONGEST_TEXT, Store, StoredArray

if TYPE_CHECKING:
    from collections.abc import Iterator

TEXTS = ("keras_version", "backend", "model_config", "training_config")
"""The attributes of a whole file that are read."""

MOST_OBJECTS = 200_000
"""So many groups and arrays are looked at."""

DEEPEST = 64
"""So deep groups may be in each other."""

MOST_NAMES = 10_000
"""So many names of weights are read of one group."""

LONGEST_PATH = 2_000
"""Characters of an array's path."""

LARGEST = 2**62
"""Neither a size nor a number of bytes that is larger can be meant."""

MOST_NOTES = 8


def main() -> None:
    """The process: the store in the file that is named, as JSON on stdout."""
    output = os.dup(1)
    os.dup2(2, 1)  # what a library prints must not get into the answer
    _limit_memory(int(sys.argv[2]))
    store = Store()
    try:
        read(Path(sys.argv[1]), store)
    except SavedFileError as error:
        store = Store(fault=str(error))
    except MemoryError:
        store = Store(fault="reading its weights takes too much memory: it is damaged")
    with os.fdopen(output, "wb") as stream:
        stream.write(msgspec.json.encode(store))


def _limit_memory(most: int) -> None:
    with suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def read(file: Path, store: Store) -> None:
    """Fill the store with what is in a file, which is HDF5 or an archive with HDF5 in it.

    Raises:
        SavedFileError: the file is damaged, or holds too much.
    """
    opened = file.open("rb")
    if opened.read(len(HDF5_MAGIC)) != HDF5_MAGIC:
        opened.close()
        opened = archive.weights(file)  # type: ignore[assignment]
    with opened:
        try:
            # A file object, not a name: then libhdf5 can open nothing but this.
            with h5py.File(opened, "r") as root:
                _Walk(store).all_of(root)
        except (OSError, RuntimeError, ValueError, KeyError, TypeError) as error:
            raise SavedFileError(
                f"damaged HDF5, perhaps cut short ({_reason(error)}): copy it anew, or save it anew"
            ) from None


def _reason(error: Exception) -> str:
    """What libhdf5 says in parentheses, behind what it was about to do."""
    text = re.sub(r"\s+", " ", str(error))
    inner = re.search(r"\(([^()]+)", text)
    return (inner[1] if inner else text)[:100]


class _Walk:
    """Goes through a file once.

    Attributes:
        store: gets what is found.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self._seen: set[Any] = set()
        self._left_out = 0

    def all_of(self, root: Any) -> None:
        for name in TEXTS:
            text = _text(root, name)
            if text is not None:
                self.store.texts[name] = text
        self.store.is_legacy = _has_names(root, "layer_names")
        self._group(root, ())
        if self._left_out:
            self.store.notes.append(f"and {self._left_out:,} more that were left aside")

    def _group(self, group: Any, path: tuple[str, ...]) -> None:
        if len(path) > DEEPEST:
            raise SavedFileError(f"its groups are nested more than {DEEPEST} deep: none saves that")
        first = len(self.store.arrays)
        for name in _in_order(group):
            inner = (*path, _readable(name))
            link = group.get(name, getlink=True)
            if isinstance(link, h5py.ExternalLink):
                self._note(inner, "leads to another file and was not followed")
            elif not isinstance(link, h5py.HardLink):
                self._note(inner, "leads to another place, and was not followed")
            else:
                # No `in`: h5py follows the link for that.
                self.store.is_legacy |= inner == ("model_weights",)
                self._object(group, name, inner)
        self._put_in_order(first, [*_names(group, "weight_names")], len(path))

    def _put_in_order(self, first: int, names: list[str], level: int) -> None:
        """Sort the arrays of a group as Keras lists them, if it does."""
        if names:
            place = {name: number for number, name in enumerate(names)}
            arrays = self.store.arrays
            arrays[first:] = sorted(
                arrays[first:],
                key=lambda array: place.get("/".join(array.path[level:]), len(place)),
            )

    def _object(self, group: Any, name: str, path: tuple[str, ...]) -> None:
        found = h5py.h5o.open(group.id, name.encode("utf-8", "surrogateescape"))
        info = h5py.h5o.get_info(found)
        if len(self._seen) > MOST_OBJECTS:
            raise SavedFileError(f"it holds more than {MOST_OBJECTS:,} arrays and groups")
        if info.addr in self._seen:
            self._note(path, "is a second name of what is listed already")
            return
        self._seen.add(info.addr)
        if isinstance(found, h5py.h5g.GroupID):
            inner = h5py.Group(found)
            if name == "vars" and (own := _text(inner, "name")):
                self.store.names["/".join(path)] = own
            self._group(inner, path)
        elif isinstance(found, h5py.h5d.DatasetID):
            self._array(found, path)

    def _array(self, array: Any, path: tuple[str, ...]) -> None:
        layout = array.get_create_plist()
        if layout.get_layout() == h5py.h5d.VIRTUAL or layout.get_external_count():
            self._note(path, "lies in another file, which was not opened")
            return
        shape = tuple(array.shape)
        dtype = array.dtype
        size = dtype.itemsize
        for length in shape:
            size *= length
        if size > LARGEST or max(shape, default=0) > LARGEST:
            self._note(path, "claims to be larger than anything can be")
        elif len("/".join(path)) > LONGEST_PATH:
            self._note(path, "has too long a name")
        else:
            said = _text(h5py.Dataset(array), "dtype") or str(dtype)
            self.store.arrays.append(StoredArray(path, shape, said[:40], size))

    def _note(self, path: tuple[str, ...], what: str) -> None:
        if len(self.store.notes) < MOST_NOTES:
            self.store.notes.append(f"'{'/'.join(path)[:200]}' {what}")
        else:
            self._left_out += 1


def _in_order(group: Any) -> list[str]:
    """The names in a group: those of layers as Keras lists them, numbers by value."""
    place: dict[str, int] = {}
    for name in _names(group, "layer_names"):
        place.setdefault(name.partition("/")[0], len(place))
    return sorted(group, key=lambda name: (place.get(name, len(place)), _natural(name)))


def _readable(name: str) -> str:
    """A name without bytes that are no UTF-8."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _natural(name: str) -> list[tuple[int, str]]:
    """Sorts "10" behind "9"."""
    return [
        (int(part), "") if part.isascii() and part.isdigit() and len(part) < 10 else (-1, part)
        for part in re.split(r"(\d+)", name)
    ]


def _has_names(group: Any, name: str) -> bool:
    return name in group.attrs or f"{name}0" in group.attrs


def _names(group: Any, name: str) -> Iterator[str]:
    """A list of names among the attributes, which Keras splits if it is long."""
    if name in group.attrs:
        yield from _strings(group, name)
    number = 0
    while f"{name}{number}" in group.attrs:
        yield from _strings(group, f"{name}{number}")
        number += 1


def _strings(group: Any, name: str) -> Iterator[str]:
    attribute = h5py.h5a.open(group.id, name.encode())
    number = attribute.get_space().get_simple_extent_npoints()
    if number > MOST_NAMES or attribute.get_type().get_class() != h5py.h5t.STRING:
        return
    for value in group.attrs[name].ravel() if number else ():
        yield value.decode("utf-8", "replace") if isinstance(value, bytes) else _readable(value)


def _text(holder: Any, name: str) -> str | None:
    """An attribute that is one text.

    Raises:
        SavedFileError: it is too long.
    """
    if name not in holder.attrs:
        return None
    attribute = h5py.h5a.open(holder.id, name.encode())
    space = attribute.get_space()
    if space.get_simple_extent_ndims() or attribute.get_type().get_class() != h5py.h5t.STRING:
        return None
    value = holder.attrs[name]
    if isinstance(value, h5py.Empty) or len(value) > LONGEST_TEXT:
        raise SavedFileError(f"its {name} is longer than {LONGEST_TEXT >> 20} MiB, or empty")
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else _readable(value)
