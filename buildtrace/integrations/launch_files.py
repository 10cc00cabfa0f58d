"""What the files of a program are called that has several processes.

A process that builds something takes the names that were asked for, if no other of the same run has
them: else its number comes in, as in `build.4711.json`. Files of an earlier run are written anew.
"""

from __future__ import annotations

import contextlib
import itertools
import os
from pathlib import Path
from typing import TYPE_CHECKING

from buildtrace.integrations.launch_writing import is_trace, say_to_user
from buildtrace.traces.journal import beside

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from buildtrace.cli.request import Request


class LaunchFiles:
    """The files of one process.

    Attributes:
        request: what is asked for, with this process's names once they are settled.
    """

    def __init__(self, request: Request, since: int) -> None:
        """Nothing is settled yet.

        Args:
            request: what is asked for.
            since: when the run began.
        """
        self.request = request
        self._since = since
        self._settled = not (request.outputs or request.folders)

    @contextlib.contextmanager
    def named(self) -> Iterator[None]:
        """Settle the names, for a block in which the files are written."""
        made = self._settle(self._first)
        try:
            yield
        finally:
            if made is not None:
                _drop_empty(made)  # it could not be written

    def journal(self) -> Path | None:
        """Where the weights are written down, once the names are settled; `None` for nowhere."""
        for path in self.request.outputs:
            if is_trace(path, self.request):
                return beside(path)
        return None

    def make_journal(self) -> Path | None:
        """Settle the names, for a journal that is about to be written; gives its path."""
        self._settle(self.journal)
        return self.journal()

    def _settle(self, file: Callable[[], Path | None]) -> Path | None:
        """Settle the names, and make a file of them, which takes them all; gives that if it is new.

        What is to be in it comes later: it takes time, and other processes would wait for this one.
        """
        if self._settled:
            return None
        with _locked(self._first().parent):
            if self._settled:  # by another thread, meanwhile
                return None
            self._choose()
            path = file()
            is_new = path is not None and not os.path.lexists(path)
            if path is not None:
                _touch(path, folder=path in self.request.folders)
            self._settled = True
            return path if is_new else None

    def _choose(self) -> None:
        asked = self.request
        for tag in _tags():
            request = asked._replace(
                outputs=tuple(tagged(path, tag) for path in asked.outputs),
                folders=tuple(Path(f"{path}{tag}") for path in asked.folders),
            )
            paths = [*request.outputs, *request.folders]
            if not any(map(self._is_taken, paths)):
                break
        if tag:
            first, ours = self._first(), paths[0]
            say_to_user(f"{first} is another process's: this one, {os.getpid()}, writes {ours}")
        self.request = request

    def _first(self) -> Path:
        return (*self.request.outputs, *self.request.folders)[0]

    def _is_taken(self, path: Path) -> bool:
        """Whether a process of this run has written it, or has begun to write its journal."""
        return any(_changed(each) >= self._since for each in (path, beside(path)))


def tagged(path: Path, tag: str) -> Path:
    """The path with a tag before its suffix, that of a compressed file being two."""
    two = path.suffix.lower() == ".gz"
    suffix = "".join(path.suffixes[-2:]) if two else path.suffix
    return path.with_name(f"{path.name.removesuffix(suffix)}{tag}{suffix}")


def _tags() -> Iterator[str]:
    """What comes into a name, from the first choice on."""
    yield ""
    yield f".{os.getpid()}"
    for number in itertools.count(2):  # another process has had the number, or this one a program
        yield f".{os.getpid()}-{number}"


def _touch(path: Path, *, folder: bool) -> None:
    """Have a file or a folder that is as new as can be; if there can be none, writing it tells."""
    with contextlib.suppress(OSError):
        if folder:
            path.mkdir(exist_ok=True)
        if folder or path.is_file() or not path.exists():  # a device or a pipe is anybody's
            path.touch()


def _drop_empty(path: Path) -> None:
    with contextlib.suppress(OSError):  # a folder with something in it, for one
        if path.is_dir():
            path.rmdir()
        elif path.stat().st_size == 0:
            path.unlink()


def _changed(path: Path) -> int:
    """When a file was last written, in nanoseconds of the clock; 0 if there is none."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


@contextlib.contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keep other processes out that settle names in this folder, where the system can do so."""
    descriptor = None
    with contextlib.suppress(OSError, ImportError):
        import fcntl

        descriptor = os.open(folder, os.O_RDONLY)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        yield
    finally:
        if descriptor is not None:
            with contextlib.suppress(OSError):  # a process forked off meanwhile has it open as well
                fcntl.flock(descriptor, fcntl.LOCK_UN)
            os.close(descriptor)
