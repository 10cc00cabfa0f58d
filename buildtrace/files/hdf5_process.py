"""Has HDF5 read in a process of its own, with limits: libhdf5 may crash, hang and take all memory.

A file from a stranger then costs that process and no more. It also keeps h5py and numpy out of
this one.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import msgspec

import buildtrace
from buildtrace.errors import MissingPackageError, SavedFileError
from buildtrace.files.contents import Store

_CHILD = """
import sys
sys.path.insert(0, sys.argv[3])
import buildtrace  # this one, whichever is installed
sys.path[:] = [*sys.path[1:], *sys.argv[3:]]
from buildtrace.files.hdf5 import main
main()
"""
"""Isolated Python has none of the user's paths; those that are needed come last, so that nothing
beside them can hide a module of Python's own."""

SECONDS = 60.0
"""So long it may take."""

MEMORY = 4 * 2**30
"""So many bytes of addresses it may use, where the system can limit that."""

NEEDED = ("h5py", "numpy", "msgspec")


def store_of(file: Path) -> Store:
    """What the HDF5 file, or the one in an archive, has in it.

    Raises:
        MissingPackageError: h5py is not installed.
        SavedFileError: the file is damaged, or holds too much.
    """
    command = [sys.executable, "-I", "-c", _CHILD, str(file.absolute()), str(MEMORY), *_paths()]
    # One thread: each more would reserve memory, and there is nothing to compute.
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    try:
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise SavedFileError(
            f"reading its weights took more than {SECONDS:g} seconds: it is damaged"
        ) from None
    except OSError as error:
        raise SavedFileError(f"cannot start {sys.executable or 'Python'}: {error}") from error
    if done.returncode:
        raise SavedFileError(f"its weights cannot be read{_last(done.stderr)}")
    store = msgspec.json.decode(done.stdout, type=Store)
    if store.fault:
        raise SavedFileError(store.fault)
    return store


def _last(stderr: bytes) -> str:
    """The last line of a traceback, if there is one: a crash leaves none."""
    lines = stderr.decode(errors="replace").strip().splitlines()
    return f": {lines[-1][:200]}" if lines else ": it crashes libhdf5, and is damaged"


def _paths() -> list[str]:
    """Where this package is, and those that are needed."""
    files: list[str] = [buildtrace.__file__]
    for name in NEEDED:
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            raise MissingPackageError(f"{name} reads HDF5: pip install {name}")
        files.append(spec.origin)
    return list(dict.fromkeys(str(Path(file).resolve().parents[1]) for file in files))
