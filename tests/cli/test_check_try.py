"""`check --try`, `--diff` and `--fix`: what is run, what is said of it, and what is written."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from fake_tracing import FakeTracing
from made_traces import mlp3
from msgspec import UNSET
from msgspec.structs import replace

from buildtrace import diagnosis
from buildtrace.cli import folder_copy, trying
from buildtrace.diagnosis import edits
from buildtrace.traces.schema import ErrorInfo, Finding, SourceLine
from buildtrace.traces.trace_file import to_json

SCRIPT = """\
import sys
rate = optimizer(lr=0.1)
units = dense(wide=True)
fit(rate, units)
"""


def error(path, line, message="no such argument"):
    return ErrorInfo(
        type="TypeError", message=message, lines=(SourceLine(file=str(path), line=line),)
    )


def finding(path, line, old, new, **more):
    """Says that an argument is to have another name."""
    at = SourceLine(file=str(path), line=line)
    given = {"code": "BT504", "severity": "error", "message": f"{old} is gone.", "why": "So."}
    trace = replace(mlp3(), sources=UNSET)
    placed = edits.argument_renamed(trace, at, old, new)
    assert placed
    return Finding(**(given | {"fix": f"{new}=...", "caller": at, "edits": placed} | more))


class Bench:
    """Stands for the runs of a script: what each of them builds depends on its text alone.

    Attributes:
        path: the script.
        ran: for each run that remedies were tried in, the text, and the folder that it was in.
        wrong: the arguments that fail, in the order in which the script gets there, with their
            lines, and what to call them.
        takes: how a run with edits ends, if not by itself.
        encoding: of the script.
    """

    def __init__(self, path, monkeypatch):
        self.path, self.ran, self.takes, self.encoding = path, [], None, "utf-8"
        self.wrong = {"lr": (2, "learning_rate"), "wide": (3, "units")}
        monkeypatch.setattr(FakeTracing, "recorded", staticmethod(self.first))
        monkeypatch.setattr(diagnosis, "diagnose", lambda trace: trace.findings)
        monkeypatch.setattr(trying, "ChildProcess", self.child)

    def trace(self, text, path):
        failing = [(old, *at) for old, at in self.wrong.items() if f"{old}=" in text]
        if not failing:
            return replace(mlp3(), sources=UNSET)
        old, line, new = failing[0]
        return replace(
            mlp3(),
            sources=UNSET,
            error=error(path, line, f"{old} is gone"),
            findings=(finding(path, line, old, new),),
        )

    def first(self):
        return self.trace(self.path.read_text(self.encoding), self.path)

    def child(self, label, program, path, *, folder, environment):
        script = Path(folder, program.target)
        text = script.read_text(self.encoding)
        self.ran.append((text, Path(folder)))
        trace = self.trace(text, script)
        Path(folder, "left.txt").touch()
        path = path.with_suffix(".json")

        def wait(seconds):
            if isinstance(self.takes, BaseException):
                raise self.takes
            if self.takes is None:
                path.write_bytes(to_json(trace))
            return self.takes or int(trace.error is not None)

        process = type("Process", (), {"wait": staticmethod(wait)})
        return type("Child", (), {"path": path, "process": process, "end": lambda _: None})()


@pytest.fixture
def bench(tmp_path, monkeypatch, recording):
    """A script that fails at its second line, and then at its third."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", None)
    path = folder / "model.py"
    path.write_text(SCRIPT)
    bench = Bench(path, monkeypatch)
    monkeypatch.setattr("buildtrace.cli.run._run", lambda program, tracing: fail(bench))
    yield bench
    assert sorted(path.name for path in folder.iterdir()) == ["model.py"]
    assert [*(tmp_path / "tmp").iterdir()] == []


def fail(bench):
    """What ends the first run."""
    return SystemExit(1) if bench.first().error else None


FIXED = SCRIPT.replace("lr=", "learning_rate=")


# -- trying -------------------------------------------------------------------------------------


def test_what_helps_is_shown_with_its_lines(cli, bench):
    del bench.wrong["wide"]
    result = cli("check", "--try", "model.py")
    assert result.code == 1
    assert result.out.splitlines()[:6] == [
        "model.py:2: BT504 error: lr is gone.",
        "  fix:",
        "    learning_rate=...",
        "  tried: the build goes through:",
        "    -rate = optimizer(lr=0.1)",
        "    +rate = optimizer(learning_rate=0.1)",
    ]
    ((text, folder),) = bench.ran
    assert text == FIXED
    assert folder.name == "here"
    assert bench.path.read_text() == SCRIPT


def test_what_fails_further_on_is_told_with_the_next_failure(cli, bench):
    result = cli("check", "--try", "model.py")
    said = "  tried: fails further on, with TypeError: wide is gone at model.py:3:\n"
    assert said + "    -rate" in result.out


def test_what_does_not_help_is_no_remedy(cli, bench):
    bench.wrong = {"learning_rate": (2, "rate"), **bench.wrong}
    result = cli("check", "--try", "model.py")
    assert "  fix:" not in result.out
    assert result.out.splitlines()[1:4] == [
        "  tried, but it does not help:",
        "    learning_rate=...",
        "  tried: does not help (TypeError: learning_rate is gone at model.py:2)",
    ]


def test_nothing_is_tried_unless_it_is_asked_for(cli, bench):
    result = cli("check", "model.py")
    assert "tried" not in result.out
    assert bench.ran == []


def test_a_finding_without_edits_is_not_tried(cli, bench, monkeypatch):
    monkeypatch.setattr(
        diagnosis, "diagnose", lambda t: tuple(replace(f, edits=()) for f in t.findings)
    )
    result = cli("check", "--try", "model.py")
    assert "tried" not in result.out
    assert bench.ran == []


def test_a_script_can_say_that_it_runs_once(cli, bench):
    bench.path.write_text(SCRIPT + "# buildtrace: run once, it sends a mail\n")
    result = cli("check", "--try", "model.py")
    assert "  not tried: model.py says that it must run once\n" in result.out
    assert bench.ran == []


def test_a_run_that_does_not_end_is_no_trial(cli, bench):
    bench.takes = subprocess.TimeoutExpired("python", 60)
    assert "  not tried: it did not end in 60 seconds\n" in cli("check", "--try", "model.py").out


def test_ctrl_c_ends_the_trying_and_nothing_is_written(cli, bench):
    bench.takes = KeyboardInterrupt()
    result = cli("check", "--fix", "model.py")
    assert result.code == -2
    assert "interrupted: not all remedies are tried" in result.err
    assert "model.py:2: BT504 error" in result.out
    assert bench.path.read_text() == SCRIPT


def test_a_run_that_crashes_does_not_help(cli, bench):
    bench.takes = -11
    assert "tried: does not help (it ended by SIGSEGV)\n" in cli("check", "--try", "model.py").out


def test_a_trace_file_is_never_run(cli, trace_file):
    for option in ("--try", "--diff", "--fix"):
        result = cli("check", option, trace_file.name)
        assert result.code == 2
        assert result.err == (
            f"buildtrace: error: {option} needs the script: nothing of a saved trace is run "
            "(see `buildtrace check --help`)\n"
        )


def test_a_folder_that_is_too_large_is_not_copied(cli, bench, monkeypatch):
    monkeypatch.setattr(folder_copy, "MOST_FILES", 0)
    result = cli("check", "--try", "model.py")
    assert "has more than 1 GB or 0 files, so that it is not copied" in result.out
    assert bench.ran == []


def test_json_has_the_edits_and_the_trial(cli, bench):
    (found,) = json.loads(cli("check", "--try", "--format", "json", "model.py").out)
    assert found["edits"] == [
        {
            "file": "model.py",
            "line": 2,
            "column": 17,
            "end_line": 2,
            "end_column": 19,
            "text": "learning_rate",
        }
    ]
    trial = found["trial"]
    assert trial.pop("patch").startswith("--- model.py\n+++ model.py\n@@ -1,4 +1,4 @@\n")
    assert trial == {
        "outcome": "fails further on",
        "message": "TypeError: wide is gone",
        "file": "model.py",
        "line": 3,
    }


# -- the patch and the files --------------------------------------------------------------------


def test_the_patch_is_all_of_stdout(cli, bench, tmp_path):
    del bench.wrong["wide"]
    result = cli("check", "--diff", "model.py")
    assert result.code == 1
    assert "would fix 1 of 1 finding\n" in result.err
    assert bench.path.read_text() == SCRIPT
    done = subprocess.run(
        ["git", "apply", "-p0", "-"], input=result.out, text=True, cwd=bench.path.parent
    )
    assert done.returncode == 0
    assert bench.path.read_text() == FIXED


def test_no_patch_is_no_fault(cli, bench):
    bench.wrong = {"learning_rate": (2, "rate"), **bench.wrong}
    result = cli("check", "--diff", "model.py")
    assert (result.code, result.out) == (0, "")
    assert "would fix 0 of 1 finding\n" in result.err


def test_what_helps_is_written(cli, bench):
    del bench.wrong["wide"]
    bench.path.chmod(0o750)
    result = cli("check", "--fix", "model.py")
    assert (result.code, result.out) == (0, "Fixed 1 of 1 finding\n")
    assert bench.path.read_text() == FIXED
    assert bench.path.stat().st_mode & 0o777 == 0o750


def test_a_script_that_fails_further_on_is_not_well(cli, bench):
    result = cli("check", "--fix", "model.py")
    assert result.code == 1
    assert result.out == (
        "Fixed 1 of 1 finding\nThe script fails further on: TypeError: wide is gone\n"
    )
    assert bench.path.read_text() == FIXED


def test_what_does_not_help_is_not_written(cli, bench):
    bench.wrong = {"learning_rate": (2, "rate"), **bench.wrong}
    result = cli("check", "--fix", "--unsafe-fixes", "model.py")
    assert result.code == 1
    assert "Fixed" not in result.out
    assert bench.path.read_text() == SCRIPT


@pytest.mark.parametrize("unsafe", [False, True])
def test_what_could_not_be_tried_is_written_if_that_is_asked_for(cli, bench, unsafe):
    bench.takes = subprocess.TimeoutExpired("python", 60)
    cli("check", "--fix", *["--unsafe-fixes"] * unsafe, "model.py")
    assert bench.path.read_text() == (FIXED if unsafe else SCRIPT)


def test_edits_of_the_same_code_are_left_out(cli, bench, monkeypatch):
    del bench.wrong["wide"]

    def two(trace):
        first = trace.findings[:1]
        return first + tuple(replace(f, code="BT999", edits=other(f)) for f in first)

    def other(found):
        return (replace(found.edits[0], text="rate"),)

    monkeypatch.setattr(diagnosis, "diagnose", two)
    monkeypatch.setattr(FakeTracing, "recorded", staticmethod(lambda: with_two(bench, two)))
    result = cli("check", "--fix", "model.py")
    assert bench.path.read_text() == FIXED
    assert "BT999 at model.py:2 is left out: its change does not go with the others" in result.err
    assert "Fixed 1 of 2 findings" in result.out


def with_two(bench, two):
    trace = bench.first()
    return replace(trace, findings=two(trace))


@pytest.mark.skipif(os.name != "posix", reason="modes of files")
def test_a_file_that_cannot_be_written_is_one_line(cli, bench, monkeypatch):
    del bench.wrong["wide"]
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK)
    result = cli("check", "--fix", "model.py")
    assert result.code == 1
    assert f"buildtrace: {bench.path} is not changed: Permission denied\n" in result.err
    assert "Fixed" not in result.out
    assert bench.path.read_text() == SCRIPT


def test_a_file_that_has_changed_meanwhile_stays(cli, bench, monkeypatch):
    del bench.wrong["wide"]
    real = trying.Workshop.tried

    def tried(shop, *arguments):
        trial = real(shop, *arguments)
        bench.path.write_text("# new\n" + SCRIPT)
        return trial

    monkeypatch.setattr(trying.Workshop, "tried", tried)
    result = cli("check", "--fix", "model.py")
    assert "nothing is changed: model.py cannot be changed: it has changed since it" in result.err
    assert bench.path.read_text() == "# new\n" + SCRIPT


def test_ends_of_lines_and_the_encoding_stay(cli, bench):
    del bench.wrong["wide"]
    text = SCRIPT.replace("import sys", "# coding: latin-1").replace("0.1)", "0.1)  # größe")
    text = text.replace("\n", "\r\n")
    bench.path.write_bytes(text.encode("latin-1"))
    bench.encoding = "latin-1"
    result = cli("check", "--fix", "model.py")
    assert result.out.startswith("Fixed 1 of 1 finding")
    assert bench.path.read_bytes() == text.replace("lr=", "learning_rate=").encode("latin-1")


@pytest.mark.parametrize("arguments", [["--unsafe-fixes"], ["--try", "--unsafe-fixes"]])
def test_options_that_say_nothing(cli, script, arguments):
    result = cli("check", *arguments, script("print(1)"))
    assert result.code == 2
    assert "--unsafe-fixes goes with --diff or --fix" in result.err


# -- real scripts -------------------------------------------------------------------------------

REAL = """\
import os
import sys
import tempfile
import numpy as np
import sizes
from tensorflow import keras

assert sys.stdin.read() == ""
print("arguments", sys.argv[1:])
os.mkdir("made")
tempfile.mkdtemp(prefix="of-the-script", dir=os.environ["TMPDIR"])
open("made/file.txt", "w").write("x")
width = int(open(os.path.join(os.path.dirname(__file__), "data", "width.txt")).read())
model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(width)])
model.compile(
    keras.optimizers.Adam(lr=sizes.RATE), loss="mse"  # größe
)
model.fit(np.zeros((2, 4)), np.zeros((2, width)))
print("trained")
"""


@pytest.mark.slow
def test_a_real_script_leaves_what_one_run_leaves(keras_command, tmp_path):
    """It reads a module and data beside it, takes arguments, and prints and writes."""
    folder = tmp_path / "project"
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "width.txt").write_text("3")
    (folder / "sizes.py").write_text("RATE = 0.1\n")
    (folder / "train.py").write_text(REAL)
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    result = keras_command(
        "3",
        *("-m", "buildtrace", "check", "--fix", "project/train.py", "a", "-b"),
        env={"TMPDIR": str(temporary), "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert result.code == 0, result.err
    assert result.out.count("arguments ['a', '-b']") == 1
    assert "Fixed 1 of 1 finding" in result.out
    assert (folder / "train.py").read_text() == REAL.replace("(lr=", "(learning_rate=")
    assert {path.name for path in folder.iterdir()} <= {
        *("data", "sizes.py", "train.py", "__pycache__")
    }
    assert [path.name for path in (tmp_path / "made").iterdir()] == ["file.txt"]
    (left,) = (path.name for path in temporary.iterdir())
    assert left.startswith("of-the-script")
