"""The files that the arguments of a check name: folders, files, and patterns of files."""

from __future__ import annotations

import glob
import os
from pathlib import Path
from typing import TYPE_CHECKING

from buildtrace.cli import git
from buildtrace.cli.repository.file_roles import NOTEBOOK
from buildtrace.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

SUFFIXES = (".py", NOTEBOOK)

NOT_THE_USERS = ("site-packages", "node_modules", "__pycache__", "venv", "build", "dist")
"""Folders in which nobody looks for their own code; besides those whose name begins with a dot."""


def is_pattern(target: str) -> bool:
    """Whether an argument is a pattern of files that no shell has replaced."""
    return glob.has_magic(target) and not Path(target).exists()


def files(targets: Sequence[str]) -> list[Path]:
    """The Python files and notebooks that these name, by their whole paths, each once.

    Raises:
        UsageError: there is nothing that one of them names, or no such file in all of them.
    """
    found: dict[Path, None] = {}
    for target in targets:
        for path in _named(target):
            found |= dict.fromkeys(_below(path) if path.is_dir() else [path])
    if not found:
        raise UsageError(f"no .py file is in {', '.join(targets)}")
    return sorted(found)


def _named(target: str) -> Iterator[Path]:
    if is_pattern(target):
        names = sorted(glob.glob(target, recursive=True))  # noqa: PTH207 - takes any path
        names = [name for name in names if Path(name).is_dir() or name.endswith(SUFFIXES)]
        if not names:
            raise UsageError(f"no file is like {target}")
        yield from map(_whole, names)
        return
    path = Path(target)
    if not path.exists():
        raise UsageError(f"there is no file or folder {target}")
    if not path.is_dir() and not (path.is_file() and path.suffix in SUFFIXES):
        raise UsageError(f"{target} is no Python file and no folder")
    if not os.access(path, os.R_OK):
        raise UsageError(f"cannot read {target}: permission denied")
    yield _whole(target)


def _whole(name: str) -> Path:
    """The whole path; links in the folders are followed, but a script may be a link itself."""
    path = Path(name).absolute()
    return path.resolve() if path.is_dir() else path.parent.resolve() / path.name


def _below(folder: Path) -> Iterator[Path]:
    """The files in a folder: those that git knows or would take, or else those of a walk."""
    tree = git.top(folder)
    # A folder that git ignores was named all the same.
    listed = git.files(folder) if tree else []
    for path in listed or python_files(folder):
        inside = path.relative_to(folder).parts[:-1]
        if path.suffix in SUFFIXES and not any(map(_is_left_out, inside)) and path.is_file():
            yield path


def python_files(folder: Path, suffixes: Iterable[str] = SUFFIXES) -> Iterator[Path]:
    """The files in a folder that are likely to be the user's own code."""
    suffixes = tuple(suffixes)
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not _is_not_code(Path(place, name)))
        yield from (Path(place, name) for name in sorted(names) if name.endswith(suffixes))


def _is_not_code(folder: Path) -> bool:
    return _is_left_out(folder.name) or (folder / "pyvenv.cfg").exists()


def _is_left_out(name: str) -> bool:
    return name in NOT_THE_USERS or name.startswith(".")
