"""The run of a launched program, in this process: what it holds, and where it writes to."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from buildtrace import renderers
from buildtrace.capture import _recorder
from buildtrace.capture.imports import ImportWatch
from buildtrace.cli import environment
from buildtrace.cli.request import Request
from buildtrace.integrations import at_start, launched

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(autouse=True)
def at_fork(monkeypatch):
    """What is to be called at a fork: Python itself would not forget it."""
    kept: dict[str, Callable[[], object]] = {}
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


class Writing(launched.LaunchedRun):
    """Stands at a place where it writes files, in a thread, until it may go on."""

    def __init__(self, path: Path) -> None:
        super().__init__(at_start.Launch("1"), Request(outputs=(path,)), shows=False)
        self._arrived, self._may_go = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._write_soon, daemon=True)

    def __enter__(self) -> None:
        self.start()
        self._thread.start()
        assert self._arrived.wait(60)

    def wait(self, *_: object, **__: object) -> None:
        self._arrived.set()
        self._may_go.wait(60)

    def __exit__(self, *_: object) -> None:
        self._may_go.set()
        self._thread.join()
        self.drop()


def has_forked(at_fork, seconds: float = 10) -> bool:
    """Whether a fork of another thread comes to its end."""

    def fork() -> None:
        at_fork["before"]()
        at_fork["after_in_parent"]()

    thread = threading.Thread(target=fork, daemon=True)
    thread.start()
    thread.join(seconds)
    return not thread.is_alive()


def test_a_fork_waits_for_no_page(at_fork, tmp_path, monkeypatch):
    writing = Writing(tmp_path / "x.html")
    monkeypatch.setattr(subprocess, "run", writing.wait)
    with writing:
        assert has_forked(at_fork)


def test_a_fork_waits_for_the_trace(at_fork, tmp_path, monkeypatch):
    writing = Writing(tmp_path / "x.json")
    monkeypatch.setattr(renderers, "save", writing.wait)
    with writing:
        assert not has_forked(at_fork, 0.1)
    assert has_forked(at_fork)


def test_who_writes_at_the_end_may_fork(at_fork, tmp_path, monkeypatch):
    """In a signal's handler: it would wait for itself, for good."""
    request = Request(outputs=(tmp_path / "x.json",))
    run = launched.LaunchedRun(at_start.Launch("1"), request, shows=False)
    run.start()
    run._builds = 1

    def save(*_: object, **__: object) -> None:
        at_fork["before"]()
        at_fork["after_in_child"]()

    monkeypatch.setattr(renderers, "save", save)
    thread = threading.Thread(target=run.end, daemon=True)
    thread.start()
    thread.join(10)
    assert not thread.is_alive()
    assert has_forked(at_fork)
