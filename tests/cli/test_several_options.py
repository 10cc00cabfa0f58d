"""The options about folders and about a baseline: what goes together."""

import pytest

from buildtrace.cli.check_options import parse
from buildtrace.errors import UsageError


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("a.py", "b.py", "src/c.py", "app/__main__.py", "saved/saved_model.pb"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("pass\n")
    return tmp_path


def targets(*arguments):
    several = parse(arguments).several
    return several and several.targets


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["a.py"], None),
        (["a.py", "b.py"], None),
        (["a.py", "src"], None),
        (["app"], None),
        (["app", "src"], None),
        (["-m", "app"], None),
        (["-m", "app", "src"], None),
        (["src"], ("src",)),
        (["src", "a.py"], ("src", "a.py")),
        (["*.py"], ("*.py",)),
        (["--", "src"], ("src",)),
        (["--each", "a.py", "b.py"], ("a.py", "b.py")),
        (["--each", "app"], ("app",)),
        (["--each"], (".",)),
        (["--since", "main"], (".",)),
    ],
)
def test_when_several_are_meant(files, arguments, expected):
    assert targets(*arguments) == expected


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--jobs", "2", "a.py"], "--jobs is for folders and several files"),
        (["--timeout", "2", "a.py"], "--timeout is for folders and several files"),
        (["--since", "main", "a.py"], "--since is for folders and several files"),
        (["--no-cache", "-m", "app"], "--no-cache is for folders and several files"),
        (["--cache-dir", "x", "a.py"], "--cache-dir is for folders and several files"),
        (["--each", "-m", "app"], "-m names one module"),
        (["--fix", "src"], "--fix runs one script, again and again: name it alone"),
        (["--try", "--each", "a.py"], "--try runs one script, again and again: name it alone"),
        (["src", "--epochs", "3"], "--epochs is no file or folder: options stand before"),
        (["--jobs", "0", "src"], "'0' is not a number of scripts, from 1 up"),
        (["--jobs", "many", "src"], "'many' is not a number of scripts"),
        (["--timeout", "0", "src"], "'0' is not a number of seconds"),
        (["--timeout", "nan", "src"], "'nan' is not a number of seconds"),
        (["--timeout", "inf", "src"], "'inf' is not a number of seconds"),
        (["--cache-dir", "a.py", "src"], "--cache-dir a.py: it is a file"),
        (["saved"], "a SavedModel of TensorFlow"),
        (["--keras", "3", "--migrate", "--jobs", "2", "src"], "runs nothing: leave out --jobs"),
        (["--keras", "3", "--migrate", "a.py", "b.py"], "leave out b.py, or use --each"),
    ],
)
def test_what_makes_no_sense_is_one_line(files, arguments, says):
    with pytest.raises(UsageError) as error:
        parse(arguments)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("jobs = 0", "jobs"),
        ("timeout = -1", "timeout"),
        ('exclude = "src"', "exclude"),
        ('arguments = ["x"]', "arguments"),
    ],
)
def test_settings_that_make_no_sense(files, setting, says):
    (files / "pyproject.toml").write_text(f"[tool.buildtrace]\n{setting}\n")
    with pytest.raises(UsageError, match=says):
        parse(["src"])


def test_the_settings_of_all_targets_are_those_of_the_folder_around_them(files):
    (files / "pyproject.toml").write_text("[tool.buildtrace]\njobs = 7\n")
    (files / "src" / "pyproject.toml").write_text("[tool.buildtrace]\njobs = 3\n")
    assert parse(["src"]).several.jobs == 3
    assert parse(["src", "a.py"]).several.jobs == 7
    assert parse(["--jobs", "1", "src"]).several.jobs == 1


def test_several_are_migrated(cli, files):
    (files / "a.py").write_text("import keras\nkeras.optimizers.Adam(lr=0.1)\n")
    (files / "src" / "c.py").write_text("import keras\nkeras.optimizers.SGD(lr=0.1)\n")
    result = cli("check", "--keras", "3", "--migrate", "--each", "--concise", "a.py", "src", "b.py")
    assert result.code == 1
    lines = [line.partition(":")[0] for line in result.out.splitlines()]
    assert lines[:2] == ["a.py", "src/c.py"]
    assert result.out.splitlines()[-1] == "Found 2 problems in 3 files"
