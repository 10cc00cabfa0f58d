"""A process of its own: tracing from before Keras is imported."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from scenarios import (
    GENERATIONS,
    Keras,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

BEFORE_IMPORT = """
import sys
import buildtrace
assert not {{"keras", "tf_keras", "tensorflow"}} & set(sys.modules)
with buildtrace.trace() as trace:
    {imports}
    model = keras.Sequential([keras.layers.Dense(4), keras.layers.Dense(2)])
    model.build((None, 3))
    import {package}.src.{late}
names = [call.name for call in trace.roots]
assert names == ["Sequential.build"], names
assert len(trace.find("Dense.build")) == 2
assert len(trace.weights) == 4
assert [graph.model.name for graph in trace.graphs] == [model.name]
sys.path[:0] = {paths!r}
from patches import is_ours, keras_classes, keras_modules
left = [
    (owner, name)
    for owner in keras_modules() + keras_classes(keras_modules())
    for name, value in list(vars(owner).items())
    if is_ours(value)
]
assert not left, left
assert not [f for f in sys.meta_path if "buildtrace" in str(getattr(f, "__module__", ""))]
model = keras.Sequential([keras.layers.Dense(4)])
model.build((None, 3))
print("fine")
"""


@pytest.mark.slow
@pytest.mark.parametrize("spelling", ["package", "tf.keras"])
@pytest.mark.parametrize("which", GENERATIONS, ids=lambda k: k.name)
def test_tracing_starts_before_keras_is_imported(which: Keras, spelling: str) -> None:
    environment = dict(os.environ, TF_CPP_MIN_LOG_LEVEL="3")
    imports = f"import {which.package} as keras"
    if spelling == "tf.keras":
        if not which.tensorflow:
            pytest.skip("no TensorFlow here")
        imports = "import tensorflow as tf; keras = tf.keras"
        environment["TF_USE_LEGACY_KERAS"] = str(int(which.package == "tf_keras"))
    script = BEFORE_IMPORT.format(
        imports=imports,
        package=which.package,
        late="models.cloning",
        paths=[str(Path(__file__).parents[1])],
    )
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "fine"


def test_the_function_is_not_hidden_by_the_module_of_its_name() -> None:
    script = (
        "import buildtrace, buildtrace.capture, buildtrace.traces.trace_file\n"
        "from buildtrace.traces.trace import Trace\n"
        "assert buildtrace.Trace is Trace\n"
        "with buildtrace.trace() as trace: pass\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_importing_buildtrace_imports_no_keras() -> None:
    script = (
        "import sys, buildtrace, buildtrace.capture, buildtrace.generations\n"
        "buildtrace.trace\n"
        "print([m for m in ('keras', 'tf_keras', 'tensorflow', 'rich') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


# -- through the command ----------------------------------------------------------------------

PROGRAM = """
import logging, os, sys, warnings
import {package} as keras

class Loud(keras.layers.Layer):
    def build(self, input_shape):
        print("building")
        print("to stderr", file=sys.stderr)
        warnings.warn("from the build", stacklevel=2)
        logging.getLogger("mine").error("a log line", stacklevel=2)
        super().build(input_shape)

    def call(self, inputs):
        return inputs

    def compute_output_shape(self, input_shape):
        return input_shape

keras.Sequential([Loud(), keras.layers.Dense(2)]).build((None, 3))
sys.stdout.flush()
{end}
"""

ENDS = {
    "well": ("", 0),
    "sys.exit": ("sys.exit(3)", 3),
    "a text": ("sys.exit('that was it')", 1),
    "an error": ("keras.layers.Conv2D(2, 3)(keras.Input((3,)))", 1),
    "os._exit": ("os._exit(5)", 5),
}


def endings() -> Iterator[Any]:
    """Keras has a say in errors and in what is printed, not in how Python exits."""
    for which in GENERATIONS:
        for end in ENDS if which is GENERATIONS[-1] else ("an error",):
            yield pytest.param(which, end, id=f"{which.name}-{end}")


@pytest.mark.slow
@pytest.mark.parametrize(("which", "end"), list(endings()))
def test_a_program_ends_and_prints_as_under_python(which: Keras, end: str, tmp_path: Path) -> None:
    code, expected = ENDS[end]
    (tmp_path / "program.py").write_text(PROGRAM.format(package=which.package, end=code))
    environment = dict(os.environ, TF_CPP_MIN_LOG_LEVEL="3", PYTHONPATH=str(Path.cwd()))

    def run(*arguments: str) -> tuple[int, str, str]:
        done = subprocess.run(
            [sys.executable, *arguments, "program.py"],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
        )
        # The order of TensorFlow's chatter and its times differ from run to run.
        lines = [x for x in done.stderr.splitlines() if not re.match(r"[IWE]0000|WARNING: All", x)]
        return done.returncode, done.stdout, "\n".join(lines)

    plain, traced = run(), run("-m", "buildtrace")
    assert plain[0] == expected
    assert traced[:2] == plain[:2]
    assert "from the build" in plain[2]
    assert "a log line" in plain[2]
    # The report comes after all that the program says itself.
    assert traced[2].startswith(plain[2])
    assert len(traced[2]) > len(plain[2]) or end == "os._exit"


# -- an import that fails ---------------------------------------------------------------------

IMPORTING = """
import contextlib
import sys
import traceback
import buildtrace

with buildtrace.trace() if sys.argv[1:] else contextlib.nullcontext():
    try:
        import keras
    except ValueError:
        traceback.print_exc()
"""


def test_a_keras_that_cannot_be_imported_says_the_same(tmp_path: Path) -> None:
    package = tmp_path / "keras"
    package.mkdir()
    (package / "__init__.py").write_text(
        "import warnings\nwarnings.warn('of old age', stacklevel=2)\nraise ValueError('broken')\n"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(Path.cwd())])}
    plain, traced = (
        subprocess.run(
            [sys.executable, "-c", IMPORTING, *arguments],
            env=environment,
            capture_output=True,
            text=True,
        ).stderr
        for arguments in ([], ["traced"])
    )
    assert "of old age" in plain
    assert "broken" in plain
    if sys.version_info >= (3, 11):
        assert traced == plain
