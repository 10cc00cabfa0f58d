"""Nothing that was recorded is lost: whatever fails in the end costs no more than itself."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from fake_tracing import FakeTracing
from made_traces import mlp3

from buildtrace import renderers
from buildtrace.cli import attempts
from buildtrace.traces import trace_file
from buildtrace.traces.trace import Trace

TESTS = str(Path(__file__).parents[1])
ROOT = str(Path(__file__).parents[2])

IN_THE_END = f"""
import os, sys
sys.path.append({TESTS!r})
from fake_tracing import FakeTracing
from buildtrace.cli import main, run

run.WatchedTracing = FakeTracing
for stream in sys.argv.pop(1).split():
    name, _, place = stream.partition("=")
    number = {{"stdout": 1, "stderr": 2}}[name]
    if place == "pipe":
        read, write = os.pipe()
        os.close(read)
        os.dup2(write, number)
    else:
        os.dup2(os.open(place, os.O_WRONLY), number)
sys.exit(main(sys.argv[1:]))
"""
"""Runs the command where each script builds the same, with streams as the first argument says."""

needs_full = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")  # noqa: PTH110


@pytest.fixture
def failing_report(recording):
    def fail_with(error):
        def show(trace, console, options):
            console.print("the beginning of it")
            raise error

        recording.setattr(renderers, "show", show)

    return fail_with


# -- what fails ---------------------------------------------------------------------------------


@pytest.mark.parametrize("end", [0, 3])
@pytest.mark.parametrize(
    "error",
    [KeyError("x"), OSError(28, "No space left on device"), RecursionError(), MemoryError()],
    ids=lambda error: type(error).__name__,
)
def test_a_report_that_fails_costs_neither_files_nor_the_exit_code(
    cli, script, failing_report, error, end
):
    failing_report(error)
    result = cli("-o", "a.json", script(f"raise SystemExit({end})"))
    assert result.code == end
    assert trace_file.load("a.json").calls == mlp3().calls
    lines = result.err.splitlines()
    assert lines[-2].startswith("buildtrace: error: the report is not shown to its end: ")
    assert lines[-1].startswith("buildtrace: wrote ")
    assert "Traceback" not in result.err


def test_a_fault_of_ours_is_said_with_its_place_and_what_to_do(cli, script, recording):
    recording.delattr("buildtrace.renderers.terminal.tree.render")
    (line,) = cli(script("")).err.splitlines()
    assert "AttributeError: module 'buildtrace.renderers.terminal.tree' has no" in line
    assert "(buildtrace/renderers/__init__.py:" in line
    assert "please report it" in line


def test_the_traceback_of_a_fault_is_there_for_those_who_ask(cli, script, failing_report):
    failing_report(KeyError("x"))
    os.environ[attempts.DEBUG] = "1"
    try:
        assert "Traceback (most recent call last):\n" in cli(script("")).err
    finally:
        del os.environ[attempts.DEBUG]


def test_of_several_files_those_are_written_that_can_be(cli, script, recording, tmp_path):
    def render(trace, options):
        raise ZeroDivisionError("in a renderer")

    recording.setattr("buildtrace.renderers.drawing.mermaid.render", render)
    recording.setattr(
        "buildtrace.renderers.drawing.picture.svg",
        lambda *_: (_ for _ in ()).throw(renderers.UsageError("without Graphviz")),
    )
    names = ["a.mmd", "b.json", "c.svg", "d.txt"]
    (tmp_path / "a.mmd").write_text("of an earlier run")
    result = cli(*[part for name in names for part in ("-o", name)], script(""))
    assert result.code == 1
    said = result.err.splitlines()[-4:]
    assert said[0].startswith(
        f"buildtrace: error: {tmp_path / 'a.mmd'} is not written: ZeroDivisionError: in a renderer"
    )
    assert said[2] == f"buildtrace: error: {tmp_path / 'c.svg'} is not written: without Graphviz"
    assert sorted(os.listdir()) == ["a.mmd", "b.json", "d.txt", "model.py"]  # noqa: PTH208
    assert (tmp_path / "a.mmd").read_text() == "of an earlier run"


@pytest.mark.parametrize("action", ["error", "ignore"])
def test_a_diagnosis_that_fails_is_said_whatever_the_script_does_with_warnings(
    cli, script, monkeypatch, action
):
    def diagnose(trace):
        raise KeyError("a rule")

    monkeypatch.setattr("buildtrace.diagnosis.diagnose", diagnose)
    source = f"import warnings; warnings.simplefilter({action!r}); raise SystemExit(3)"
    result = cli("-o", "a.json", script(source))
    assert result.code == 3
    assert "the diagnosis: KeyError('a rule')\n" in result.err
    assert "Traceback" not in result.err
    assert trace_file.load("a.json").calls == ()


def test_a_trace_that_cannot_be_made_is_said(cli, script, recording):
    def stop(self):
        raise KeyError("freeze")

    recording.setattr(FakeTracing, "stop", stop)
    result = cli(script("raise SystemExit(3)"))
    assert result.code == 3
    assert result.err.startswith("buildtrace: error: the trace is not whole: KeyError: 'freeze'")


@pytest.mark.parametrize("verb", ["check", "diff"])
def test_a_file_of_a_verb_is_whole_or_the_one_before(cli, trace_file, monkeypatch, verb):
    Path("a.json").write_text("of an earlier run")

    def write_bytes(path, data):
        with path.open("wb") as file:
            file.write(data[:10])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", write_bytes)
    builds = [trace_file] * (1 + (verb == "diff"))
    result = cli(verb, "-o", "a.json", "-o", "b.json", *builds)
    assert result.code == 2
    assert result.err.count("is not written: No space left on device\n") == 2
    assert Path("a.json").read_text() == "of an earlier run"
    assert sorted(os.listdir()) == ["a.json", "build.json"]  # noqa: PTH208


# -- Ctrl-C -------------------------------------------------------------------------------------


def test_an_interrupt_ends_the_report_and_no_file(cli, script, failing_report):
    failing_report(KeyboardInterrupt())
    result = cli("-o", "a.json", script("raise SystemExit(3)"))
    assert result.code == -2
    assert trace_file.load("a.json").calls == mlp3().calls
    assert "buildtrace: interrupted: the report is not shown to its end" in result.err


def test_a_second_interrupt_ends_all(cli, script, failing_report, recording):
    def render(trace, options):
        raise KeyboardInterrupt

    failing_report(KeyboardInterrupt())
    recording.setattr("buildtrace.renderers.drawing.mermaid.render", render)
    result = cli("-o", "a.mmd", "-o", "a.json", script(""))
    assert result.code == -2
    assert not os.path.exists("a.json")  # noqa: PTH110


def test_an_interrupt_while_the_trace_is_made_costs_nothing(cli, script, recording):
    calls = []

    def stop(self):
        self.trace = mlp3()
        calls.append(1)
        if len(calls) == 1:
            raise KeyboardInterrupt

    recording.setattr(FakeTracing, "stop", stop)
    result = cli("-o", "a.json", script(""))
    assert (result.code, len(calls)) == (-2, 2)
    assert trace_file.load("a.json").calls == mlp3().calls


# -- streams that take nothing ------------------------------------------------------------------


@pytest.fixture
def in_the_end(command, script):
    """Runs a script in a process whose streams are as the first argument says."""

    def run(streams, *options, source="raise SystemExit(3)"):
        result = command(
            *("-c", IN_THE_END, streams, *options, script(source)), env={"PYTHONUNBUFFERED": ""}
        )
        assert trace_file.load("a.json").calls == mlp3().calls
        return result

    return run


@needs_full
def test_a_full_stdout(in_the_end):
    result = in_the_end("stdout=/dev/full", "--view", "tree", "-o", "a.json")
    assert result.code == 3
    assert [line.partition(": No space")[0] for line in result.err.splitlines()] == [
        "buildtrace: error: the report is not shown to its end",
        f"buildtrace: wrote {Path.cwd() / 'a.json'}",
    ]


@needs_full
def test_a_full_stderr(in_the_end):
    assert in_the_end("stderr=/dev/full", "-o", "a.json").code == 3


def test_a_reader_of_the_report_that_stops_reading(in_the_end):
    assert in_the_end("stderr=pipe", "-o", "a.json").code == 3
    result = in_the_end("stdout=pipe", "--view", "tree", "-o", "a.json")
    assert (result.code, len(result.err.splitlines())) == (3, 1)


@needs_full
def test_what_the_script_could_not_print_is_its_own_failure(in_the_end, command):
    source = "print('lost'); raise SystemExit(3)"
    full = "import os; os.dup2(os.open('/dev/full', os.O_WRONLY), 1); "
    plain = command("-c", full + source, env={"PYTHONUNBUFFERED": ""})
    result = in_the_end("stdout=/dev/full", "-o", "a.json", source=source)
    assert result.code == plain.code == 120
    assert result.err.endswith(plain.err)


@pytest.mark.sampled(3)
@pytest.mark.parametrize("how", ["sys.stdout.close()", "os.close(1)", "sys.stdout = None"])
def test_a_stdout_that_the_script_closed(in_the_end, how):
    result = in_the_end(
        "stderr=/dev/null", "--view", "tree", "-o", "a.json", source=f"import os, sys; {how}"
    )
    assert result.code == 0


VERBS = {
    "a trace": (["build.json"], 1),
    "check": (["check", "--format", "json", "build.json"], 2),
    "check as text": (["check", "build.json"], 2),
    "diff": (["diff", "build.json", "build.json"], 2),
    "diff as JSON": (["diff", "--format", "json", "build.json", "build.json"], 2),
    "explain": (["explain"], 2),
    "explain a rule": (["explain", "BT105"], 2),
    "explain in Markdown": (["explain", "--format", "markdown", "BT105"], 2),
    "landmarks": (["landmarks"], 2),
    "doctor": (["doctor"], 2),
    "help": (["--help"], 2),
    "version": (["--version"], 2),
    "help of a verb": (["check", "--help"], 2),
}


@needs_full
@pytest.mark.sampled(6)
@pytest.mark.parametrize("name", VERBS)
def test_a_verb_whose_output_has_no_room_says_so_in_one_line(command, trace_file, name):
    arguments, code = VERBS[name]
    result = command("-c", IN_THE_END, "stdout=/dev/full", *arguments)
    assert result.err.count("\n") == 1
    assert result.err.startswith("buildtrace: error: ")
    assert result.err.endswith("No space left on device\n")
    assert result.code == code


@needs_full
def test_files_of_verbs_are_written_though_stdout_has_no_room(command, trace_file):
    for arguments in (["check", trace_file], ["diff", trace_file, trace_file]):
        command("-c", IN_THE_END, "stdout=/dev/full", arguments[0], "-o", "a.json", *arguments[1:])
        assert Path("a.json").stat().st_size > 0
        Path("a.json").unlink()


# -- nothing to draw ----------------------------------------------------------------------------


@pytest.mark.parametrize("end", [0, 3])
def test_a_script_that_builds_nothing_ends_as_it_does(cli, script, recording, tmp_path, end):
    recording.setattr(FakeTracing, "stop", lambda self: None)
    pictures, others = ["a.svg", "a.dot", "a.mmd"], ["a.json", "a.html", "a.txt"]
    options = [part for name in pictures + others for part in ("-o", name)]
    result = cli(*options, script(f"raise SystemExit({end})"))
    assert result.code == end
    assert "error" not in result.err
    for name in pictures:
        path = tmp_path / name
        assert f"buildtrace: {path} is not written: no model was built" in result.err
        assert not path.exists()
    for name in others:
        assert (tmp_path / name).stat().st_size


def test_a_trace_without_a_model_cannot_be_drawn(cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Trace().save("empty.json")
    assert cli("-o", "a.svg", "empty.json").code == 1


@pytest.mark.parametrize(
    ("package", "arguments", "written"),
    [
        ("jinja2", ("-o", "x.html", "-o", "x.dot"), {"x.dot"}),
        ("graphviz", ("-o", "x.dot", "-o", "x.txt"), {"x.txt"}),
    ],
)
def test_a_dependency_that_cannot_be_imported_costs_what_needs_it(
    trace_file, tmp_path, package, arguments, written
):
    """As after `pip install --no-deps`; it is no fault of ours."""
    program = f"import sys; sys.modules[{package!r}] = None; from buildtrace.cli import main; "
    command = [sys.executable, "-c", f"{program} sys.exit(main())", *arguments, str(trace_file)]
    result = subprocess.run(
        command, cwd=tmp_path, env=os.environ | {"PYTHONPATH": ROOT}, capture_output=True, text=True
    )
    assert result.returncode == 1
    assert f"{package} cannot be imported" in result.stderr
    assert f": pip install -U {package}" in result.stderr
    assert "fault of buildtrace" not in result.stderr
    assert {path.name for path in tmp_path.glob("x.*")} == written
