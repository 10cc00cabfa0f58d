"""A copy of the folder that a script is run in, so that it can be run again and leave nothing."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from buildtrace.errors import BuildtraceError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from buildtrace.cli.program import Program

MOST_BYTES = 10**9
MOST_FILES = 20_000
"""Of what is copied: more is a folder of data, or of many projects."""

LEFT_OUT = {"__pycache__", "node_modules", "site-packages"}
"""Folders of this name, as well as hidden ones and virtual environments, are not copied."""


class CopyError(BuildtraceError):
    """A folder cannot be copied; the text says why, as a clause."""


def root_of(program: Program, here: Path) -> Path:
    """The folder that has to be copied to run a program: its own, or the one that it is run from.

    Raises:
        CopyError: neither is in the other.
    """
    if program.is_module:
        return here.resolve()
    script, here = Path(here, program.target).resolve().parent, here.resolve()
    if script.is_relative_to(here):
        return here
    if here.is_relative_to(script):
        return script
    raise CopyError("run the command in the folder of the script, or in one above it")


def copy(root: Path, to: Path, without: Path | None = None) -> None:
    """Copy a folder with all that a script in it may need.

    Links to what is elsewhere stay links: that is how large data is kept beside a script.

    Args:
        root: the folder.
        to: where the copy goes.
        without: a folder to leave out, such as one for temporary files that the copy is in.

    Raises:
        CopyError: there is too much in it, or a part cannot be read.
    """
    files = size = 0
    try:
        to.mkdir(parents=True)
        for entry in _entries(root, without):
            target = to / entry.relative_to(root)
            if entry.is_symlink():
                _copy_link(entry, target, root, to)
            elif entry.is_dir():
                target.mkdir()
            elif entry.is_file():  # no pipe, and no device
                files, size = files + 1, size + entry.stat().st_size
                if files > MOST_FILES or size > MOST_BYTES:
                    raise CopyError(_too_much(root))
                shutil.copy2(entry, target)
    except OSError as error:
        raise CopyError(f"{root} cannot be copied ({error.strerror})") from error


def _too_much(root: Path) -> str:
    most = f"{MOST_BYTES // 10**9} GB or {MOST_FILES:,} files"
    return f"{root} has more than {most}, so that it is not copied"


def _entries(folder: Path, without: Path | None) -> Iterator[Path]:
    """What is in a folder, each before what is in it."""
    for entry in sorted(folder.iterdir()):
        is_folder = entry.is_dir() and not entry.is_symlink()
        if is_folder and (_is_left_out(entry) or entry == without):
            continue
        yield entry
        if is_folder:
            yield from _entries(entry, without)


def _is_left_out(folder: Path) -> bool:
    is_hidden = folder.name.startswith(".")
    return is_hidden or folder.name in LEFT_OUT or (folder / "pyvenv.cfg").exists()


def _copy_link(link: Path, target: Path, root: Path, to: Path) -> None:
    """A link into the folder leads into the copy."""
    place = Path(os.path.normpath(link.parent / link.readlink()))
    target.symlink_to(to / place.relative_to(root) if place.is_relative_to(root) else place)
