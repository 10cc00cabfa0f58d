"""`buildtrace enable` and `disable`: one line in a real environment, and what comes of it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from environments import Environment

from buildtrace.cli import pth_file

START = "buildtrace.integrations.at_start"
LOADED = f"import sys; print({START!r} in sys.modules)"


@pytest.fixture
def new(tmp_path) -> Environment:
    """A virtual environment that finds this checkout and what it needs."""
    return Environment(tmp_path / "env")


def test_enabling_and_disabling_twice(new, tmp_path):
    off = new.run("-m", "buildtrace", "disable")
    assert (off.returncode, off.stdout.splitlines()[0]) == (
        0,
        "not enabled: there is nothing to remove",
    )
    on = new.run("-m", "buildtrace", "enable")
    assert on.stdout.splitlines()[0] == f"enabled: {new.pth}"
    assert (on.returncode, on.stderr) == (0, "")
    assert len(new.pth.read_text().splitlines()) == 1
    again = new.run("-m", "buildtrace", "enable")
    assert again.stdout.splitlines()[0] == f"already enabled: {new.pth}"
    assert [path.name for path in new.packages.iterdir() if "buildtrace" in path.name] == [
        new.pth.name
    ]
    off = new.run("-m", "buildtrace", "disable")
    assert off.stdout.splitlines()[0] == f"disabled: removed {new.pth}"
    assert not new.pth.exists()


@pytest.mark.parametrize(
    ("options", "loaded"),
    [((), True), (("-I",), True), (("-E",), True), (("-P",), True), (("-S",), False)],
)
def test_what_python_is_told_to_leave_out(new, options, loaded):
    if options == ("-P",) and sys.version_info < (3, 11):
        pytest.skip("from Python 3.11 on")
    new.enable()
    done = new.run(*options, "-c", LOADED, BUILDTRACE="1")
    assert (done.stdout, done.stderr) == (f"{loaded}\n", "")


@pytest.mark.parametrize("value", [None, "", "0"])
def test_nothing_of_us_is_loaded_when_it_is_off(new, value):
    new.enable()
    program = "import sys; print([name for name in sys.modules if name.startswith('buildtrace')])"
    given = {} if value is None else {"BUILDTRACE": value}
    assert new.run("-c", program, **given).stdout == "[]\n"


def test_little_is_loaded_until_keras_is_imported(new):
    new.enable()
    program = "import importlib.util, sys; importlib.util.find_spec('keras'); print(*sys.modules)"
    plain, traced = (new.run("-c", program, BUILDTRACE=value) for value in ("0", "1"))
    more = {*traced.stdout.split()} - {*plain.stdout.split()}
    names = ("at_start", "launch_variable")
    assert more - {"__future__", "atexit", "time"} == {
        *("buildtrace", "buildtrace.integrations"),
        *(f"buildtrace.integrations.{name}" for name in names),
    }


@pytest.mark.parametrize("value", ["1", "-o nowhere/x.json", "--nonsense"])
def test_a_program_without_keras_prints_and_writes_nothing(new, value, tmp_path):
    new.enable()
    program = (
        "import atexit, sys, threading\n"
        "print(sys.argv, sys.path, len(threading.enumerate()))\n"
        "sys.exit(7)"
    )
    file = tmp_path / "program.py"
    file.write_text(program)
    plain = new.run(file, "a")
    traced = new.run(file, "a", BUILDTRACE=value)
    assert (traced.returncode, traced.stdout, traced.stderr) == (7, plain.stdout, "")
    assert plain.stdout
    assert {path.name for path in tmp_path.iterdir()} == {"env", "program.py"}


def test_a_line_that_stayed_behind_says_nothing(new):
    new.enable()
    (new.packages / "_paths.pth").unlink()  # the package is gone
    for value in ("0", "1"):
        done = new.run("-c", "print('runs')", BUILDTRACE=value)
        assert (done.returncode, done.stdout, done.stderr) == (0, "runs\n", "")


def test_the_line_of_another_version_is_written_anew(new):
    new.pth.write_text("import os; 'an old line'\n")
    assert "of another version" in new.run("-m", "buildtrace", "doctor").stdout
    assert new.run("-m", "buildtrace", "enable").stdout.startswith("enabled: ")
    assert new.pth.read_text() == pth_file.LINE


def test_a_package_that_a_new_python_would_not_find(new, tmp_path):
    """Such as one that was found by the variable of this process alone."""
    paths = (new.packages / "_paths.pth").read_text().splitlines()
    (new.packages / "_paths.pth").unlink()
    program = (
        f"import sys; sys.path += {paths!r}; from buildtrace.cli import main; sys.exit(main())"
    )
    done = new.run("-c", program, "enable")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "install it in this environment" in done.stderr
    assert not new.pth.exists()


@pytest.mark.skipif(
    os.name == "nt" or not hasattr(os, "geteuid") or os.geteuid() == 0, reason="as a plain user"
)
def test_an_environment_that_cannot_be_written(new):
    new.packages.chmod(0o500)
    try:
        check_refused(new.run("-m", "buildtrace", "enable"), new)
    finally:
        new.packages.chmod(0o700)


def test_a_file_that_cannot_be_written(new):
    new.pth.mkdir()  # as root, too
    check_refused(new.run("-m", "buildtrace", "enable"), new)
    assert [path.name for path in new.packages.iterdir() if path.suffix == ".part"] == []


def check_refused(done, new):
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"buildtrace: error: cannot write {new.pth}: ")
    assert "virtual environment" in line


def test_the_doctor_says_how_it_is(new):
    def told(**variables):
        out = new.run("-m", "buildtrace", "doctor", **variables).stdout
        return out.partition("other launchers\n")[2]

    assert "not enabled" in told()
    assert "buildtrace enable" in told(BUILDTRACE="1")
    new.enable()
    text = told(BUILDTRACE="-o x.json")
    assert str(new.pth) in text
    assert "set to '-o x.json'" in text


def test_the_packages_of_a_user(tmp_path, monkeypatch):
    """Where the package itself is: this user's Pythons alone read it there."""
    monkeypatch.setattr(pth_file.site, "ENABLE_USER_SITE", True)
    package = Path(pth_file.__file__).resolve().parents[2]
    monkeypatch.setattr(pth_file.site, "getusersitepackages", lambda: str(package))
    assert pth_file.wanted().path == package / pth_file.NAME
    monkeypatch.setattr(pth_file.site, "getusersitepackages", lambda: str(tmp_path))
    assert not pth_file.wanted().of_user
    assert [file.path.parent for file in pth_file.all_files()][1:] == [tmp_path]


def test_the_line_is_one_that_python_runs():
    assert pth_file.LINE.startswith("import ")
    assert pth_file.LINE.count("\n") == 1
    subprocess.run([sys.executable, "-c", pth_file.LINE], check=True, env={})
