"""Check built distributions: `python tests/distributions.py BUILT AGAIN UNPACKED`.

Each folder has the sdist and both wheels. Those in `AGAIN` were built from the sdist, which
`UNPACKED` is, and have to be the same, byte by byte.
"""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

NOT_OURS = {
    *(".git", ".nox", ".venv", "venv", "build", "dist", "site", "node_modules", "__pycache__"),
    *(".pytest_cache", ".mypy_cache", ".ruff_cache", ".ipynb_checkpoints", ".ci", ".github"),
}
"""Names of what a folder holds that somebody works in, and of what only our own CI needs."""

PACKAGE, CORE = "buildtrace-", "buildtrace_core-"


def main(built: Path, again: Path, unpacked: Path) -> None:
    """Check them; the text of an error says what is wrong.

    Raises:
        ValueError: something is.
    """
    files = sorted(path for path in built.iterdir() if path.is_file())
    for path in files:
        other = again / path.name
        if not other.is_file() or other.read_bytes() != path.read_bytes():
            raise ValueError(f"{path.name} is another one when it is built from the sdist")
    check_sdist(unpacked)
    wheels = {
        name: package_files(path)
        for path in files
        for name in (PACKAGE, CORE)
        if path.suffix == ".whl" and path.name.startswith(name)
    }
    for name, held in wheels.items():
        if differing := held ^ source_files(unpacked):
            raise ValueError(f"{name} and the sdist differ in {', '.join(sorted(differing))}")
    if wheels.keys() != {PACKAGE, CORE} or len(files) != 3:
        raise ValueError(f"one sdist and two wheels are wanted: {[path.name for path in files]}")


def check_sdist(unpacked: Path) -> None:
    """See that there is nothing in it that was made by whoever works here.

    Raises:
        ValueError: there is.
    """
    for path in unpacked.rglob("*"):
        if path.name in NOT_OURS or path.suffix in (".pyc", ".whl", ".so") or path.is_symlink():
            raise ValueError(f"the sdist has {path.relative_to(unpacked)}")


def source_files(unpacked: Path) -> set[str]:
    """The files of the package, as the sdist has them."""
    package = unpacked / "buildtrace"
    return {str(path.relative_to(unpacked)) for path in package.rglob("*") if path.is_file()}


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
