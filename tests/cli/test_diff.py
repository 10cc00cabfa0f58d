"""`buildtrace diff`."""

from __future__ import annotations

import json
import re
from pathlib import Path

import made_traces
import msgspec
import pytest

from buildtrace.cli import child_processes, diff, environment
from buildtrace.cli.child_processes import LabeledProgram
from buildtrace.cli.parser import parse
from buildtrace.cli.program import Program
from buildtrace.cli.verbs import END, SKIP
from buildtrace.comparison import SELECTABLE, Difference
from buildtrace.traces.trace_file import to_json


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Trace files in the folder that the test runs in."""
    monkeypatch.chdir(tmp_path)
    made = {
        "two.json": made_traces.mlp2(),
        "three.json": made_traces.mlp3(),
        "deeper.json": made_traces.mlp3((512, 64, 10)),
        "failing.json": made_traces.failing(),
    }
    for name, trace in made.items():
        (tmp_path / name).write_bytes(to_json(trace))
    return made


def test_the_same_build_has_exit_code_0(cli, files):
    result = cli("diff", "three.json", "three.json")
    assert result.code == 0
    assert "The same build, in weights, the graph, outputs" in result.out
    assert result.err == ""


def test_other_functions_are_shown_and_decide_nothing(cli, files):
    result = cli("diff", "two.json", "three.json")
    assert result.code == 0
    assert "The same build; only the functions that ran differ." in result.out
    assert "make_variable" in result.out
    assert cli("diff", "--only", "landmarks", "two.json", "three.json").code == 1


def test_another_build_has_exit_code_1_and_says_first_what_was_done(cli, files, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    result = cli("diff", "three.json", "deeper.json")
    assert result.code == 1
    lines = result.out.splitlines()
    verdict = lines.index("Different: weights.")
    assert lines[verdict + 1] == (
        "✗ 'dense_1' (Dense) inserted between 'dense' (Dense) and 'dense_2' (Dense)"
    )
    assert lines[0].startswith("< three.json: keras 3.15.1")
    assert lines[1].startswith("> deeper.json: keras 3.15.1")


def test_generations_name_the_columns_and_files_do_otherwise(cli, files, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    columns = re.compile(r"^(\S+(?: \d)?) {20,}(\S+(?: \d)?)$", re.MULTILINE)
    text = cli("diff", "--full", "two.json", "three.json").out
    assert columns.findall(text)[0] == ("Keras 2", "Keras 3")
    assert text.startswith("< Keras 2: tf_keras")
    assert "> Keras 3: keras 3.15.1" in text
    text = cli("diff", "--full", "three.json", "deeper.json").out
    assert columns.findall(text)[0] == ("three.json", "deeper.json")
    cli("diff", "-o", "d.html", "two.json", "three.json")
    assert "<title>Keras 2 and Keras 3 " in Path("d.html").read_text("utf-8")


def test_only_what_was_asked_for(cli, files):
    assert cli("diff", "--only", "outputs,order", "three.json", "deeper.json").code == 0
    assert cli("diff", "--only", "weights, graph", "three.json", "deeper.json").code == 1


def test_json_on_stdout_and_in_a_file(cli, files):
    result = cli("diff", "--format", "json", "-o", "d.json", "three.json", "deeper.json")
    found = msgspec.json.decode(result.out.encode(), type=Difference)
    assert found.left.label == "three.json"
    assert [c.kind for c in found.changes] == ["weights", "weights"]
    assert json.loads(Path("d.json").read_text("utf-8")) == json.loads(result.out)


def test_text_in_a_file(cli, files):
    result = cli("diff", "-o", "d.txt", "three.json", "deeper.json")
    assert result.err == "buildtrace: wrote d.txt\n"
    text = Path("d.txt").read_text("utf-8")
    assert "'dense_1' (Dense) inserted" in text
    assert "\x1b" not in text


def test_a_page(cli, files):
    result = cli("diff", "-o", "d.html", "three.json", "deeper.json")
    assert (result.code, result.err) == (1, "buildtrace: wrote d.html\n")
    page = Path("d.html").read_text("utf-8")
    assert "<title>three.json and deeper.json · buildtrace</title>" in page
    assert "&#39;dense_1&#39; (Dense) inserted" in page


def test_a_page_has_two_builds_and_further_ones_get_their_own(cli, files, monkeypatch):
    builds = [files[name] for name in ("three.json", "deeper.json", "failing.json")]
    monkeypatch.setattr(environment, "installed", lambda module: True)
    monkeypatch.setattr(environment, "version", lambda module: "3.15.1")
    monkeypatch.setattr(child_processes, "traces", lambda _: builds)
    Path("model.py").write_text("")
    result = cli("diff", "-o", "d.html", "--backend", "tensorflow,jax,torch", "model.py")
    assert result.err == "buildtrace: wrote d.html\nbuildtrace: wrote d-2.html\n"
    assert "<title>tensorflow and jax" in Path("d.html").read_text("utf-8")
    assert "<title>tensorflow and torch" in Path("d-2.html").read_text("utf-8")


def test_times(cli, files):
    assert "the build took" not in cli("diff", "three.json", "three.json").out
    result = cli("diff", "--times", "three.json", "three.json")
    assert result.code == 0
    assert "the build took" in result.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "what is to be compared?"),
        (["three.json"], "what is three.json to be compared with? Name a second SCRIPT.py"),
        (["-o", "new.html"], "what is to be compared?"),
        (["-o", "two.json", "three.json"], "; two.json is the file to write, as -o names it"),
        (["-o"], "-o needs a value behind it: PATH"),
        (["--format"], "--format needs a value behind it: one of text, json"),
        (["three.json", "two.json", "deeper.json"], "two builds are compared, and these are 3"),
        (["three.json", "two.json", "d.html"], "is d.html a file to write? Then say so before"),
        (["three.json", "two.json", "-o", "d.html"], "-o is behind a file: options stand first"),
        (["three.json", "nowhere.json"], "there is no file nowhere.json"),
        (["--only", "colors", "three.json", "two.json"], "cannot compare 'colors'"),
        (["--keras", "2,4", "model.py"], "--keras takes 2 and 3"),
        (["--backend", "jax,theano", "model.py"], "no backend 'theano'"),
        (["--keras", "2,3"], "which script?"),
        (["--keras", "2,3", "--backend", "jax", "model.py"], "--backend is for Keras 3"),
        (["--keras", "2,3", "--backend", "jax,torch", "model.py"], "either several --keras or"),
        (["--keras", "2,3", "three.json"], "three.json is a trace, which cannot be run"),
        (["-o", "d.svg", "three.json", "two.json"], "d.svg: a comparison is written to"),
        (["-o", "nowhere/d.txt", "three.json", "two.json"], "there is no folder"),
        (["--format", "html", "three.json", "two.json"], "--format"),
        (["--format", "xml", "three.json", "two.json"], "--format"),
    ],
)
def test_what_makes_no_sense_is_one_line_and_exit_code_2(cli, files, monkeypatch, arguments, words):
    monkeypatch.setattr(environment, "package_of", lambda keras: "keras")
    monkeypatch.setattr(environment, "installed", lambda module: True)
    monkeypatch.setattr(environment, "version", lambda module: "3.15.1")
    monkeypatch.setattr(child_processes, "traces", lambda _: pytest.fail("something was run"))
    result = cli("diff", *arguments)
    assert result.code == 2
    assert result.err.startswith("buildtrace: error: ")
    assert words in result.err
    assert result.err.count("\n") == 1
    assert result.out == ""


def test_a_backend_that_is_not_installed_is_said_before_anything_runs(cli, script, monkeypatch):
    real = environment.installed
    monkeypatch.setattr(environment, "installed", lambda m: m != "jax" and real(m))
    result = cli("diff", "--backend", "tensorflow,jax", script("1 / 0"))
    assert result.code == 2
    assert result.err == (
        "buildtrace: error: --backend jax: jax is not installed: pip install jax\n"
    )


def test_several_runs_are_each_compared_with_the_first(cli, script, monkeypatch):
    monkeypatch.setattr(environment, "installed", lambda module: True)
    monkeypatch.setattr(environment, "version", lambda module: "3.15.1")
    builds = {
        "tensorflow": made_traces.mlp3(),
        "jax": made_traces.mlp3(),
        "torch": made_traces.mlp3((512, 64, 10)),
    }
    asked = []

    def traced(programs):
        asked.extend(program for _, program in programs)
        return [builds[program.backend] for _, program in programs]

    monkeypatch.setattr(child_processes, "traces", traced)
    arguments = ("diff", "--backend", "tensorflow,jax,torch", "--format", "json")
    result = cli(*arguments, script(""), "--depth", "3")
    assert result.code == 1
    found = msgspec.json.decode(result.out.encode(), type=list[Difference])
    assert [(each.left.label, each.right.label, each.same) for each in found] == [
        ("tensorflow", "jax", True),
        ("tensorflow", "torch", False),
    ]
    assert {program.arguments for program in asked} == {("--depth", "3")}


def test_a_generation_that_is_not_installed_is_said_before_anything_runs(cli, script, monkeypatch):
    monkeypatch.setattr(environment, "package_of", lambda keras: "keras" if keras == "3" else None)
    result = cli("diff", "--keras", "2,3", script("1 / 0"))
    assert result.code == 2
    assert result.err.startswith("buildtrace: error: --keras 2: ")


def test_a_damaged_trace_is_said_before_a_script_runs(cli, script, tmp_path):
    name = script("open('ran', 'w')")
    (tmp_path / "bad.json").write_text("{")
    result = cli("diff", name, "bad.json")
    assert result.code == 2
    assert "bad.json: not a readable trace file" in result.err
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("print('hello')", "no model was built, so there is nothing to compare"),
        ("import os; print('hello'); os._exit(3)", "ended with exit code 3 and without a trace"),
        (
            "import os; print('hello', flush=True); os.kill(os.getpid(), 15)",
            "ended by SIGTERM and without a trace",
        ),
    ],
)
def test_a_script_that_leaves_nothing_to_compare(cli, files, script, source, words):
    result = cli("diff", "three.json", script(source))
    assert result.code == 2
    assert "buildtrace: model.py | hello" in result.err
    assert words in result.err
    assert result.out == ""


def test_the_help_names_everything(cli):
    text = cli("diff", "--help").out
    assert all(kind in text for kind in SELECTABLE)
    assert all(suffix in text for suffix in diff.FORMATS)
    assert all(name in text for name in diff.BACKENDS)
    assert "diff" in cli("--help").out


@pytest.mark.parametrize(("free", "size"), [(2, 1), (7, 2)])
def test_programs_run_at_the_same_time_if_there_is_room(monkeypatch, free, size):
    numbers = {"SC_AVPHYS_PAGES": free, "SC_PAGE_SIZE": 2**30}
    monkeypatch.setattr(child_processes.os, "sysconf", numbers.__getitem__, raising=False)
    running, most = set(), []

    class ChildProcess:
        def __init__(self, label, program, path):
            running.add(program.target)
            most.append(len(running))
            self.program = program

        def trace(self):
            return f"trace of {self.program.target}"

        def end(self):
            running.discard(self.program.target)

    monkeypatch.setattr(child_processes, "ChildProcess", ChildProcess)
    programs = [LabeledProgram("", Program(name)) for name in ("a.py", "b.py")]
    assert child_processes.traces(programs) == ["trace of a.py", "trace of b.py"]
    assert max(most) == size
    assert not running


@pytest.mark.parametrize("no_train", ["", END, SKIP])
def test_a_child_process_does_without_training_as_it_was_told(
    monkeypatch, script, tmp_path, no_train
):
    started = []
    monkeypatch.setattr(
        child_processes.subprocess, "Popen", lambda command, **_: started.append(command)
    )
    program = Program(script("print(1)"), no_train=no_train)
    child_processes.ChildProcess("", program, tmp_path / "0")
    (command,) = started
    assert parse(command[command.index("buildtrace") + 1 :])[0] == program


# -- real scripts -----------------------------------------------------------------------------

MODEL = """
import sys
import tensorflow as tf

print("noise")
layers = [tf.keras.layers.Dense(int(units)) for units in sys.argv[1:] or ["4", "2"]]
model = tf.keras.Sequential(layers)
model.build((None, 3))
"""

needs_both = pytest.mark.skipif(
    not environment.installed("tensorflow")
    or not all(environment.package_of(keras) for keras in ("2", "3")),
    reason="needs tf.keras of both generations",
)


@pytest.mark.slow
@needs_both
def test_one_script_on_two_generations(command, script):
    result = command("-m", "buildtrace", "diff", "--keras", "2,3", script(MODEL), "8", "4")
    assert result.code == 0, result.err
    assert "noise" not in result.out + result.err
    assert result.out.startswith("< Keras 2: tf_keras")
    assert "the functions that ran differ" in result.out
    assert "kernel (3, 8)" in result.out


NAMES = """
import random
import tensorflow as tf

letters = "abcdefghijklmnopqrstuvwxyz"
name = "".join(random.SystemRandom().choices(letters, k=8))
layers = [tf.keras.layers.Dense(4, name=name), tf.keras.layers.Dense(2)]
tf.keras.Sequential(layers).build((None, 3))
"""


@pytest.mark.slow
@needs_both
def test_names_that_differ_from_run_to_run_are_no_difference(command, script):
    name = script(NAMES)
    result = command("-m", "buildtrace", "diff", "--keras", "2", name, name)
    assert result.code == 0, result.out
    assert "The same build, in weights" in result.out


@pytest.mark.slow
@needs_both
def test_a_script_and_the_same_script_changed(command, script):
    before = script(MODEL, "before.py")
    after = script(MODEL.replace("Dense(int(units))", "Dense(int(units), use_bias=False)"), "a.py")
    arguments = ("-m", "buildtrace", "diff", "--keras", "3")
    assert command(*arguments, before, before).code == 0
    result = command(*arguments, before, after)
    assert result.code == 1
    assert "lacks the weight bias (4,)" in result.out


@pytest.mark.slow
@needs_both
def test_a_script_that_fails_on_one_generation(command, script):
    # Without a shape, Keras 2 raises, and Keras 3 builds nothing.
    source = script(MODEL.replace("(None, 3)", ""))
    result = command("-m", "buildtrace", "diff", "--keras", "3,2", source)
    assert result.code == 1
    assert "Keras 2 ended with exit code 1: its build is compared up to there" in result.err
    assert "✗ the build fails in Sequential.build: ValueError" in result.out
