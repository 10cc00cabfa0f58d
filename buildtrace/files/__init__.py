"""What a saved model's file holds, as a `Trace` without calls: nothing in the file is run.

Neither Keras nor TensorFlow is needed or imported, nothing is unpickled, and no other file is
opened, whatever the file says. It may come from a stranger: all that is read of it is bounded.

1. `archive` opens `.keras` files; `hdf5` walks the store of weights, in a process of its own that
   `hdf5_process` starts. What they find is `contents`: texts, names, shapes.
2. `configs` reads a model's config as a tree of layers, `inbound` how these are connected, and
   `config_text` says their settings. `weight_owners` finds whose the weights are.
3. `saved_trace` makes the trace of it all.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from buildtrace.errors import SavedFileError
from buildtrace.files import archive, hdf5_process
from buildtrace.files.contents import HDF5_MAGIC, Contents
from buildtrace.files.saved_trace import trace_of

if TYPE_CHECKING:
    import os

    from buildtrace.traces.trace import Trace


def load(path: str | os.PathLike[str]) -> Trace:
    """Read a saved model, or a file of weights.

    Raises:
        SavedFileError: it is none, is damaged, or holds more than is read of such a file.
        OSError: the file could not be read.
    """
    file = Path(path)
    if file.exists() and not file.is_file():  # a pipe may never say anything, a device never end
        raise SavedFileError(f"{path}: not a saved model: it is a folder, a pipe or a device")
    try:
        return trace_of(_contents(file), file.name, file.stat().st_size)
    except SavedFileError as error:
        raise SavedFileError(f"{path}: {error}") from None
    except RecursionError:
        raise SavedFileError(f"{path}: its config is nested too deeply to be one") from None
    except MemoryError:
        raise SavedFileError(f"{path}: too large for this machine's memory") from None


def _contents(file: Path) -> Contents:
    with file.open("rb") as opened:
        beginning = opened.read(len(HDF5_MAGIC))
    if beginning == HDF5_MAGIC:
        return Contents("hdf5", store=hdf5_process.store_of(file))
    if beginning.startswith(archive.MAGIC):
        return archive.contents(file)
    if not beginning:
        raise SavedFileError("the file is empty: copy it anew, or save it anew")
    raise SavedFileError(
        "neither an archive as `.keras` files are, nor HDF5 as `.h5` files are: copy it anew, or "
        "name the script that builds the model"
    )
