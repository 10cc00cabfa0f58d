"""Saved traces: shown again, turned into other files, refused when they are none."""

import gzip
import os

import pytest
from made_traces import mlp3

import buildtrace


def test_a_trace_is_shown_on_stdout(cli, trace_file):
    result = cli(trace_file)
    assert result.code == 0
    assert "Sequential.build" in result.out
    assert result.err == ""


def test_a_trace_is_turned_into_another_file(cli, trace_file, tmp_path):
    result = cli("-o", "again.json", trace_file)
    assert (result.code, result.out) == (0, "")
    assert result.err == f"buildtrace: wrote {tmp_path / 'again.json'}\n"
    assert buildtrace.load("again.json") == mlp3()


def test_a_trace_is_turned_into_a_file_and_shown(cli, trace_file):
    assert "Sequential.build" in cli("-o", "again.json", "--view", "tree", trace_file).out


DAMAGE = {
    "truncated": (lambda text: text[: len(text) // 2], "not a readable trace file"),
    "empty": (lambda text: "", "not a readable trace file"),
    "foreign": (lambda text: '{"nodes": []}', "not a buildtrace file"),
    "a list": (lambda text: "[1, 2]", "not a readable trace file"),
    "newer": (lambda text: text.replace('"version":1', '"version":99', 1), "newer buildtrace"),
    "damaged": (lambda text: text.replace('"calls":[', '"calls":[7,', 1), "damaged"),
    "binary": (lambda text: "\x00\x01", "not a readable trace file"),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_file_that_is_no_trace_is_one_clear_line(cli, trace_file, kind):
    change, says = DAMAGE[kind]
    trace_file.write_text(change(trace_file.read_text()))
    result = cli(trace_file)
    assert result.code == 2
    assert result.out == ""
    assert result.err.startswith("buildtrace: error: ")
    assert says in result.err
    assert result.err.count("\n") == 1


VERBS = {"show": [], "check": ["check"], "diff": ["diff", "build.json"]}


@pytest.mark.parametrize("verb", VERBS.values(), ids=VERBS)
def test_a_compressed_trace_is_shown_as_the_plain_one(cli, trace_file, verb):
    assert cli("-o", "build.JSON.gz", trace_file).code == 0
    packed, plain = cli(*verb, "build.JSON.gz"), cli(*verb, "build.json")
    assert packed.code == 0
    assert packed.out.replace("build.JSON.gz", "build.json") == plain.out
    assert packed.err == ""


@pytest.mark.parametrize("verb", VERBS.values(), ids=VERBS)
def test_a_compressed_file_that_is_no_trace_is_one_clear_line(cli, trace_file, tmp_path, verb):
    (tmp_path / "half.json.gz").write_bytes(gzip.compress(trace_file.read_bytes())[:-9])
    result = cli(*verb, "half.json.gz")
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("buildtrace: error: half.json.gz: ")
    assert "copy it anew" in result.err
    assert result.err.count("\n") == 1


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names on this system")
@pytest.mark.parametrize("verb", [[], ["check"], ["diff", "build.json"]])
def test_a_pipe_that_nobody_writes_to_is_one_clear_line(command, trace_file, tmp_path, verb):
    os.mkfifo(tmp_path / "pipe.json")
    result = command("-m", "buildtrace", *verb, "pipe.json")
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("buildtrace: error: pipe.json: not a trace file: ")
    assert result.err.count("\n") == 1


def test_options_stand_before_a_trace_too(cli, trace_file):
    result = cli(trace_file, "--view", "weights")
    assert result.code == 2
    assert f"buildtrace --view weights {trace_file}" in result.err


@pytest.mark.parametrize("arguments", [["build.json"], ["landmarks"], ["doctor"], ["--help"]])
def test_a_reader_that_stops_reading_is_no_error(command, trace_file, arguments):
    # The pipe's other end is closed before anything is written to it.
    code = (
        "import os, sys; from buildtrace.cli import main; r, w = os.pipe(); os.dup2(w, 1); "
        "os.close(r); os.close(w); sys.exit(main(sys.argv[1:]))"
    )
    result = command("-c", code, *arguments)
    assert result.err == ""


@pytest.mark.parametrize("arguments", [["build.json"], ["landmarks"], ["doctor"], ["--help"]])
def test_an_output_that_knows_only_ascii(command, trace_file, arguments):
    result = command("-m", "buildtrace", *arguments, env={"PYTHONIOENCODING": "ascii"})
    assert result.err == ""
    assert len(result.out) > 100
    assert result.out.isascii()


def test_what_a_picture_s_layout_has_to_say_is_said_as_it_comes(cli, tmp_path, monkeypatch):
    from buildtrace.renderers.drawing import layout, picture

    trace = tmp_path / "deep.json"
    mlp3([8] * 3).save(trace)
    monkeypatch.setattr(layout, "_CHILD", "while True: pass")
    monkeypatch.setattr(layout, "LOOK", 0.05)
    monkeypatch.setattr(layout, "PATIENCE", 0.1)
    monkeypatch.setattr(picture, "SECONDS", 0.2)
    result = cli("-o", tmp_path / "x.svg", trace)
    first, *_, last = result.err.splitlines()
    assert first.startswith(
        f"buildtrace: {tmp_path / 'x.svg'}: the layout of 4 boxes takes a while"
    )
    assert last.startswith("buildtrace: error: ")
    assert result.code == 1
    assert not (tmp_path / "x.svg").exists()
