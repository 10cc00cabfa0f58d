"""What is installed, what a script would get, and what is missing."""

import re
import sys
from pathlib import Path

import msgspec
import pytest

from buildtrace.cli import doctor as doctor_verb
from buildtrace.cli import environment
from cli.test_environment import JAX, TF_215, TF_216, TF_221

TOOLS = {
    "rich": "15.0",
    "msgspec": "0.22",
    "jinja2": "3.1.6",
    "shtab": "1.13.0",
    "graphviz": "0.21",
    "pygraphviz": "2.0.4",
    "psutil": "7.2.2",
}


@pytest.fixture
def doctor(cli, monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.delenv("TF_USE_LEGACY_KERAS")

    def run(packages):
        monkeypatch.setattr(environment, "version", packages.get)
        monkeypatch.setattr(environment, "installed", packages.__contains__)
        return cli("doctor")

    return run


def line(result, start):
    return next(row for row in result.out.splitlines() if row.strip("! ").startswith(start))


def test_both_kerases(doctor):
    result = doctor(TF_221 | TOOLS)
    assert result.code == 0
    assert "Keras 3 (the package keras 3.15.1)" in line(result, "--keras auto")
    assert "Keras 2 (the package tf_keras 2.21.0)" in line(result, "--keras 2")
    assert "Keras 3 (the package keras 3.15.1)" in line(result, "--keras 3")


def test_the_environment_switch_is_named(doctor, monkeypatch):
    monkeypatch.setenv("TF_USE_LEGACY_KERAS", "1")
    text = line(doctor(TF_221 | TOOLS), "--keras auto")
    assert "Keras 2" in text
    assert "TF_USE_LEGACY_KERAS" in text


def test_one_keras_is_enough_to_be_well(doctor):
    new, old = doctor(TF_216 | TOOLS), doctor(TF_215 | TOOLS)
    assert (new.code, old.code) == (0, 0)
    assert "none" in line(new, "--keras 2")
    assert "pip install tf_keras" in new.out
    assert "Keras 2" in line(old, "--keras auto")
    assert "none" in line(old, "--keras 3")


def test_keras_on_another_backend(doctor, monkeypatch):
    result = doctor(JAX | TOOLS)
    assert result.code == 1
    assert "set KERAS_BACKEND=jax" in result.out
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    result = doctor(JAX | TOOLS)
    assert result.code == 0
    assert "Keras 3 on the backend jax" in line(result, "import keras")


def test_the_backend_may_be_configured(doctor, tmp_path):
    (tmp_path / "keras.json").write_text('{"backend": "jax"}')
    assert "on the backend jax" in line(doctor(JAX | TOOLS), "import keras")
    (tmp_path / "keras.json").write_text("not JSON")
    assert doctor(JAX | TOOLS).code == 1


def test_no_keras_at_all(doctor):
    result = doctor(TOOLS)
    assert result.code == 1
    assert "not installed" in line(result, "keras")
    assert "fails: Keras is not installed" in line(result, "import keras")
    assert "pip install keras jax (or torch, or tensorflow)" in result.out


def test_a_keras_without_a_backend(doctor):
    result = doctor({"keras": "3.15.1"} | TOOLS)
    assert result.code == 1
    assert "the backend of Keras, tensorflow, is not installed" in line(result, "import keras")
    assert "pip install tensorflow" in result.out


def distribution(folder, name):
    """Metadata as pip leaves them for what it has installed."""
    metadata = folder / f"{name.replace('-', '_')}-0.1.0.dist-info" / "METADATA"
    metadata.parent.mkdir()
    metadata.write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.1.0\n")


@pytest.mark.parametrize(
    ("names", "code", "says"),
    [
        (["buildtrace-core"], 0, "as buildtrace-core"),
        (["buildtrace"], 0, "0.1.0"),
        ([], 0, "0.1.0"),
        (["buildtrace", "buildtrace-core"], 1, "buildtrace and buildtrace-core are the same files"),
    ],
)
def test_what_it_is_installed_as(doctor, monkeypatch, tmp_path, names, code, says):
    """To uninstall one of two distributions would take the files from the other."""
    for name in names:
        distribution(tmp_path, name)
    # Nothing else: the one that runs this test is installed, or is not.
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    result = doctor(TF_221 | TOOLS)
    assert result.code == code
    assert line(result, "buildtrace").endswith(says)


def test_all_that_buildtrace_depends_on_is_looked_at():
    project = Path(__file__).parents[2] / "pyproject.toml"
    depends = msgspec.toml.decode(project.read_bytes())["project"]["dependencies"]
    names = {re.split(r"[<>=]", dependency)[0] for dependency in depends}
    looked_at = {name for names in doctor_verb.PACKAGES.values() for name in names}
    assert names - looked_at == {"tomli"}
    assert names - {"tensorflow", "tf_keras", "tomli"} == set(doctor_verb.NEEDED) - {"keras"}


@pytest.mark.parametrize("missing", TOOLS)
def test_a_missing_tool_comes_with_its_remedy(doctor, missing):
    result = doctor({k: v for k, v in (TF_221 | TOOLS).items() if k != missing})
    assert result.code == 1
    assert line(result, missing).startswith("!")
    assert f"pip install {missing}" in result.out
