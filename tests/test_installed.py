"""What a user does first with an installed package, whichever Keras there is, or none.

`nox` runs it in environments that have a wheel and not the checkout.
"""

import functools
import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from importlib import metadata, util
from pathlib import Path

import pytest

import buildtrace
from buildtrace.cli import environment, missing_keras

pytestmark = pytest.mark.slow

BACKEND = next(filter(environment.installed, missing_keras.BACKENDS), None)
KERAS = environment.major(environment.version("keras"))
HAS_KERAS = KERAS is not None and BACKEND is not None
EXAMPLE = f"buildtrace.examples.{'any_backend' if KERAS == 3 else 'mnist_mlp'}"
COMMAND = Path(sys.executable).with_name("buildtrace")
PACKAGE = Path(buildtrace.__file__).parent

needs_keras = pytest.mark.skipif(not HAS_KERAS, reason="Keras is not installed, or no backend")
needs_command = pytest.mark.skipif(not COMMAND.exists(), reason="buildtrace is not installed")


@pytest.fixture
def command(tmp_path):
    """Run the command as it is installed, away from its source."""
    environ = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "KERAS_BACKEND")}
    run = functools.partial(subprocess.run, cwd=tmp_path, capture_output=True, text=True)

    def start(*arguments, **env):
        given = environ | ({"KERAS_BACKEND": BACKEND} if BACKEND else {}) | env
        return run([COMMAND, *arguments], env=given, check=False)

    return start


@needs_command
def test_help_and_version(command):
    told = command("--version").stdout
    assert told == f"buildtrace {distribution().version}\n"
    help_ = command("--help")
    assert help_.returncode == 0
    assert help_.stdout.startswith("usage: buildtrace [OPTIONS] SCRIPT.py")


@needs_command
@needs_keras
def test_an_example_and_its_files(command, tmp_path):
    files = [option for suffix in ("html", "svg", "json") for option in ("-o", f"build.{suffix}")]
    done = command(*files, "-m", EXAMPLE)
    assert done.returncode == 0, done.stderr
    trace = json.loads((tmp_path / "build.json").read_text(encoding="utf-8"))
    assert trace["format"] == "buildtrace"
    assert any(call["name"] == "Dense.build" for call in trace["calls"])
    assert ET.parse(tmp_path / "build.svg").getroot().tag.endswith("}svg")
    page = (tmp_path / "build.html").read_text(encoding="utf-8")
    assert "<style>" in page
    assert 'type="module"' in page
    shown = command("--view", "weights", "build.json")
    assert "kernel" in shown.stdout


@needs_command
def test_the_doctor(command):
    done = command("doctor")
    assert done.returncode == (0 if HAS_KERAS else 1), done.stdout
    assert "svg png pdf   can be drawn" in done.stdout
    wrong = [row for row in done.stdout.splitlines() if row.startswith("!")]
    if not HAS_KERAS:
        assert [row.split()[1] for row in wrong] == ["keras", "import"]


@needs_command
def test_landmarks_and_completion_need_no_keras(command):
    for arguments in (["landmarks", "--keras", "3"], ["--print-completion", "bash"]):
        done = command(*arguments, PYTHONPROFILEIMPORTTIME="1")
        assert done.returncode == 0, done.stderr
        imported = set(re.findall(r"\| +(\w+)$", done.stderr, flags=re.MULTILINE))
        assert "argparse" in imported
        assert not imported & {"numpy", "keras", "tf_keras", *missing_keras.BACKENDS}


def test_pytest_finds_the_fixture(tmp_path):
    run = [sys.executable, "-m", "pytest", "--fixtures", "-p", "no:cacheprovider"]
    done = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "-- fixtures defined from buildtrace.integrations.pytest_plugin --" in re.sub(
        "-+", "--", done.stdout
    )


@needs_command
@pytest.mark.skipif(HAS_KERAS, reason="Keras is installed")
@pytest.mark.parametrize("verb", [[], ["check"], ["plan"]])
def test_without_keras_one_line_says_what_helps(command, tmp_path, verb):
    tmp_path.joinpath("model.py").write_text("import keras\n")
    done = command(*verb, "model.py")
    assert done.returncode in (1, 2)
    told = done.stdout + done.stderr
    assert "Keras is not installed: pip install keras jax" in told
    assert "ModuleNotFoundError: No module named 'keras'" in told
    assert "fault of buildtrace" not in told


@pytest.mark.skipif((PACKAGE.parent / "pyproject.toml").exists(), reason="this is the checkout")
def test_what_is_installed():
    required = {re.split(r"[^\w-]", text)[0] for text in distribution().requires or ()}
    brings = {"tensorflow", "tf_keras", "tf-keras"} & required
    assert bool(brings) is (distribution().name == "buildtrace")
    assert (PACKAGE / "py.typed").exists()
    assert util.find_spec("buildtrace.renderers.page.assets") is not None


def distribution():
    """What the package is installed as."""
    names = ("buildtrace", "buildtrace-core")
    found = [d for d in metadata.distributions() if d.name in names]
    assert len({d.name for d in found}) == 1
    return found[0]
