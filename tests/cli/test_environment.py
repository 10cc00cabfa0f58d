"""Which Keras `tf.keras` becomes, and TensorFlow's chatter."""

import os

import pytest

from buildtrace.cli import environment
from buildtrace.errors import MissingPackageError

TF_221 = {"tensorflow": "2.21.0", "keras": "3.15.1", "tf_keras": "2.21.0"}
TF_216 = {"tensorflow": "2.16.2", "keras": "3.3.3"}
TF_215 = {"tensorflow": "2.15.1", "keras": "2.15.0"}
JAX = {"keras": "3.15.1", "jax": "0.10"}


@pytest.fixture
def packages(clean_env):
    def install(versions):
        clean_env.setattr(environment, "version", versions.get)
        clean_env.setattr(environment, "installed", versions.__contains__)

    return install


@pytest.mark.parametrize(
    ("versions", "keras", "switch"),
    [
        (TF_221, "2", "1"),
        (TF_221, "3", "0"),
        (TF_216, "3", "0"),
        (TF_215, "2", "0"),  # "1" would make it ask for tf_keras, which is not there
        (JAX, "3", "0"),
        (TF_221, "auto", None),
        (TF_215, "auto", None),
        ({}, "auto", None),
    ],
)
def test_the_switch(packages, versions, keras, switch):
    packages(versions)
    environment.choose_keras(keras)
    assert os.environ.get("TF_USE_LEGACY_KERAS") == switch


@pytest.mark.parametrize(
    ("versions", "keras", "says"),
    [
        (TF_216, "2", "pip install tf_keras"),
        (TF_215, "3", "pip install -U 'tensorflow>=2.16'"),
        (JAX, "2", "pip install tensorflow tf_keras"),
        ({}, "2", "pip install tensorflow tf_keras"),
        ({}, "3", "pip install tensorflow"),
    ],
)
def test_a_keras_that_is_not_there(packages, versions, keras, says):
    packages(versions)
    with pytest.raises(MissingPackageError, match=f"--keras {keras}: .*{says}"):
        environment.choose_keras(keras)
    assert "TF_USE_LEGACY_KERAS" not in os.environ


def test_a_keras_that_is_not_there_ends_before_the_script(cli, script, packages):
    packages(TF_216)
    result = cli("--keras", "2", script("print('ran')"))
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("buildtrace: error: --keras 2: ")
    assert result.err.count("\n") == 1


def test_auto_is_what_the_environment_says(packages, monkeypatch):
    packages(TF_221)
    assert environment.package_of("auto") == "keras"
    monkeypatch.setenv("TF_USE_LEGACY_KERAS", "True")
    assert environment.package_of("auto") == "tf_keras"


def test_the_version_of_a_distribution_of_another_name():
    assert environment.version("_pytest") == environment.version("pytest") == pytest.__version__
    assert environment.version("no_such_module_anywhere") is None


# A TensorFlow that logs like the real ones, and says something that matters.
TENSORFLOW = r"""
import os, sys
os.write(2, b"WARNING: All log messages before absl::InitializeLog() is called are written\n"
 b"I0000 00:00:1795435645.252460    4992 port.cc:153] oneDNN custom operations are on.\n"
 b"E0000 00:00:1795435647.586148    4992 cuda_platform.cc:52] failed call to cuInit\n"
 b"2026-11-23 12:07:32.769284: I tensorflow/core/util/port.cc:113] oneDNN operations are on.\n"
 b"To enable the following instructions: AVX2, rebuild TensorFlow.\n")
os.write(2, b"a library: something that matters\n")
print("sys.stderr matters too", file=sys.stderr)
LEVEL = os.environ.get("TF_CPP_MIN_LOG_LEVEL")
"""
USING = "import sys, tensorflow as tf; print(tf.LEVEL, type(tf.__loader__).__name__, \
type(tf.__spec__.loader).__name__, vars(tf.__loader__).keys(), [f for f in sys.meta_path if \
'Quiet' in type(f).__name__]); print('later: I0000', file=sys.stderr)"
MATTERS = "a library: something that matters\nsys.stderr matters too\n"


def without_ours(text):
    return "".join(line for line in text.splitlines(True) if not line.startswith("buildtrace:"))


def test_chatter_is_off(command, script):
    script(TENSORFLOW, "tensorflow/__init__.py")
    name = script(USING)
    plain, ours = command(name), command("-m", "buildtrace", name)
    assert "oneDNN" in plain.err
    assert without_ours(ours.err) == MATTERS + "later: I0000\n"
    assert ours.out == plain.out.replace("None", "3")  # and nothing of ours stays in the module


def test_chatter_is_the_users_if_they_say_so(command, script):
    script(TENSORFLOW, "tensorflow/__init__.py")
    name = script(USING)
    level = {"TF_CPP_MIN_LOG_LEVEL": "0"}
    plain, ours = command(name, env=level), command("-m", "buildtrace", name, env=level)
    assert without_ours(ours.err) == plain.err
    assert ours.out == plain.out


def test_an_import_that_fails_shows_all_and_gives_stderr_back(command, script):
    script(TENSORFLOW + "raise ImportError('a library is missing')", "tensorflow/__init__.py")
    name = script("import tensorflow")
    plain, ours = command(name), command("-m", "buildtrace", name)
    assert without_ours(ours.err).startswith(MATTERS + "Traceback")
    assert plain.err.endswith(without_ours(ours.err).removeprefix(MATTERS))
    assert ours.code == 1


def test_an_import_without_any_stderr(command, script):
    script("import os\nos.close(2)\nimport sys\nsys.stderr = None\nimport tensorflow\nprint(1)")
    script("", "tensorflow/__init__.py")
    assert command("-m", "buildtrace", "model.py").out == "1\n"
