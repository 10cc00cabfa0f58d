"""The files that arguments name."""

import os
import subprocess

import pytest

from buildtrace.cli.repository.named_files import files, is_pattern
from buildtrace.errors import UsageError


def names(folder, *targets):
    return [path.relative_to(folder).as_posix() for path in files(targets)]


@pytest.fixture
def tree(project):
    return project(
        a="", b="", sub__in__c="", build__in__x="", venv__in__y="", node_modules__in__z=""
    )


def test_a_folder_is_walked_without_what_is_not_the_users(tree):
    for name in (".hidden", "env", "__pycache__"):
        (tree / name).mkdir()
        (tree / name / "n.py").touch()
    (tree / "env" / "pyvenv.cfg").touch()
    (tree / "n.ipynb").touch()
    (tree / "text.txt").touch()
    assert names(tree, ".") == ["a.py", "b.py", "n.ipynb", "sub/c.py"]


def test_each_file_once(tree):
    assert names(tree, "sub", "a.py", ".", "a.py") == ["a.py", "b.py", "sub/c.py"]


def test_a_folder_that_is_named_itself_is_looked_at(tree):
    assert names(tree, "build", ".") == ["a.py", "b.py", "build/x.py", "sub/c.py"]


def test_patterns(tree):
    assert names(tree, "**/*.py", "sub") == sorted(
        ["a.py", "b.py", "sub/c.py", "build/x.py", "venv/y.py", "node_modules/z.py"]
    )
    assert names(tree, "[ab].py") == ["a.py", "b.py"]
    assert is_pattern("*.py")
    assert not is_pattern("a.py")
    (tree / "a[1].py").touch()
    assert not is_pattern("a[1].py")  # a file of that name
    assert names(tree, "a[1].py") == ["a[1].py"]


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("none", "there is no file or folder none"),
        ("*.none", r"no file is like \*.none"),
        ("text.txt", "text.txt is no Python file and no folder"),
        ("empty", "no .py file is in empty"),
    ],
)
def test_what_names_nothing_is_refused(tree, target, says):
    (tree / "text.txt").touch()
    (tree / "empty").mkdir()
    with pytest.raises(UsageError, match=says):
        files([target])


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="all may be read here")
def test_a_folder_that_cannot_be_read(tree):
    (tree / "sub").chmod(0)
    with pytest.raises(UsageError, match="cannot read sub"):
        files(["sub"])
    (tree / "sub").chmod(0o700)


def test_in_a_work_tree_git_says_what_there_is(tree):
    git(tree, "init", "-q")
    (tree / ".gitignore").write_text("b.py\nignored/\n")
    (tree / "ignored").mkdir()
    (tree / "ignored" / "i.py").touch()
    git(tree, "add", "a.py")
    (tree / "ä b.py").touch()
    assert names(tree, ".") == ["a.py", "sub/c.py", "ä b.py"]
    assert names(tree, "b.py") == ["b.py"]  # named itself
    assert names(tree, "ignored") == ["ignored/i.py"]
    (tree / "a.py").unlink()  # still in the index
    assert names(tree, ".") == ["sub/c.py", "ä b.py"]


def git(folder, *arguments):
    subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)
