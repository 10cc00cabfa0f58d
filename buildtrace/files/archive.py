"""Reads `.keras` archives: the members that Keras writes, in memory, and not without end."""

from __future__ import annotations

import io
import zipfile
import zlib
from typing import TYPE_CHECKING, BinaryIO

from buildtrace.errors import MissingPackageError, SavedFileError
from buildtrace.files import hdf5_process
from buildtrace.files.contents import LONGEST_TEXT, Contents

if TYPE_CHECKING:
    from pathlib import Path

MAGIC = b"PK"
"""What every archive begins with."""

CONFIG, METADATA, WEIGHTS = "config.json", "metadata.json", "model.weights.h5"

EXPECTED = (CONFIG, METADATA, WEIGHTS)

LARGEST_PACKED = 512 * 2**20
"""So many bytes of weights are unpacked, in memory. Keras stores them as they are: these are read
where they stand in the archive, however many there are."""

MOST_MEMBERS = 10_000

LOCAL_HEADER = 30
"""Bytes before a member's name; the last four say how long the name and what follows it are."""

_AGAIN = "copy it anew, or save it anew"


def contents(file: Path) -> Contents:
    """What is in an archive.

    Raises:
        SavedFileError: it is none of Keras', is damaged, or unpacks to too much.
    """
    with _opened(file) as archive:
        members = {info.filename: info for info in archive.infolist()}
        if CONFIG not in members:
            raise SavedFileError(_no_config(list(members)))
        texts = [_text(archive, members[name]) for name in (CONFIG, METADATA) if name in members]
        others = [info for name, info in members.items() if name not in EXPECTED]
        has_weights = WEIGHTS in members
    store, unread = None, f"there is no {WEIGHTS} in the archive"
    if has_weights:
        try:
            store, unread = hdf5_process.store_of(file), ""
        except (MissingPackageError, SavedFileError) as error:  # the config is worth showing
            unread = str(error)
    return Contents(
        "keras",
        config=texts[0],
        metadata=texts[1] if len(texts) > 1 else None,
        store=store,
        unread=unread,
        notes=tuple(_others(others)),
    )


def weights(file: Path) -> BinaryIO:
    """The store of weights in an archive, as a file to read.

    Raises:
        SavedFileError: it is damaged, or unpacks to too much.
    """
    with _opened(file) as archive:
        info = archive.getinfo(WEIGHTS)
        if info.compress_type == zipfile.ZIP_STORED and not info.flag_bits & 1:
            return _stored(file, info)
        return io.BytesIO(_unpacked(archive, info, LARGEST_PACKED))


def _opened(file: Path) -> zipfile.ZipFile:
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise SavedFileError(f"a damaged archive ({error}): {_AGAIN}") from None
    if len(archive.infolist()) > MOST_MEMBERS:
        archive.close()
        raise SavedFileError(f"an archive of more than {MOST_MEMBERS:,} files, which none saves")
    return archive


def _no_config(names: list[str]) -> str:
    if any(name.startswith("__MACOSX") or name.endswith("/" + CONFIG) for name in names):
        return f"{CONFIG} is in a folder of the archive: zip the files anew, without the folder"
    return f"an archive without a {CONFIG}: Keras has not saved this one"


def _text(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    return _unpacked(archive, info, LONGEST_TEXT)


def _unpacked(archive: zipfile.ZipFile, info: zipfile.ZipInfo, most: int) -> bytes:
    """All of a member, or as much of it as the archive says there is: then its check fails."""
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or info.flag_bits & 1:
        raise SavedFileError(
            f"{info.filename} is encrypted, or packed in a way that Keras does not use: save it "
            "anew"
        )
    if info.file_size > most:
        raise SavedFileError(
            f"{info.filename} unpacks to more than {most >> 20} MiB, more than is read of it"
        )
    try:
        with archive.open(info) as member:
            data = member.read(info.file_size + 1)  # as many bytes are unpacked at once
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError) as error:
        raise SavedFileError(f"{info.filename} in it is damaged ({error}): {_AGAIN}") from None
    return data


def _stored(file: Path, info: zipfile.ZipInfo) -> BinaryIO:
    opened = file.open("rb")
    opened.seek(info.header_offset)
    header = opened.read(LOCAL_HEADER)
    lengths = [int.from_bytes(header[at : at + 2], "little") for at in (26, 28)]
    start = info.header_offset + LOCAL_HEADER + sum(lengths)
    return io.BufferedReader(_Window(opened, start, info.file_size))


class _Window(io.RawIOBase):
    """A part of a file, as a file of its own."""

    def __init__(self, file: BinaryIO, start: int, length: int) -> None:
        self._file, self._start, self._length = file, start, length
        self._at = 0

    def close(self) -> None:
        self._file.close()
        super().close()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._length}[whence]
        self._at = max(base + offset, 0)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        self._file.seek(self._start + self._at)
        data = self._file.read(max(min(len(buffer), self._length - self._at), 0))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)


def _others(others: list[zipfile.ZipInfo]) -> list[str]:
    """That the archive has more in it; none of that is read."""
    files = [info for info in others if not info.is_dir()]
    if not files:
        return []
    names = [info.filename for info in files]
    more = f" and {len(names) - 3:,} more" if len(names) > 3 else ""
    return [f"also in the archive, and not read: {', '.join(names[:3])}{more}"]
