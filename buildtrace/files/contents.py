"""What a saved file has in it, before anybody asks what that means."""

from __future__ import annotations

from typing import Literal, NamedTuple

import msgspec

HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
"""What every HDF5 file begins with."""

LONGEST_TEXT = 16 * 2**20
"""So many bytes of a config are read. EfficientNetB7's has half a million."""


class StoredArray(msgspec.Struct, frozen=True):
    """An array in a file; what is in it is never read.

    Attributes:
        path: names of the groups that it is in, and its own.
        shape: its sizes.
        dtype: such as "float32".
        size: in bytes.
    """

    path: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: str
    size: int


class Store(msgspec.Struct):
    """What an HDF5 file has in it.

    Attributes:
        texts: attributes of the file that are texts: Keras' version, a model's config.
        arrays: in the order of the groups, those of a group as Keras lists them, if it does.
        names: path of a group → the name that its layer had.
        is_legacy: whether the weights are in a group for each layer name, as Keras 2 has it.
        notes: what was left aside, and why.
        fault: why nothing can be read; "" if it can.
    """

    texts: dict[str, str] = {}
    arrays: list[StoredArray] = []
    names: dict[str, str] = {}
    is_legacy: bool = False
    notes: list[str] = []
    fault: str = ""


class Contents(NamedTuple):
    """What a saved file has in it.

    Attributes:
        format: "keras" for an archive, "hdf5".
        config: the model's config as JSON, of an archive.
        metadata: who saved it and when, as JSON, of an archive.
        store: the weights; `None` if there are none that can be read.
        unread: why there are none; "" if there are.
        notes: what was left aside, and why.
    """

    format: Literal["keras", "hdf5"]
    config: bytes | None = None
    metadata: bytes | None = None
    store: Store | None = None
    unread: str = ""
    notes: tuple[str, ...] = ()
