"""What happens around the script: the report, the files, the exit code. No Keras needed."""

import contextlib
import sys
from types import SimpleNamespace

import pytest
from fake_tracing import FakeTracing
from made_traces import failing, mlp3
from msgspec.structs import replace

from buildtrace.cli import report, run
from buildtrace.traces import trace_file
from buildtrace.traces.schema import Finding
from buildtrace.traces.trace import Trace

ROOT_CALL = "Sequential.build"


@pytest.fixture
def printing(script, recording):
    return script("print('from the script')")


def test_the_report_leaves_stdout_alone(cli, printing):
    result = cli(printing)
    assert result.out == "from the script\n"
    assert ROOT_CALL in result.err
    assert result.code == 0


def test_a_report_that_was_asked_for_is_on_stdout(cli, printing):
    result = cli("--view", "tree", printing)
    assert result.out.startswith("from the script\n")
    assert ROOT_CALL in result.out
    assert result.err == ""


def test_on_a_terminal_the_report_is_on_stdout(cli, printing, monkeypatch):
    monkeypatch.setattr(report, "is_terminal", lambda stream: stream is sys.stdout)
    result = cli(printing)
    assert result.out.index("from the script") < result.out.index(ROOT_CALL)


def test_files_are_written_and_named(cli, printing, tmp_path):
    result = cli("-o", "a.json", "-o", "b.txt", printing)
    assert trace_file.load("a.json").calls == mlp3().calls
    assert ROOT_CALL in (tmp_path / "b.txt").read_text()
    assert f"buildtrace: wrote {tmp_path / 'a.json'}\n" in result.err
    assert f"buildtrace: wrote {tmp_path / 'b.txt'}\n" in result.err


def test_files_land_where_the_command_started(cli, script, recording, tmp_path):
    (tmp_path / "sub").mkdir()
    assert cli("-o", "a.json", script("import os; os.chdir('sub')")).code == 0
    assert (tmp_path / "a.json").is_file()


@pytest.mark.parametrize(
    ("source", "code"),
    [("import sys; sys.exit(3)", 3), ("1 / 0", 1), ("raise KeyboardInterrupt", -2), ("", 0)],
)
def test_however_the_script_ends_the_trace_is_written(cli, script, recording, source, code):
    result = cli("-o", "a.json", script(source))
    assert result.code == code
    assert trace_file.load("a.json").calls == mlp3().calls


def test_the_traceback_comes_before_the_tree(cli, script, recording):
    recording.setattr(FakeTracing, "recorded", staticmethod(failing))
    result = cli(script("raise ValueError('as Keras says it')"))
    assert result.code == 1
    assert result.err.startswith("Traceback (most recent call last):\n")
    assert result.err.index("ValueError: as Keras says it") < result.err.index(
        failing().failed.name
    )


def test_an_unknown_model_is_no_reason_to_show_nothing(cli, printing):
    result = cli("--model", "nope", printing)
    assert result.code == 0
    assert "'nope'" in result.err
    assert repr(mlp3().graphs[0].model.name) in result.err
    assert ROOT_CALL in result.out


def test_a_known_model_is_taken_without_a_word(cli, printing):
    result = cli("--model", mlp3().graphs[0].model.name, printing)
    assert result.err == ""


def test_a_stdout_of_the_scripts_own_does_not_swallow_the_report(cli, script, recording):
    name = script("import io, sys; sys.stdout = sys.stderr = io.StringIO(); print('lost')")
    recording.setattr(sys, "stdout", sys.stdout)
    recording.setattr(sys, "stderr", sys.stderr)
    result = cli("--view", "tree", "-o", "a.json", name)
    assert ROOT_CALL in result.out
    assert "lost" not in result.out
    assert "wrote" in result.err


def test_a_file_that_cannot_be_written_in_the_end(cli, printing, monkeypatch, tmp_path):
    def save(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("buildtrace.renderers.save", save)
    result = cli("-o", "a.json", printing)
    assert result.code == 1
    assert f"buildtrace: error: {tmp_path / 'a.json'} is not written: No space left" in result.err
    assert ROOT_CALL in result.err


def test_no_train_ends_well_and_says_so(cli, script, recording):
    @contextlib.contextmanager
    def dry_fits(*, goes_on):
        assert not goes_on
        yield SimpleNamespace(count=0)

    recording.setattr(run, "dry_fits", dry_fits)
    name = script("from buildtrace.capture import TrainingReached\nraise TrainingReached\nprint(1)")
    result = cli("--no-train", name)
    assert (result.code, result.out) == (0, "")
    assert "buildtrace: ended before the first change of a weight (--no-train)\n" in result.err
    assert "Traceback" not in result.err


@pytest.mark.parametrize(("count", "calls"), [(1, "1 call"), (3, "3 calls")])
def test_no_train_may_go_on_behind_fit_and_says_so(cli, script, recording, count, calls):
    @contextlib.contextmanager
    def dry_fits(*, goes_on):
        assert goes_on
        yield SimpleNamespace(count=count)

    recording.setattr(run, "dry_fits", dry_fits)
    result = cli("--no-train=skip", script("print('to the end')"))
    assert (result.code, result.out) == (0, "to the end\n")
    said = f"nothing was trained: {calls} of fit changed no weight (--no-train=skip)"
    assert f"buildtrace: {said}\n" in result.err


@pytest.mark.parametrize("package", ["tensorflow", "keras", "tf_keras"])
def test_a_missing_keras_is_the_scripts_own_error_and_a_hint(command, script, package):
    source = f"raise ModuleNotFoundError('No module', name={package!r})"
    result = command("-m", "buildtrace", script(source))
    assert result.code == 1
    assert "ModuleNotFoundError: No module\n" in result.err
    assert f"pip install {package}" in result.err.splitlines()[-1]


def test_a_script_without_keras(command, script):
    result = command("-m", "buildtrace", script("print('hello')"))
    assert (result.code, result.out) == (0, "hello\n")
    assert result.err == "buildtrace: nothing to show: the script did not import Keras\n"


def test_a_usage_error_of_the_scripts_own_is_the_scripts(cli, script):
    result = cli(script("from buildtrace.errors import UsageError\nraise UsageError('mine')"))
    assert result.code == 1
    assert result.err.startswith("Traceback")


def test_another_keras_than_the_wanted_one_is_named(cli, printing, monkeypatch):
    monkeypatch.setattr("buildtrace.cli.environment.choose_keras", lambda keras: None)
    result = cli("--keras", "2", printing)
    assert "--keras 2 decides what tf.keras is, but the script used keras" in result.err
    assert "decides" not in cli("--keras", "3", printing).err


def test_findings_are_shown_though_nothing_was_built(cli, printing, recording):
    finding = Finding(code="BT1", message="It is not built.", why="So.", fix="build()")
    recording.setattr(FakeTracing, "recorded", staticmethod(lambda: Trace(findings=(finding,))))
    result = cli(printing)
    assert "It is not built." in result.err
    assert "nothing to show" not in result.err


def test_findings_stand_below_all_views_and_in_text_files(cli, printing, recording, tmp_path):
    finding = Finding(code="BT1", message="It is odd.", why="So.", fix="build()", calls=(0,))
    trace = replace(mlp3(), findings=(finding,))
    recording.setattr(FakeTracing, "recorded", staticmethod(lambda: trace))
    result = cli("--view", "tree", "--view", "weights", "-o", "build.txt", printing)
    written = (tmp_path / "build.txt").read_text()
    for text in (result.out, written):
        assert text.count("It is odd.") == 1
        assert text.rindex("It is odd.") > text.rindex("dense_1/bias")
