"""What a program lacks that ended for want of Keras, in one line that says what helps."""

import pytest

from buildtrace.cli.missing_keras import why_not_imported
from cli.test_environment import JAX, TF_221, packages

__all__ = ["packages"]  # a fixture


def ended(name, where):
    """The exception of an import that found nothing, in a module of this name."""
    program = f"raise ModuleNotFoundError(\"No module named '{name}'\", name={name!r})"
    try:
        exec(program, {"__name__": where})
    except ModuleNotFoundError as error:
        return error


BY_KERAS = "keras.src.backend.config"


@pytest.mark.parametrize(
    ("installed", "name", "where", "says"),
    [
        ({}, "keras", "__main__", "Keras is not installed: pip install keras jax (or torch"),
        ({"jax": "0.10"}, "keras", "__main__", "Keras is not installed: pip install keras ("),
        ({}, "tensorflow", "__main__", "tensorflow is not installed: pip install tensorflow"),
        (JAX, "tensorflow", "__main__", "tensorflow is not installed: pip install tensorflow"),
        (JAX, "tensorflow", BY_KERAS, "tensorflow, is not installed: set KERAS_BACKEND=jax"),
        ({"keras": "3.15"}, "tensorflow", BY_KERAS, "not installed: pip install tensorflow"),
        (TF_221, "tf_keras", "__main__", "tf_keras is not installed: pip install tf_keras"),
    ],
)
def test_what_helps(packages, clean_env, tmp_path, installed, name, where, says):
    clean_env.setenv("KERAS_HOME", str(tmp_path))
    clean_env.delenv("KERAS_BACKEND", raising=False)
    packages(installed)
    line = why_not_imported(ended(name, where))
    assert says in line
    assert line.endswith("(see `buildtrace doctor`)")
    assert "\n" not in line


@pytest.mark.parametrize("name", ["jax", "pandas"])
def test_what_the_program_lacks_of_its_own_is_not_ours_to_tell(packages, name):
    packages({})
    assert why_not_imported(ended(name, "__main__")) == ""


def test_other_ends_say_nothing_of_keras(packages):
    packages({})
    assert why_not_imported(None) == ""
    assert why_not_imported(ImportError("numpy.core.multiarray failed to import")) == ""
