"""Runs that are kept, so that a script is not run again while nothing of it has changed.

A run is known by what it ran: the script, the modules of the user's that it imported, its
arguments, and what is installed. The data that it read cannot be known. Whatever is in the folder
that is not as it was written counts as nothing.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from buildtrace import __version__
from buildtrace.cli.repository.child import RunRecord  # noqa: TC001 - msgspec looks it up
from buildtrace.cli.repository.script_runs import ScriptRun
from buildtrace.cli.streams import say
from buildtrace.errors import BuildtraceError
from buildtrace.renderers import write
from buildtrace.traces.compression import compressed
from buildtrace.traces.trace_file import load, to_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from buildtrace.cli.repository.script_runs import Work

FOLDER = ".buildtrace_cache"

TAG = """\
Signature: 8a477f597d28d172789f06886806bc55
# This file is a cache directory tag created by buildtrace: backups may leave the folder out.
# For information about cache directory tags, see https://bford.info/cachedir/
"""

MOST_BYTES = 10_000_000
"""A file of source, or an entry, is not larger."""

VARIABLES = ("KERAS_", "TF_", "JAX_", "XLA_", "PYTHONPATH", "PYTHONHASHSEED")
"""What the names of environment variables begin with that may change a build."""


class _KeptRun(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A run that is kept.

    Attributes:
        installed: a hash of what it ran on.
        files: file → a hash of what was in it.
        found: the modules that the script's source names, as they were found.
        record: how it ended.
        trace: a hash of the file that has its trace.
    """

    installed: str
    files: dict[str, str]
    found: tuple[str, ...]
    record: RunRecord
    trace: str


class RunCache:
    """The runs in a folder."""

    def __init__(self, folder: Path) -> None:
        """Nothing is looked at, and nothing made, yet."""
        self.folder = folder
        self._installed = _installed()
        self._hashes: dict[Path, str | None] = {}
        self._writes = True

    def get(self, work: Work, found: Iterable[Path]) -> ScriptRun | None:
        """A run of this script as it is now; `None` if there is none.

        Args:
            work: the script.
            found: the modules of the project that its source names.
        """
        path = self._path(work)
        try:
            if path.stat().st_size > MOST_BYTES:
                return None
            entry = msgspec.json.decode(path.read_bytes(), type=_KeptRun)
            is_as_it_was = entry.installed == self._installed and entry.found == _names(found)
            if not (is_as_it_was and self._are_as_they_were(work, entry)):
                return None
            trace_path = path.with_suffix(".trace.json.gz")
            if _hash(trace_path.read_bytes()) != entry.trace:
                return None
            return ScriptRun(work, entry.record, load(trace_path))
        except (OSError, ValueError, RecursionError, BuildtraceError):
            return None

    def put(self, run: ScriptRun, found: Iterable[Path]) -> None:
        """Keep a run that came to its end, unless a file of it has been changed since it began."""
        if run.record is None or run.trace is None or run.record.code or not self._writes:
            return
        files = [run.work.path, *map(Path, run.record.files)]
        try:
            if any(file.stat().st_mtime >= run.started for file in files):
                return
        except OSError:  # it has removed one
            return
        try:
            # Of now: what `get` has looked at may have changed before the script was started.
            hashes = {str(file): _hash_of_source(file) for file in files}
            trace = compressed(to_json(run.trace))
            entry = _KeptRun(
                installed=self._installed,
                files={file: one for file, one in hashes.items() if one},
                found=_names(found),
                record=run.record,
                trace=_hash(trace),
            )
            self._make_folder()
            path = self._path(run.work)
            write(path.with_suffix(".trace.json.gz"), trace)
            write(path, msgspec.json.encode(entry))
        except UnicodeEncodeError:
            return  # a file's name has bytes that JSON has not
        except OSError as error:
            self._writes = False
            say(f"nothing is kept in {self.folder}: {error.strerror or error}")

    def _path(self, work: Work) -> Path:
        named = [str(work.path), str(work.root), str(Path.cwd()), *map(str, work.program)]
        name = _hash("\0".join(named).encode(errors="surrogateescape"))
        return self.folder / f"{name[:32]}.json"

    def _are_as_they_were(self, work: Work, entry: _KeptRun) -> bool:
        files = {Path(file): was for file, was in entry.files.items()}
        return work.path in files and all(self._hash_of(f) == was for f, was in files.items())

    def _hash_of(self, path: Path) -> str | None:
        if path not in self._hashes:
            self._hashes[path] = _hash_of_source(path)
        return self._hashes[path]

    def _make_folder(self) -> None:
        if not self.folder.is_dir():
            self.folder.mkdir(parents=True)
            (self.folder / ".gitignore").write_text("# by buildtrace\n*\n")
            (self.folder / "CACHEDIR.TAG").write_text(TAG)


def _names(paths: Iterable[Path]) -> tuple[str, ...]:
    return tuple(sorted(map(str, paths)))


def _hash_of_source(path: Path) -> str | None:
    """A hash of what is in a file; `None` of what is no file of source."""
    is_source = path.is_file() and path.stat().st_size <= MOST_BYTES
    return _hash(path.read_bytes()) if is_source else None


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _installed() -> str:
    """A hash of what a script runs on: Python, all packages, and settings of Keras."""
    facts = [__version__, sys.version, sys.executable, *sorted(set(_packages()))]
    facts += [f"{k}={v}" for k, v in sorted(os.environ.items()) if k.startswith(VARIABLES)]
    home = Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras")
    with contextlib.suppress(OSError):
        facts.append((home / "keras.json").read_text(encoding="utf-8", errors="replace"))
    return _hash("\n".join(facts).encode(errors="surrogateescape"))


def _packages() -> Iterator[str]:
    """The installed packages with their versions, by the names of their folders."""
    for folder in sys.path:
        try:
            names = os.listdir(folder or ".")  # noqa: PTH208 - names alone
        except OSError:
            continue
        yield from (name for name in names if name.endswith((".dist-info", ".egg-info")))
