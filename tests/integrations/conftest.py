"""Runs of pytest inside of pytest, and an IPython in this process, as a kernel has one."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import pytest
from generations_fixtures import imported_once
from layouts import layouts_are_kept

__all__ = ["imported_once", "layouts_are_kept"]  # fixtures

TESTS = Path(__file__).parents[1]

STAND_IN = """
import pytest, made_traces
from buildtrace.integrations import pytest_tracing

class Fake:
    '''Traces nothing: gives a trace that was made by hand, in the place of the real ones.'''

    made = made_traces.{trace}
    running, counts = [], []  # those that run, and how many after each start and stop

    def __init__(self):
        self.trace = self.made

    def start(self):
        self.running.append(self)
        self.counts.append(len(self.running))

    def stop(self):
        self.running.remove(self)
        self.counts.append(len(self.running))

    def snapshot(self): return self.made
    def __enter__(self): return self.made
    def __exit__(self, *error): pass

pytest_tracing.trace = pytest_tracing.Tracing = Fake
"""

FAILING = """
class BuildError(ValueError): pass
BuildError.__name__ = "ValueError"

def build():
    raise BuildError("units must be positive,\\ngot -1")

def test_inside_a_build():
    build()

def test_outside():
    assert 1 == 2

def test_that_passes():
    pass
"""
"""Tests of which one fails with the error of `made_traces.failing()`."""


@pytest.fixture
def project(pytester, monkeypatch):
    """A folder for tests, that finds this project's helpers."""
    paths = [str(TESTS), str(TESTS.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))
    # A run of pytest inside of another is more than Playwright's plugin can stand.
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:playwright")
    monkeypatch.setenv("COLUMNS", "100")
    return pytester


@pytest.fixture
def synthetic(project):
    """The same, where traces are made by hand: `synthetic("mlp3()")`."""

    def make(trace="failing()", tests=FAILING):
        project.makeconftest(STAND_IN.replace("{trace}", trace))
        project.makepyfile(test_model=tests)
        return project

    return make


@dataclass
class Ran:
    """What a cell did: its value, what it showed in rich forms, and what it wrote."""

    value: object
    error: BaseException | None
    out: str
    err: str
    shown: list = field(default_factory=list)


class Notebook:
    """A notebook without its page: run cells, one by one."""

    def __init__(self, shell):
        self.shell = shell

    def __call__(self, cell):
        from IPython.utils.capture import capture_output

        with capture_output() as captured:
            result = self.shell.run_cell(cell, store_history=True)
        colors = re.compile(r"\x1b\[[\d;]*m")
        return Ran(
            result.result,
            result.error_before_exec or result.error_in_exec,
            colors.sub("", captured.stdout),
            colors.sub("", captured.stderr),
            [output.data for output in captured.outputs],
        )

    def __getitem__(self, name):
        return self.shell.user_ns[name]


@pytest.fixture
def shell(tmp_path, monkeypatch):
    """A shell of IPython's, with nothing of ours in it."""
    pytest.importorskip("IPython", reason='pip install ".[notebook]"')
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.chdir(tmp_path)
    made = InteractiveShell.instance(config=Config(HistoryManager={"enabled": False}))
    yield made
    InteractiveShell.clear_instance()


@pytest.fixture
def notebook(shell, layouts_are_kept, request):
    """A notebook with the extension and Keras in it."""
    pytest.importorskip("keras")
    request.getfixturevalue("imported_once")  # each shell that ends has the garbage collected
    made = Notebook(shell)
    made("%load_ext buildtrace")
    made("import keras")
    return made
