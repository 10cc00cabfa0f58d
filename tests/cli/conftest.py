"""Two ways to run the command: in this process (fast), and as users do (faithful)."""

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from fake_tracing import FakeTracing
from forked import python

from buildtrace.cli import main, run

__all__ = ["python"]  # a fixture
PACKAGE_ROOT = str(Path(__file__).parents[2])


@dataclass
class Result:
    code: int
    out: str
    err: str


@pytest.fixture
def clean_env(monkeypatch):
    for name in ("TF_USE_LEGACY_KERAS", "TF_CPP_MIN_LOG_LEVEL", "COLUMNS"):
        monkeypatch.setenv(name, "")  # what the test sets is taken back, if it was not set before
        monkeypatch.delenv(name)
    return monkeypatch


@pytest.fixture
def cli(clean_env, capfd):
    """Run the command in this process; gives back what a run changes of it."""
    clean_env.setattr(sys, "argv", ["buildtrace"])
    clean_env.setattr(sys, "excepthook", sys.excepthook)
    clean_env.setattr(sys, "path", sys.path[:])
    clean_env.setattr(sys, "meta_path", sys.meta_path[:])
    clean_env.setitem(sys.modules, "__main__", sys.modules["__main__"])
    # The threads of the test runner are not the script's.
    clean_env.setattr("buildtrace.cli.run.wait_for_threads", lambda: True)
    clean_env.setattr("webbrowser.open", lambda url: pytest.fail(f"{url} was opened"))
    # A run sets these; to have them set before lets monkeypatch take them back.
    clean_env.setenv("TF_USE_LEGACY_KERAS", "")
    clean_env.setenv("TF_CPP_MIN_LOG_LEVEL", "3")

    def run(*arguments):
        capfd.readouterr()
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as end:  # as argparse ends --help
            code = end.code or 0
        except KeyboardInterrupt:  # Python ends by the signal then
            code = -signal.SIGINT
        return Result(code, *capfd.readouterr())

    return run


@pytest.fixture
def recording(monkeypatch):
    """A run of a script records the same build whatever runs."""
    monkeypatch.setattr(run, "WatchedTracing", FakeTracing)
    return monkeypatch


@pytest.fixture
def command(clean_env, tmp_path):
    """Run `python ARGUMENTS…` in a process of its own, in `tmp_path`."""

    def run(*arguments, **keywords):
        path = os.pathsep.join(filter(None, [PACKAGE_ROOT, os.environ.get("PYTHONPATH")]))
        done = subprocess.run(
            [sys.executable, *map(str, arguments)],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": path} | keywords.pop("env", {}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            **keywords,
        )
        return Result(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def keras_command(python, clean_env, tmp_path):
    """The same as `command`, for programs that import this Keras."""

    def run(keras, *arguments, env=None):
        done = python(
            *arguments,
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": PACKAGE_ROOT} | (env or {}),
            keras=keras,
        )
        return Result(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def script(tmp_path, monkeypatch):
    """Write a script into the folder that the test runs in; gives its name."""
    monkeypatch.chdir(tmp_path)

    def write(source, name="model.py"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
        return name

    return write


@pytest.fixture
def trace_file(tmp_path, monkeypatch):
    """A trace file, as made by an earlier run."""
    from made_traces import mlp3

    from buildtrace.traces.trace_file import to_json

    monkeypatch.chdir(tmp_path)
    path = tmp_path / "build.json"
    path.write_bytes(to_json(mlp3()))
    return path
