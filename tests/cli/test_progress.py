"""The line on the terminal while a long build is going on."""

import io
import threading
import time

import pytest

from buildtrace.cli import progress
from buildtrace.cli.progress import Progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Building:
    """A tracing that has been in one call since it was made."""

    layer = "[bold]dense\x1b[2J"

    def __init__(self):
        self.looks = 0

    def progress(self):
        self.looks += 1
        return 1234, self.layer


@pytest.fixture
def hasty(monkeypatch):
    monkeypatch.setattr(progress, "INTERVAL", 0.01)
    monkeypatch.setattr(progress, "PATIENCE", 0.05)
    monkeypatch.setenv("TERM", "xterm")


def watched(tracing, stream, seconds=0.4):
    with Progress(tracing, stream):
        time.sleep(seconds)
    return stream.getvalue()


def test_a_long_build_shows_where_it_is(hasty):
    text = watched(Building(), Terminal())
    assert "[bold]dense" in text  # a layer's name is no markup
    assert "\x1b[2J" not in text  # and cannot move the cursor
    assert "1,234 calls" in text
    assert "\n" not in text
    assert text.endswith("\x1b[0K")  # the line is gone in the end


def test_the_line_is_gone_as_soon_as_the_build_is_over(hasty):
    tracing, stream = Building(), Terminal()
    with Progress(tracing, stream):
        time.sleep(0.2)
        tracing.layer = None
        tracing.tree_over()
        stream.write("of the script")
    assert stream.getvalue().endswith("\r\x1b[0Kof the script")


def test_a_short_build_shows_nothing():
    assert watched(Building(), Terminal(), 0.1) == ""


def test_nothing_is_shown_while_nothing_is_built(hasty):
    tracing = Building()
    tracing.layer = None
    assert watched(tracing, Terminal()) == ""
    assert tracing.looks > 3


@pytest.mark.parametrize("stream", [io.StringIO(), None])
def test_without_a_terminal_there_is_no_thread(stream):
    before = threading.active_count()
    with Progress(Building(), stream):
        assert threading.active_count() == before


def test_a_terminal_that_cannot_erase_shows_nothing(hasty, monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    assert watched(Building(), Terminal()) == ""


def test_the_thread_ends_with_the_block(hasty):
    before = threading.active_count()
    with pytest.raises(ValueError, match="out"), Progress(Building(), Terminal()):
        raise ValueError("out")
    assert threading.active_count() == before


def test_the_streams_stay_what_they_are(hasty, monkeypatch):
    import sys

    before = sys.stdout, sys.stderr
    seen = []
    with Progress(Building(), Terminal()):
        time.sleep(0.2)
        seen = [sys.stdout, sys.stderr]
    assert (*seen,) == before == (sys.stdout, sys.stderr)
