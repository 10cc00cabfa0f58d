"""Types are seen from outside: by mypy, in a program that uses the installed package."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

pytestmark = pytest.mark.slow


def run(*arguments: object, cwd: Path) -> str:
    command = [sys.executable, *map(str, arguments)]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.skipif(sys.version_info < (3, 11), reason="typing has no assert_type")
def test_a_program_that_uses_the_library(tmp_path: Path) -> None:
    pytest.importorskip("mypy")
    shutil.copy(ROOT / "tests" / "typing_api.py", tmp_path)
    assert "Success" in run("-m", "mypy", "--strict", "typing_api.py", cwd=tmp_path)


def test_the_wheel_says_that_it_has_types(tmp_path: Path) -> None:
    run("-m", "pip", "wheel", "--quiet", "--no-deps", "-w", tmp_path, ROOT, cwd=tmp_path)
    (wheel,) = tmp_path.glob("buildtrace-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "buildtrace/py.typed" in names
    assert "buildtrace/renderers/page/assets/report.html.j2" in names
    assert not [name for name in names if name.startswith("tests/")]
