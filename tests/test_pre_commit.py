"""The hooks, run by pre-commit itself, from a repository that has this project in it."""

import os
import shutil
import subprocess
import sys

import composite_action
import pytest

ROOT = composite_action.ROOT
PROJECT = (".pre-commit-hooks.yaml", "LICENSE", "README.md", "pyproject.toml", "buildtrace")
CONFIG = """\
repos:
  - repo: {repository}
    rev: {revision}
    hooks:
      - id: {hook}
"""
KERAS_2 = """\
import keras

model = keras.Sequential([keras.layers.Dense(3)])
model.compile(keras.optimizers.Adam(lr=0.1), "mse")
"""
KERAS_3 = KERAS_2.replace("lr=", "learning_rate=")

pytestmark = pytest.mark.slow


def git(folder, *arguments):
    name = {
        f"GIT_{who}_{what}": "nobody@example.com"
        for who in ("AUTHOR", "COMMITTER")
        for what in ("NAME", "EMAIL")
    }
    command = ["git", "-C", str(folder), *arguments]
    done = subprocess.run(
        command, env=os.environ | name, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def committed(folder):
    """Make a repository of a folder; gives the revision."""
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "All")
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A repository with this project, which wants no TensorFlow: that takes minutes to install."""
    folder = tmp_path_factory.mktemp("buildtrace")
    for name in PROJECT:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, folder / name)
    file = folder / "pyproject.toml"
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    heavy = ('  "tensorflow', '  "tf_keras')
    file.write_text("".join(s for s in lines if not s.startswith(heavy)), encoding="utf-8")
    return folder, committed(folder)


@pytest.fixture
def pre_commit(project, tmp_path, monkeypatch):
    """Run a hook over files that are about to be committed; gives the code and what is said."""
    pytest.importorskip("pre_commit", reason='pip install ".[ci]"')
    composite_action.command(tmp_path / "bin", "buildtrace", "buildtrace")
    monkeypatch.setenv("PATH", os.pathsep.join([str(tmp_path / "bin"), os.environ["PATH"]]))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    repository, revision = project
    users = tmp_path / "users"
    users.mkdir()

    def run(hook, **files):
        config = CONFIG.format(repository=repository, revision=revision, hook=hook)
        (users / ".pre-commit-config.yaml").write_text(config, encoding="utf-8")
        for name, text in files.items():
            (users / f"{name}.py").write_text(text, encoding="utf-8")
        if not (users / ".git").exists():
            git(users, "init", "--quiet")
        git(users, "add", "--all")
        command = [sys.executable, "-m", "pre_commit", "run", "--color=never"]
        home = {"PRE_COMMIT_HOME": str(tmp_path / "cache")}
        done = subprocess.run(
            command, cwd=users, env=os.environ | home, capture_output=True, encoding="utf-8"
        )
        return done.returncode, done.stdout + done.stderr

    return run


def test_the_manifest_is_one():
    pytest.importorskip("pre_commit", reason='pip install ".[ci]"')
    command = [sys.executable, "-m", "pre_commit", "validate-manifest"]
    subprocess.run([*command, ROOT / ".pre-commit-hooks.yaml"], check=True)


def test_migrate_has_an_environment_of_its_own_and_runs_nothing(pre_commit, monkeypatch):
    monkeypatch.delenv("PYTHONPATH")
    code, said = pre_commit("buildtrace-migrate", old=KERAS_2, new="import keras\n", no="1 / 0\n")
    assert code == 1, said
    assert "old.py:4: BT504" in said
    assert "no.py" not in said
    code, said = pre_commit("buildtrace-migrate", old=KERAS_3)
    assert code == 0, said


def test_check_runs_the_scripts_with_what_is_installed(pre_commit):
    code, said = pre_commit("buildtrace-check", train=KERAS_2, tools="1 / 0\n")
    assert code == 1, said
    assert "train.py:4: BT504" in said
    code, said = pre_commit("buildtrace-check", train=KERAS_3)
    assert code == 0, said
