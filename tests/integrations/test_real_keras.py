"""The plugin on the real Keras, of each generation."""

from __future__ import annotations

import os

import pytest
from forked import Python, python
from scenarios import GENERATIONS

__all__ = ["python"]  # a fixture
pytest_plugins = ["pytester"]


def run_pytest(python: Python, project, package: str, *arguments: str) -> pytest.RunResult:
    """In a process of its own: TensorFlow does not bear being imported twice."""
    done = python(
        *("-m", "pytest", *arguments),
        cwd=project.path,
        env=os.environ,
        keras="2" if package == "tf_keras" else "3",
    )
    return pytest.RunResult(
        done.returncode, done.stdout.splitlines(), done.stderr.splitlines(), duration=0
    )


MODEL = """
import {package} as keras
from buildtrace.testing import *

class Block(keras.layers.Layer):
    def __init__(self, wrong=False, **more):
        super().__init__(**more)
        self.wrong = wrong
        self.inner = keras.layers.Dense(3)
        self.early = self.add_weight(shape=(2,), name="early")

    def build(self, shape):
        self.scale = self.add_weight(shape=(shape[-1],), name="scale")
        self.inner.build(shape)
        if self.wrong:
            raise ValueError("this block cannot be built")

    def call(self, x):
        return self.inner(x * self.scale)

def model(wrong=False):
    return keras.Sequential([keras.layers.Dense(4, name="first"), Block(wrong, name="block")])
"""

PASSING = """
import pytest
from model import *

@pytest.mark.parametrize("earlier", [0, 3])
def test_one(buildtrace, earlier):
    for _ in range(earlier):
        keras.layers.Dense(1)  # Keras goes on counting
    built = model()
    with buildtrace() as trace:
        built.build((None, 8))
    assert_called_in_order(
        trace, "Sequential.build", ("Dense.build", "first"), ("Block.build", "block"), "Dense.build"
    )
    assert_built_once(trace, "first", "Block")
    assert_built_once(trace, *built.layers)
    assert_all_built(trace)
    assert_weights(trace, "first", {"kernel": (8, 4), "bias": (4,)})
    assert_weights(trace, "block", {"early": (2,), "scale": (4,)})
    assert_parameters(trace, built.count_params())
    assert_parameters(trace, built.count_params(), model=built.name, trainable=True)
    assert_weights_made_in_build(trace, "first")
    assert_build_matches(trace, "model")
"""

FAILING = """
from model import *

def test_build():
    model().build((None, 2))
    model(wrong=True).build((None, 8))

def test_call():
    import numpy
    model(wrong=True)(numpy.zeros((2, 8), "float32"))

def test_functional():
    inputs = keras.Input((8,))
    Block(wrong=True)(inputs)

def test_elsewhere():
    model().build((None, 2))
    raise ValueError("this block cannot be built, says somebody else")

def test_early(buildtrace):
    built = model()
    with buildtrace() as trace:
        built.build((None, 8))
    assert_weights_made_in_build(trace)
"""


@pytest.fixture(scope="module", params=GENERATIONS, ids=lambda k: k.package)
def package(request):
    return request.param.package


def test_real_builds(python, project, package):
    project.makepyfile(
        model=MODEL.replace("{package}", package), test_passing=PASSING, test_failing=FAILING
    )
    options = ("--buildtrace", "--buildtrace-update", "--tb=short")
    result = run_pytest(python, project, package, *options)
    result.assert_outcomes(passed=2, failed=5)
    check_sections(result.stdout.str())
    result.stdout.fnmatch_lines(
        ["E *'early' of 'block' (Block) was made outside, before the trace *", "E   > *"]
    )
    result.stdout.fnmatch_lines(["wrote __builds__/test_passing/model.txt", "1 file in all"])
    text = (project.path / "__builds__/test_passing/model.txt").read_text(encoding="utf-8")
    assert "dense#1" in text
    assert "dense_" not in text


REPLACED = """
import {package} as keras

class Linear(keras.layers.Layer):
    def build(self, shape):
        self.w = self.add_weight(name="w", shape=(shape[-1], 2))

    def call(self, x):
        return x @ self.w

def test_twice():
    layer = Linear(name="linear")
    layer.build((None, 3))
    layer(keras.backend.zeros((1, 3)) if "{package}" == "tf_keras" else keras.ops.zeros((1, 3)))

def test_on_purpose():
    layer = Linear(name="linear")
    layer.build((None, 3))
    ones = keras.backend.ones if "{package}" == "tf_keras" else keras.ops.ones
    layer(
        ones((1, 3))
    )  # buildtrace: ignore[BT105]
"""


def test_findings_fail_a_test(python, project, package):
    project.makepyfile(test_model=REPLACED.replace("{package}", package))
    result = run_pytest(python, project, package, "--buildtrace-check")
    if package == "keras":  # which sets `built` itself
        result.assert_outcomes(passed=2)
        return
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        ["*_ test_twice _*", "1 problem *", "", "test_model.py:13: BT105 error: Linear.build of *"]
    )


def check_sections(output):
    """The tests that fail inside a build have their sections, and they alone."""
    sections = output.split("- Keras build -")[1:]
    assert len(sections) == 3
    for section in sections:
        tree = section.split("\n____")[0]
        (line,) = [line for line in tree.splitlines() if "✗ Block.build" in line]
        assert "ValueError: this block cannot be built" in line
        assert "(None, 2)" not in tree  # the build that went well
    assert "✗ Sequential.build" in sections[0]
    assert "✗ Layer.__call__" in sections[1]
    assert "2 earlier calls are not shown" in sections[2]  # of Input and of __init__


@pytest.mark.slow
def test_the_same_with_xdist(project, package):
    project.makepyfile(model=MODEL.replace("{package}", package), test_failing=FAILING)
    result = project.runpytest_subprocess("-n", "2", "--buildtrace", "--tb=short")
    result.assert_outcomes(failed=5)
    assert result.stdout.str().count("- Keras build -") == 3
