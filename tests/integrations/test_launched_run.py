"""The run of a launched program, in this process: what it holds, and where it writes to."""

from __future__ import annotations

import os
import sys

import pytest

from buildtrace import renderers
from buildtrace.capture import _recorder
from buildtrace.capture.imports import ImportWatch
from buildtrace.cli import environment
from buildtrace.cli.request import Request
from buildtrace.integrations import at_start, launched


@pytest.fixture(autouse=True)
def at_fork(monkeypatch):
    """What is to be called at a fork: Python itself would not forget it."""
    kept: dict[str, object] = {}
    monkeypatch.setattr(os, "register_at_fork", lambda **given: kept.update(given), raising=False)
    return kept


def test_a_start_that_fails_leaves_nothing_that_traces(monkeypatch):
    monkeypatch.setattr(environment, "choose_keras", lambda _: None)
    monkeypatch.setattr(sys, "meta_path", [ImportWatch((), pytest.fail), *sys.meta_path])
    before = _recorder.listeners
    with pytest.raises(AttributeError, match="exec_module"):
        launched.start(at_start.Launch("1"), "keras", loader=object())
    assert _recorder.listeners == before


def test_the_end_leaves_stdout_to_the_program(monkeypatch, capfd):
    def show(_trace, console, _options):
        sys.stdout.write("of another thread\n")
        console.print("the report")

    monkeypatch.setattr(renderers, "show", show)
    run = launched.LaunchedRun(at_start.Launch("1"), Request(view_asked=True), shows=True)
    run._builds = 1
    run.end()
    out, err = capfd.readouterr()
    assert out == "of another thread\n"
    assert err.splitlines()[1:] == ["the report"]
