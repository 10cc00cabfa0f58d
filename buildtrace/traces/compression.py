"""Trace files compressed with gzip: one trace makes one file, and no file fills the memory."""

from __future__ import annotations

import gzip
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from io import BufferedReader

MAGIC = b"\x1f\x8b"
"""What every file that gzip has made begins with."""

LEVEL = 6
"""Level 9 takes 1.7 times as long to save 4 to 8 %, level 1 a third for 1.5 times the size."""

LARGEST = 512 * 2**20
"""So many bytes of text are unpacked: a million calls take them. A plain file may be larger."""

PIECE = 2**20
"""So many bytes are read, and unpacked, at once."""

_AGAIN = "copy it anew, or save it anew"
_UNPACK = "unpack it with `gzip -d`, and name what comes out of it"


def compressed(text: bytes) -> bytes:
    """The text as a file of gzip without a name and a time in it."""
    return gzip.compress(text, LEVEL, mtime=0)


def is_compressed(file: BufferedReader) -> bool:
    """Whether gzip has made a file; nothing of it is taken away."""
    return file.peek(len(MAGIC)).startswith(MAGIC)


def decompressed(file: BufferedReader) -> bytearray:
    """The text in a file of gzip.

    Raises:
        ValueError: it cannot be unpacked, or is not to be; the text says why and what to do.
    """
    unpacking = zlib.decompressobj(16 + zlib.MAX_WBITS)  # gzip's own header and check
    text = bytearray()
    while not unpacking.eof:
        packed = unpacking.unconsumed_tail or file.read(PIECE)
        if not packed:
            raise ValueError(f"it is compressed, and its end is missing: {_AGAIN}")
        try:
            text += unpacking.decompress(packed, PIECE)
        except zlib.error:
            raise ValueError(f"it is compressed, and damaged: {_AGAIN}") from None
        if len(text) > LARGEST:
            size = f"{LARGEST >> 20} MiB"
            raise ValueError(f"unpacked it is larger than {size}: if you trust it, {_UNPACK}")
    if unpacking.unused_data or file.read(1):
        raise ValueError(f"more follows the compressed trace: if you trust it, {_UNPACK}")
    return text
