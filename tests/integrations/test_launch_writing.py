"""How files are written of a program that may be about to end."""

from __future__ import annotations

import subprocess
import sys

import made_traces
import pytest

from buildtrace import cli
from buildtrace.cli.request import Request
from buildtrace.integrations import launch_writing


def test_the_command_finds_modules_where_the_program_does(tmp_path, monkeypatch):
    """Whatever signs a path has."""
    commands: list[list[str]] = []
    monkeypatch.setattr(subprocess, "run", lambda words, **_: commands.append(words))
    odd = str(tmp_path / 'a|b " c')
    with monkeypatch.context() as ours:
        ours.setattr(sys, "path", [odd, *sys.path])
        launch_writing.write(made_traces.mlp3(), Request(outputs=(tmp_path / "x.html",)))
    (words,) = commands
    monkeypatch.setattr(sys, "path", ["its own"])
    monkeypatch.setattr(sys, "argv", ["-c", *words[4:]])
    monkeypatch.setattr(cli, "main", lambda: 3)
    with pytest.raises(SystemExit, match="3"):
        exec(words[3], {})
    assert sys.path[:2] == ["its own", odd]
    assert sys.argv[1:3] == ["-o", str(tmp_path / "x.html")]
