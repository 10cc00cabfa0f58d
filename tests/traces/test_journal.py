"""The journal of a worker, out and in; it may come from anybody."""

from __future__ import annotations

import os

import msgspec
import pytest

from buildtrace.errors import TraceFileError
from buildtrace.traces import journal
from buildtrace.traces.journal import Making
from buildtrace.traces.schema import SourceLine

FIRST = Making(
    name="kernel",
    layer="dense",
    class_name="Dense",
    shape=(4, None),
    dtype="float32",
    caller=SourceLine(file="train.py", line=3),
    source="x = Dense(8)(x)",
)
SECOND = Making(layer="naïve\udcff", shape=None)


def text(*entries: Making | int) -> bytes:
    lines = (
        journal.made_line(one) if isinstance(one, int) else journal.begun_line(one)
        for one in entries
    )
    return journal.head() + b"".join(lines)


def test_what_was_begun_and_what_was_made():
    first, second = journal.from_text(text(FIRST, 0, SECOND))
    assert first == FIRST
    assert first.made
    assert not second.made
    assert (second.layer, second.shape) == ("naïve\\udcff", None)


def test_they_may_end_in_another_order():
    """As in several threads."""
    made = [one.made for one in journal.from_text(text(FIRST, SECOND, FIRST, 2, 0))]
    assert made == [True, False, True]


def test_a_line_that_was_cut_off_was_never_there():
    whole = text(FIRST, 0, FIRST)
    begins = len(text(FIRST, 0))
    for length in range(begins, len(whole)):
        assert len(journal.from_text(whole[:length])) == 1
    assert len(journal.from_text(whole)) == 2


def test_where_it_is(tmp_path):
    path = tmp_path / "trace-0.json"
    assert journal.beside(path) == tmp_path / "trace-0.json.partial"
    journal.beside(path).write_bytes(text(FIRST))
    assert len(journal.load(journal.beside(path))) == 1
    with pytest.raises(FileNotFoundError):
        journal.load(path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "not a journal of buildtrace: it is empty"),
        (b"{", "not a journal of buildtrace: it has not one whole line"),
        (b"{}\n", "not a journal of buildtrace (no format: 'buildtrace journal')"),
        (b'{"format": "buildtrace", "version": 1}\n', "not a journal of buildtrace (no format"),
        (b'{"format": "buildtrace journal", "version": 9}\n', "written by a newer buildtrace"),
        (b"\xff\xfe\n", "line 1: "),
        (b"[" * 100_000 + b"\n", "line 1: "),
        (text(0), "line 2: weight 0 was never begun"),
        (text(FIRST, 1), "line 3: weight 1 was never begun"),
        (text() + b'{"begun": {"shape": ["x"]}}\n', "line 2: Expected `int"),
        (text() + b'{"begun": {"name": 1}}\n', "line 2: Expected `str`"),
        (text() + b'{"begun": {"caller": {"file": "x", "line": -1}}}\n', "line 2: Expected `int`"),
        (text() + b'{"made": -1}\n', "line 2: Expected `int` >= 0"),
        (text() + b"null\n", "line 2: Expected `object`"),
        (text() + b"\n", "line 2: "),
    ],
)
def test_a_damaged_one_is_refused_in_one_line(content, said):
    with pytest.raises(TraceFileError) as error:
        journal.from_text(content, "j.partial")
    assert str(error.value).startswith("j.partial: ")
    assert said in str(error.value)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 4_200


def test_keys_of_a_later_version_are_ignored():
    line = msgspec.json.encode({"begun": {"name": "kernel", "more": [1]}, "besides": {}})
    (making,) = journal.from_text(text() + line + b"\n")
    assert making == Making(name="kernel", made=False)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes of Unix")
def test_neither_a_folder_nor_a_pipe_is_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(TraceFileError, match="a folder, a pipe or a device"):
            journal.load(path)
