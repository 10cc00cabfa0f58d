"""What a Python does with `BUILDTRACE` set when a program imports Keras: here, a stand-in of it."""

from __future__ import annotations

import pytest
from environments import ROOT, Environment

PROGRAM = """\
import sys
import keras
print(keras.x, [type(finder).__name__ for finder in sys.meta_path if "Launch" in str(finder)])
print(*vars(keras.__spec__.loader))
sys.exit(3)
"""


@pytest.fixture
def project(tmp_path):
    """A folder with a module that is called keras, and a program that imports it."""
    (tmp_path / "keras.py").write_text("x = 1\n")
    (tmp_path / "program.py").write_text(PROGRAM)
    return tmp_path


@pytest.fixture
def environment(tmp_path) -> Environment:
    new = Environment(tmp_path / "env")
    new.enable()
    return new


@pytest.mark.parametrize("value", ["--nonsense", "-o nowhere/x.json", "-o x.nonsense", "-o '"])
def test_a_value_that_makes_no_sense_is_one_line(environment, project, value):
    plain = environment.run("program.py", cwd=project)
    traced = environment.run("program.py", cwd=project, BUILDTRACE=value)
    assert (traced.returncode, traced.stdout) == (3, plain.stdout)
    assert plain.stdout == "1 []\nname path\n"
    (line,) = traced.stderr.splitlines()
    assert line.startswith("buildtrace: this program is not traced: BUILDTRACE")


def test_what_is_needed_is_not_there(environment, project):
    (environment.packages / "_paths.pth").unlink()
    (environment.packages / "buildtrace").symlink_to(ROOT / "buildtrace")  # and nothing else
    done = environment.run("program.py", cwd=project, BUILDTRACE="1")
    assert (done.returncode, done.stdout) == (3, "1 []\nname path\n")
    assert done.stderr == (
        "buildtrace: this program is not traced: msgspec is not installed here, which buildtrace "
        "needs\n"
    )


def test_an_import_that_fails_has_pythons_own_traceback(environment, project):
    (project / "keras.py").write_text("raise ImportError('no backend')\n")
    plain, traced = (
        environment.run("program.py", cwd=project, BUILDTRACE=value)
        for value in ("0", "--nonsense")
    )
    first, *rest = traced.stderr.splitlines(keepends=True)
    assert first.startswith("buildtrace: this program is not traced")
    assert "".join(rest) == plain.stderr
    assert "no backend" in plain.stderr


def test_a_program_that_has_finders_of_its_own_in_the_place_of_all(environment, project):
    (project / "program.py").write_text(
        "import sys\n"
        "class First:\n"
        "    def __init__(self, others): self.others = others\n"
        "    def find_spec(self, *asked):\n"
        "        found = (finder.find_spec(*asked) for finder in self.others)\n"
        "        return next(filter(None, found), None)\n"
        "sys.meta_path[:] = [First([*sys.meta_path])]\n"
        "import keras\n"
        "print(keras.x)\n"
    )
    done = environment.run("program.py", cwd=project, BUILDTRACE="1")
    assert (done.returncode, done.stdout, done.stderr) == (0, "1\n", "")


def test_nothing_is_said_of_a_keras_that_is_only_looked_for(environment, project):
    program = "import importlib.util as u, sys; print(bool(u.find_spec('keras')), len(sys.argv))"
    done = environment.run("-c", program, cwd=project, BUILDTRACE="--nonsense")
    assert (done.stdout, done.stderr) == ("True 1\n", "")
