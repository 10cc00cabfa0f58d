"""`check --migrate` reads scripts and folders for what Keras 3 does without. No Keras needed."""

from __future__ import annotations

import json

import pytest

OLD = """\
from tensorflow.keras.optimizers.legacy import Adam
from tensorflow import keras

raise SystemExit("this must not run")
keras.layers.Dense(2, input_shape=(3,))
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The folder that the test runs in; writes files into it."""
    monkeypatch.chdir(tmp_path)

    def write(**files):
        for name, text in files.items():
            path = tmp_path / f"{name}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path

    return write


def test_a_script_is_read_and_not_run(cli, folder):
    folder(old=OLD)
    result = cli("check", "--keras", "3", "--migrate", "old.py")
    assert (result.code, result.err) == (1, "")
    assert result.out.splitlines() == [
        "old.py:1: BT506 error: old.py:1 uses `tf.keras.optimizers.legacy.Adam`, which Keras 3 "
        "does not have.",
        "  fix:",
        "    keras.optimizers.Adam",
        "",
        "old.py:5: BT504 note: old.py:5 passes `input_shape` to `keras.layers.Dense`, which Keras "
        "3 would have elsewhere.",
        "  fix:",
        "    keras.Input((3,))  # as the first layer; it goes on as it is, with a warning",
        "",
        "Found 1 problem (1 note) in 1 file",
        "`buildtrace explain BT506 BT504` says why.",
    ]


def test_the_scripts_own_modules_are_read_as_well(cli, folder):
    folder(
        **{
            "main": "import nets.small\nfrom tools import fit\nimport json, keras",
            "nets/__init__": "",
            "nets/small": "from . import layers",
            "nets/layers": "import keras.engine",
            "tools": "from keras.utils import np_utils",
            "other": "import keras.engine",
            "json": "",
        }
    )
    result = cli("check", "--migrate", "--concise", "main.py")
    assert [line.partition(": ")[0] for line in result.out.splitlines()] == [
        "tools.py:1",
        "nets/layers.py:1",
        "Found 2 problems in 6 files",
    ]


def test_of_a_folder_all_files_are_read(cli, folder):
    folder(**dict.fromkeys(["a", "b/c", "venv/lib", ".hidden/d"], "import keras.engine"))
    result = cli("check", "--migrate", "--concise", ".")
    assert result.code == 1
    assert [line.partition(":")[0] for line in result.out.splitlines()[:-1]] == ["a.py", "b/c.py"]


def test_nothing_to_change(cli, folder):
    folder(new="import keras\nkeras.layers.Dense(2)\n")
    result = cli("check", "--migrate", "new.py")
    assert (result.code, result.out) == (0, "No problems found in 1 file\n")


def test_comments_and_options_leave_out(cli, folder):
    folder(old="import keras.engine  # buildtrace: ignore[BT506]\nkeras.layers.Dense(2, init='a')")
    assert "Found 1 problem (1 ignored)" in cli("check", "--migrate", "old.py").out
    assert cli("check", "--migrate", "--ignore", "BT5", "old.py").code == 0
    assert "BT504" not in cli("check", "--migrate", "--select", "BT506", "old.py").out


def test_for_programs(cli, folder):
    folder(old=OLD)
    (first, second) = json.loads(cli("check", "--migrate", "--format", "json", "old.py").out)
    assert (first["code"], first["file"], first["line"]) == ("BT506", "old.py", 1)
    assert (second["code"], second["severity"]) == ("BT504", "note")
    log = json.loads(cli("check", "--migrate", "--format", "sarif", "old.py").out)
    assert [result["ruleId"] for result in log["runs"][0]["results"]] == ["BT506", "BT504"]
    annotated = cli("check", "--migrate", "--format", "github", "old.py").out
    assert annotated.startswith("::error title=BT506 ")
    assert cli("check", "--migrate", "-o", "found.sarif", "old.py").code == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nowhere.py"], "there is no file nowhere.py"),
        (["broken.py"], "is no Python, line 1"),
        (["empty"], "no .py file is in"),
        (["--keras", "2", "old.py"], "use --keras 3"),
        (["-m", "old"], "name the SCRIPT.py or the FOLDER"),
        (["--train", "old.py"], "leave out --train"),
        (["old.py", "--epochs"], "leave out --epochs"),
        (["build.json"], "is no script"),
        (["null.py"], "null.py"),
        (["latin.py"], "latin.py is no Python"),
        (["deep.py"], "deep.py cannot be read as Python"),
    ],
)
def test_what_cannot_be_read_is_one_line(cli, folder, arguments, says):
    here = folder(old=OLD, broken="def (\n", null="a = '\0'\n", deep=f"a = {'-' * 2000}1")
    (here / "empty").mkdir()
    (here / "build.json").write_text("{}")
    (here / "latin.py").write_bytes(b"a = '\xe9'\n")
    result = cli("check", "--migrate", *arguments)
    assert (result.code, result.out) == (2, "")
    (line,) = result.err.splitlines()
    assert says in line


def test_one_broken_file_of_several(cli, folder):
    folder(good="import keras", broken="def (")
    result = cli("check", "--migrate", ".")
    assert (result.code, result.out) == (2, "No problems found in 1 file\n")
    assert "broken.py is no Python, line 1" in result.err
    folder(good="import keras.engine")
    assert cli("check", "--migrate", ".").code == 1


def test_no_keras_is_imported(command, folder):
    folder(old=OLD)
    program = (
        "import sys\nfrom buildtrace.cli import main\n"
        "main(['check', '--migrate', '-o', 'found.json', 'old.py'])\n"
        "assert not {'tensorflow', 'keras', 'tf_keras'} & set(sys.modules)"
    )
    assert command("-c", program).code == 0
