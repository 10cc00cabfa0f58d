"""Check built distributions: `python tests/distributions.py BUILT AGAIN`.

Each folder has the sdist and both wheels. Those in `AGAIN` were built from the sdist, and have to
be the same, byte by byte.
"""

from __future__ import annotations

import sys
import tarfile
import zipfile
from pathlib import Path, PurePosixPath

NOT_OURS = {
    *(".git", ".nox", ".venv", "venv", "build", "dist", "site", "node_modules", "__pycache__"),
    *(".pytest_cache", ".mypy_cache", ".ruff_cache", ".ipynb_checkpoints", ".ci", ".github"),
}
"""Names of what a folder holds that somebody works in, and of what only our own CI needs."""


def main(built: Path, again: Path) -> None:
    """Check them; the text of an error says what is wrong.

    Raises:
        ValueError: something is.
    """
    files = sorted(path for path in built.iterdir() if path.is_file())
    for path in files:
        other = again / path.name
        if not other.is_file() or other.read_bytes() != path.read_bytes():
            raise ValueError(f"{path.name} is another one when it is built from the sdist")
    sdists = [path for path in files if path.name.endswith(".tar.gz")]
    wheels = [path for path in files if path.suffix == ".whl"]
    if (len(sdists), len(wheels), len(files)) != (1, 2, 3):
        raise ValueError(f"one sdist and two wheels are wanted: {[path.name for path in files]}")
    of_sdist = {name for name in sdist_files(sdists[0]) if name.startswith("buildtrace/")}
    for wheel in wheels:
        if differing := package_files(wheel) ^ of_sdist:
            raise ValueError(f"{wheel.name} and the sdist differ: {', '.join(sorted(differing))}")


def sdist_files(sdist: Path) -> set[str]:
    """The files of an sdist.

    Raises:
        ValueError: it has what was made by whoever works here.
    """
    with tarfile.open(sdist) as archive:
        members = archive.getmembers()
    paths = [PurePosixPath(member.name) for member in members]
    names = {str(path.relative_to(path.parts[0])) for path in paths}
    for path in paths:
        if NOT_OURS.intersection(path.parts) or path.suffix in (".pyc", ".whl", ".so"):
            raise ValueError(f"the sdist has {path}")
    if others := [member.name for member in members if not member.isfile()]:
        raise ValueError(f"these in the sdist are no files: {', '.join(others)}")
    return names


def package_files(wheel: Path) -> set[str]:
    """The files of a wheel, but for what pip reads.

    Raises:
        ValueError: it has no license.
    """
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    if not any(name.endswith(".dist-info/licenses/LICENSE") for name in names):
        raise ValueError(f"{wheel.name} has no license")
    return {name for name in names if ".dist-info/" not in name}


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
