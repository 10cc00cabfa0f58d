"""What git says of files: asked of real repositories."""

import subprocess

import pytest

from buildtrace.cli import git
from buildtrace.errors import UsageError


def run(folder, *arguments):
    identity = ["-c", "user.name=n", "-c", "user.email=e@example.org"]
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path):
    for name in ("a.py", "b.py", "c d.py", "sub/e.py"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("1\n")
    run(tmp_path, "init", "-q")
    run(tmp_path, "add", ".")
    run(tmp_path, "commit", "-qm", "first")
    run(tmp_path, "tag", "v1")
    return tmp_path.resolve()


def changed(folder, revision="v1"):
    return sorted(path.name for path in git.changed(folder, revision))


def test_nothing_has_changed(repository):
    assert changed(repository) == []


def test_all_kinds_of_changes(repository):
    (repository / "a.py").write_text("2\n")  # not staged
    (repository / "c d.py").write_text("2\n")
    run(repository, "add", "c d.py")  # staged
    (repository / "b.py").unlink()  # gone
    (repository / "sub" / "e.py").rename(repository / "sub" / "ü.py")  # moved
    (repository / "new.py").touch()  # not tracked
    (repository / ".gitignore").write_text("ignored.py\n")
    (repository / "ignored.py").touch()
    run(repository, "commit", "-qm", "second")  # of what was staged
    expected = [".gitignore", "a.py", "b.py", "c d.py", "e.py", "new.py", "ü.py"]
    assert changed(repository) == expected
    assert changed(repository / "sub") == expected  # from a folder below as well
    assert "c d.py" not in changed(repository, "HEAD")


@pytest.mark.parametrize("revision", ["none", "", "-x", "--output=pwned", "v1 v1", "HEAD:a.py"])
def test_a_commit_that_git_does_not_know(repository, revision):
    with pytest.raises(UsageError, match=f"--since {revision}: git knows no such commit here"):
        git.changed(repository, revision)
    assert not (repository / "pwned").exists()


def test_in_a_hook_of_a_second_work_tree(repository, monkeypatch):
    other = repository.parent / f"{repository.name} 2"
    run(repository, "worktree", "add", "-q", "--detach", str(other))
    (other / "sub" / "e.py").write_text("2\n")
    (administered,) = (repository / ".git" / "worktrees").iterdir()
    monkeypatch.setenv("GIT_DIR", str(administered))
    monkeypatch.setenv("GIT_INDEX_FILE", str(administered / "index"))
    assert git.top(other / "sub") == other
    assert git.changed(other / "sub", "v1") == {other / "sub" / "e.py"}


def test_outside_of_git(tmp_path):
    assert git.top(tmp_path) is None
    with pytest.raises(UsageError, match="is in no work tree of git"):
        git.changed(tmp_path, "HEAD")


def test_without_git(repository, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert git.top(repository) is None
    with pytest.raises(UsageError, match="git cannot be run: No such file"):
        git.changed(repository, "HEAD")
