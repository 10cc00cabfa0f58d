"""The folder that a script is tried in, and the text of a script."""

import os

import pytest
from loops import case

from buildtrace.cli import folder_copy, script_text
from buildtrace.cli.folder_copy import CopyError
from buildtrace.cli.program import Program
from buildtrace.cli.script_text import ScriptError
from buildtrace.diagnosis import edits
from buildtrace.traces.comments import runs_once
from buildtrace.traces.schema import Edit


def names(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def made(folder, *files):
    for file in files:
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(file)
    return folder


def test_what_a_script_may_need_is_copied(tmp_path):
    root = made(
        tmp_path / "root",
        *("model.py", "data/x.csv", ".env", "package/__init__.py"),
        *(".git/HEAD", "venv/pyvenv.cfg", "venv/lib/a.py", "__pycache__/model.pyc"),
    )
    folder_copy.copy(root, tmp_path / "copy")
    assert names(tmp_path / "copy") == [
        *(".env", "data", "data/x.csv", "model.py", "package", "package/__init__.py"),
    ]
    assert (tmp_path / "copy" / "data" / "x.csv").read_text() == "data/x.csv"


def test_links_stay_in_the_copy_or_lead_where_they_led(tmp_path):
    root = made(tmp_path / "root", "data/x.csv")
    made(tmp_path / "large", "y.csv")
    (root / "inside").symlink_to("data/x.csv")
    (root / "whole").symlink_to(root / "data")
    (root / "outside").symlink_to(tmp_path / "large")
    (root / "nowhere").symlink_to("gone")
    folder_copy.copy(root, copy := tmp_path / "copy")
    (copy / "inside").write_text("new")
    (copy / "whole" / "z.csv").write_text("new")
    assert (root / "data" / "x.csv").read_text() == "data/x.csv"
    assert names(root / "data") == ["x.csv"]
    assert (copy / "outside").readlink() == tmp_path / "large"
    assert (copy / "nowhere").is_symlink()


def test_a_copy_in_the_folder_itself_is_no_part_of_it(tmp_path):
    root = made(tmp_path / "root", "model.py", "tmp/x", "tmp/ours/y")
    folder_copy.copy(root, root / "tmp" / "ours" / "kept", root / "tmp" / "ours")
    assert names(root / "tmp" / "ours" / "kept") == ["model.py", "tmp", "tmp/x"]


def test_a_pipe_is_left_out(tmp_path):
    root = made(tmp_path / "root", "model.py")
    os.mkfifo(root / "pipe")
    folder_copy.copy(root, tmp_path / "copy")
    assert names(tmp_path / "copy") == ["model.py"]


@pytest.mark.parametrize(("name", "most"), [("MOST_FILES", 1), ("MOST_BYTES", 12)])
def test_a_large_folder_is_not_copied(tmp_path, monkeypatch, name, most):
    root = made(tmp_path / "root", "model.py", "data.py")
    monkeypatch.setattr(folder_copy, name, most)
    with pytest.raises(CopyError, match="has more than"):
        folder_copy.copy(root, tmp_path / "copy")


def test_which_folder_is_copied(tmp_path):
    made(tmp_path, "project/examples/train.py", "other/x.py")
    project = tmp_path / "project"
    script, module = Program("examples/train.py"), Program("pkg.train", is_module=True)
    assert folder_copy.root_of(script, project) == project
    assert folder_copy.root_of(Program("train.py"), project / "examples") == project / "examples"
    assert folder_copy.root_of(Program("../project/examples/train.py"), project) == project
    made(project, "top.py")
    assert folder_copy.root_of(Program("../top.py"), project / "examples") == project
    assert folder_copy.root_of(module, project) == project
    with pytest.raises(CopyError, match="run the command in the folder of the script"):
        folder_copy.root_of(Program("../other/x.py"), project)


# -- the text of a script -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        b"x = 1\n",
        b"x = 1\r\ny = 2\r\n",
        b"\xef\xbb\xbfx = 1\n",
        b"# coding: latin-1\nx = '\xe9'",
        "x = 'größe'".encode(),
    ],
)
def test_a_script_is_written_as_it_was_read(tmp_path, content):
    path = tmp_path / "model.py"
    path.write_bytes(content)
    assert script_text.read(path).content() == content


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"x = 1\r\ny = 2\n", "its lines end in more than one way"),
        (b"x = 1\ry = 2\n", "its lines end in more than one way"),
        (b"x = '\xe9'", "its encoding is not what it says"),
        (b"# coding: nonsense\n", "its encoding is not what it says"),
    ],
)
def test_a_script_that_could_not_be_written_again(tmp_path, content, words):
    path = tmp_path / "model.py"
    path.write_bytes(content)
    with pytest.raises(ScriptError, match=words):
        script_text.read(path)


def edit(text):
    return [Edit(file="model.py", line=1, column=4, end_line=1, end_column=5, text=text)]


def test_a_script_with_edits(tmp_path):
    path = tmp_path / "model.py"
    path.write_bytes(b"x = 1\r\n")
    script = script_text.read(path)
    assert script.with_edits(edit("2"), "x = 1\n").content() == b"x = 2\r\n"
    for made_edits, known, words in (
        (edit("2"), "x = 3\n", "it has changed since it was run"),
        (edit("(2"), "x = 1\n", "with the changes it is no Python"),
        (edit("2") * 2, "x = 1\n", "the changes do not fit together"),
    ):
        with case(words), pytest.raises(ScriptError, match=words):
            script.with_edits(made_edits, known)
    assert edits.NONE == ()


# -- scripts that must not be run again ---------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "once"),
    [
        ("x = 1  # buildtrace: run once\n", True),
        ("#buildtrace:run once, it pays\n", True),
        ("text = '# buildtrace: run once'\n", False),
        ("# buildtrace: run onces\n", False),
        ("# buildtrace: ignore\n", False),
        ("x = (  # buildtrace: run once\n", True),  # no Python: better once too little
        ("", False),
    ],
)
def test_a_comment_says_that_a_script_runs_once(source, once):
    assert runs_once(source) is once
