"""Which of several processes takes the name of a file."""

from __future__ import annotations

import io
import os
import sys
import threading
import time
from pathlib import Path

import pytest

from buildtrace.cli.request import Request
from buildtrace.integrations.launch_files import LaunchFiles, tagged
from buildtrace.traces.journal import beside

NOW = time.time_ns
HOUR = 3_600 * 10**9


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "build.json"


def named(path: Path, since: int) -> list[Path]:
    files = LaunchFiles(Request(outputs=(path, path.with_suffix(".html"))), since)
    with files.named():
        return [*files.request.outputs]


def own(path: Path) -> Path:
    return path.with_name(f"{path.stem}.{os.getpid()}{path.suffix}")


def test_the_first_one_takes_the_name(path, capfd):
    assert named(path, NOW()) == [path, path.with_suffix(".html")]
    assert capfd.readouterr() == ("", "")


def test_what_is_told_does_not_go_where_the_program_keeps_its_stderr(path, monkeypatch):
    monkeypatch.setattr("sys.stderr", io.StringIO())
    path.touch()
    assert named(path, NOW() - HOUR)[0] == own(path)
    assert sys.stderr.getvalue() == ""


@pytest.mark.parametrize("taken", ["build.json", "build.html", "build.json.partial"])
def test_another_one_has_its_number_in_all_names(path, taken, capfd):
    since = NOW() - HOUR
    path.with_name(taken).touch()
    assert named(path, since) == [own(path), own(path.with_suffix(".html"))]
    (line,) = capfd.readouterr().err.splitlines()
    assert line == (
        f"buildtrace: {path} is another process's: this one, {os.getpid()}, writes {own(path)}"
    )


def test_a_file_of_an_earlier_run_is_written_anew(path):
    path.touch()
    beside(path).touch()
    assert named(path, NOW() + HOUR)[0] == path


def test_a_number_that_was_there_already(path):
    since = NOW() - HOUR
    path.touch()
    own(path).touch()
    assert named(path, since)[0].name == f"build.{os.getpid()}-2.json"


def test_a_name_is_settled_once(path):
    files = LaunchFiles(Request(outputs=(path,)), NOW() - HOUR)
    for _ in range(2):
        with files.named():
            assert files.request.outputs == (path,)
            path.touch()
    assert files.journal() == beside(path)


@pytest.mark.parametrize("folder", [False, True])
def test_while_one_writes_its_pages_others_take_names(tmp_path, folder):
    """Under a lock, they would wait for each other: here, for good."""
    since, page = NOW() - HOUR, tmp_path / "pages.html"
    request = Request(folders=(page,)) if folder else Request(outputs=(page,))
    first, second = LaunchFiles(request, since), LaunchFiles(request, since)
    with first.named():
        other = threading.Thread(target=second.named().__enter__, daemon=True)
        other.start()
        other.join(10)
        assert not other.is_alive()
    assert (first.request.outputs or first.request.folders) == (page,)
    assert (second.request.outputs or second.request.folders) != (page,)


@pytest.mark.parametrize("folder", [False, True])
def test_what_could_not_be_written_leaves_nothing_empty(tmp_path, folder):
    page = tmp_path / "pages.html"
    request = Request(folders=(page,)) if folder else Request(outputs=(page,))
    with LaunchFiles(request, NOW()).named():
        assert page.is_dir() == folder
        assert page.is_file() != folder
    assert not page.exists()


def test_what_was_there_stays_if_nothing_can_be_written(path):
    path.touch()
    assert named(path, NOW() + HOUR)[0] == path
    assert path.exists()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_nobody_takes_a_pipe_or_a_device(tmp_path):
    pipe = tmp_path / "x.html"
    os.mkfifo(pipe)
    os.utime(pipe, (0, 0))
    for _ in range(2):
        files = LaunchFiles(Request(outputs=(pipe,)), NOW() - HOUR)
        with files.named():
            assert files.request.outputs == (pipe,)
    assert pipe.is_fifo()


def test_a_journal_takes_the_names(path):
    first, second = (LaunchFiles(Request(outputs=(path,)), NOW() - HOUR) for _ in range(2))
    assert first.make_journal() == beside(path)
    assert beside(path).exists()
    assert not path.exists()
    assert second.make_journal() == beside(own(path))


def test_a_page_has_no_journal(tmp_path):
    assert LaunchFiles(Request(outputs=(tmp_path / "x.html",)), 0).journal() is None
    assert LaunchFiles(Request(), 0).journal() is None


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("build.json", "build.7.json"),
        ("build.json.gz", "build.7.json.gz"),
        ("model.v1.html", "model.v1.7.html"),
    ],
)
def test_the_number_stands_before_the_suffix(name, expected):
    assert tagged(Path("traces", name), ".7") == Path("traces", expected)
