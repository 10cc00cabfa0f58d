"""What git knows of files: which are the project's, and which have changed. Git itself is asked."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from buildtrace.errors import UsageError

_ENVIRONMENT = {"GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
"""Nothing is written to the repository, and errors are in English."""

_OF_A_HOOK = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX")
"""What git tells its hooks, with which it would take any folder for the top of the work tree."""


class GitError(UsageError):
    """Git is not installed, or says no; the text has what it said."""


def top(folder: Path) -> Path | None:
    """The work tree that a folder is in; `None` if it is in none, or there is no git."""
    try:
        return Path(_asked(folder, "rev-parse", "--show-toplevel").rstrip("\n")).resolve()
    except GitError:
        return None


def files(folder: Path) -> list[Path]:
    """The files below a folder that are tracked, or are new and not ignored.

    Raises:
        GitError: the folder is in no work tree.
    """
    listed = _asked(folder, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    return [folder / name for name in sorted({*listed.split("\0")} - {""})]


def changed(folder: Path, revision: str) -> set[Path]:
    """The files of a work tree that differ from those of a revision; new and gone ones as well.

    Args:
        folder: in the work tree.
        revision: a commit, by any name that git takes.

    Raises:
        GitError: there is no git, the folder is in no work tree, or there is no such commit.
    """
    _asked(folder, "--version")  # whether there is one
    if (root := top(folder)) is None:
        raise GitError(f"--since asks git, but {folder} is in no work tree of git")
    try:
        commit = _asked(
            folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"
        ).strip()
    except GitError:
        raise GitError(f"--since {revision}: git knows no such commit here") from None
    names = _asked(root, "diff", "--name-only", "--no-renames", "-z", commit, "--").split("\0")
    return {root / name for name in names if name} | set(_untracked(root))


def _untracked(root: Path) -> list[Path]:
    names = _asked(root, "ls-files", "-z", "--others", "--exclude-standard").split("\0")
    return [root / name for name in names if name]


def _environment() -> dict[str, str]:
    given = {name: value for name, value in os.environ.items() if name not in _OF_A_HOOK}
    return given | _ENVIRONMENT


def _asked(folder: Path, *arguments: str) -> str:
    """What git answers.

    Raises:
        GitError: it does not.
    """
    try:
        done = subprocess.run(
            ["git", *arguments],
            cwd=folder,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
    except OSError as error:
        raise GitError(f"git cannot be run: {error.strerror or error}") from None
    if done.returncode:
        lines = os.fsdecode(done.stderr).strip().splitlines()
        raise GitError(f"git says: {lines[-1] if lines else f'exit code {done.returncode}'}")
    return os.fsdecode(done.stdout)
