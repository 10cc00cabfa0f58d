"""Runs the tests once in each arm, every arm in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from keras_own.notes import ArmNote

if TYPE_CHECKING:
    from collections.abc import Sequence

TESTS = Path(__file__).parents[1]
NO_TESTS = 5
"""What pytest returns if none of the tests in these files was asked for."""

PARTS = 2
"""Into how many processes an arm is divided: three arms keep two processors busy to the end."""


class ArmFailedError(Exception):
    """The tests did not run to their end."""


def run(arm: str, files: Sequence[Path], keyword: str | None = None) -> ArmNote:
    """Run tests in one arm.

    Raises:
        ArmFailedError: pytest did not get to the end of them.
    """
    with tempfile.TemporaryDirectory() as folder:
        note = Path(folder, "note.json")
        settings = Path(folder, "pytest.ini")
        settings.write_text("[pytest]\n")  # not the project's own
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        command += ["-p", "no:buildtrace"]  # a plugin of ours would be in the untraced arm, too
        command += ["-p", "keras_own.plugin", "--import-mode=importlib", "--tb=no"]
        command += ["-c", str(settings), "--rootdir", str(root_of(files))]
        command += ["--arm", arm, "--note", str(note)]
        command += ["-k", keyword] if keyword else []
        command += [str(file) for file in files]
        done = subprocess.run(
            command, cwd=folder, env=_environment(), capture_output=True, text=True, check=False
        )
        if done.returncode not in (0, 1, NO_TESTS) or not note.exists():
            end = "\n".join((done.stdout + done.stderr).splitlines()[-30:])
            raise ArmFailedError(f"{arm}: pytest ended with {done.returncode}\n{end}")
        return msgspec.json.decode(note.read_bytes(), type=ArmNote)


def root_of(files: Sequence[Path]) -> Path:
    """Where the names of tests begin: the same for some of Keras' files as for all of them."""
    inside = [parent for parent in files[0].parents if parent.parts[-2:] == ("keras", "src")]
    return inside[0] if inside else files[0].parent


def run_all(
    arms: Sequence[str], files: Sequence[Path], keyword: str | None, jobs: int
) -> dict[str, ArmNote]:
    """Run tests in several arms, in `jobs` processes at a time; each file in one process per arm.

    Raises:
        ArmFailedError: pytest did not get to the end of them.
    """
    parts = [files[number::PARTS] for number in range(min(PARTS, len(files)))]
    runs = [(arm, part) for part in parts for arm in arms]
    with ThreadPoolExecutor(jobs) as pool:
        done = pool.map(lambda each: run(*each, keyword), runs)
        notes = {arm: ArmNote() for arm in arms}
        for (arm, _), note in zip(runs, done, strict=True):
            notes[arm].add(note)
    return notes


def _environment() -> dict[str, str]:
    """The same for every arm: Python's order of sets must not differ either."""
    return os.environ | {
        "PYTHONPATH": os.pathsep.join([str(TESTS), str(TESTS.parent)]),
        "PYTHONHASHSEED": "0",
        "CUDA_VISIBLE_DEVICES": "",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
