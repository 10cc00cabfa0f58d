"""Saved files made by hand, as Keras would never save them."""

from __future__ import annotations

import base64
import io
import json
import marshal
import zipfile
import zlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    import h5py


def dense(name: str = "dense", **more: Any) -> dict[str, Any]:
    config = {"name": name, "trainable": True, "units": 2, **more.pop("config", {})}
    return {"module": "keras.layers", "class_name": "Dense", "config": config, **more}


def sequential(*layers: dict[str, Any], name: str = "made") -> dict[str, Any]:
    return {
        "module": "keras",
        "class_name": "Sequential",
        "config": {"name": name, "trainable": True, "layers": list(layers)},
    }


METADATA = {"keras_version": "3.15.1", "date_saved": "2026-01-02@03:04:05"}


def store(fill: Any = None) -> bytes:
    """HDF5 with the weights of one dense layer; `fill` may put more into it."""
    import h5py
    import numpy as np

    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file["layers/dense/vars/0"] = np.zeros((3, 2), "float32")
        file["layers/dense/vars/1"] = np.zeros((2,), "float32")
        if fill:
            fill(file)
    return buffer.getvalue()


def archive(
    path: Path,
    config: Any = None,
    weights: bytes | None = None,
    more: dict[str, bytes] | None = None,
    packed: int = zipfile.ZIP_STORED,
) -> Path:
    """A `.keras` file."""
    text = config if isinstance(config, bytes) else json.dumps(config or sequential(dense()))
    with zipfile.ZipFile(path, "w", packed) as file:
        file.writestr("metadata.json", json.dumps(METADATA))
        file.writestr("config.json", text)
        file.writestr("model.weights.h5", store() if weights is None else weights)
        for name, content in (more or {}).items():
            file.writestr(name, content)
    return path


def code_that_writes(path: Path) -> str:
    """Python's own bytes of a function that would make a file, as Keras writes them."""
    function = eval(f"lambda x: open({str(path)!r}, 'w').close() or x")
    return base64.b64encode(marshal.dumps(function.__code__)).decode()


def bomb(path: Path, member: str, gigabytes: int = 10) -> Path:
    """An archive of a few megabytes with a member that unpacks to so many zeros.

    A block that is flushed can stand in the stream as often as one likes.
    """
    megabytes = 64
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    block = packer.compress(bytes(megabytes * 2**20)) + packer.flush(zlib.Z_FULL_FLUSH)
    end = packer.flush()
    times = gigabytes * 1024 // megabytes
    others = {"config.json": json.dumps(sequential(dense())), "metadata.json": "{}"}
    with zipfile.ZipFile(path, "w") as file:
        for name, text in others.items():
            if name != member:
                file.writestr(name, text)
        info = zipfile.ZipInfo(member)
        with file.open(info, "w", force_zip64=True) as stream:
            for _ in range(times):
                stream.write(block)
            stream.write(end)
        info.compress_type = zipfile.ZIP_DEFLATED  # as the list at the end says
        info.file_size = gigabytes * 2**30
    return path


def with_h5(path: Path, fill: Any) -> Path:
    path.write_bytes(store(fill))
    return path


def link(name: str, target: h5py.ExternalLink | h5py.SoftLink) -> Any:
    def fill(file: Any) -> None:
        file[name] = target

    return fill
