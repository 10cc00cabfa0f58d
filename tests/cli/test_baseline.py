"""Findings that are known: of one script, and of several."""

import json
from pathlib import Path

import pytest
from made_traces import replaced

from buildtrace import diagnosis
from buildtrace.cli.repository import check_several
from buildtrace.cli.repository.child import RunRecord
from buildtrace.cli.repository.script_runs import ScriptRun
from buildtrace.traces.schema import ErrorInfo, Finding, SourceLine
from buildtrace.traces.trace import Trace
from buildtrace.traces.trace_file import to_json


def finding(file, line, code="BT105", severity="warning", message="It went wrong."):
    caller = SourceLine(file=str(file), line=line)
    more = {"why": "", "fix": "", "title": "a title"}
    return Finding(code=code, severity=severity, message=message, caller=caller, **more)


@pytest.fixture
def model(tmp_path, monkeypatch):
    """A script and the trace of it; gives a function that says what is found in its lines."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "model.py"

    def write(source, *lines, **more):
        path.write_text(source)
        (tmp_path / "build.json").write_bytes(to_json(replaced(str(path))))
        found = tuple(finding(path, line, **more) for line in lines)
        monkeypatch.setattr(diagnosis, "diagnose", lambda _: found)
        return tmp_path

    return write


@pytest.fixture
def check(cli, recording, tmp_path):
    """Checks the script; its source is read from its file."""
    return lambda *options: cli("check", "--concise", *options, "model.py")


def test_a_baseline_is_written_and_nothing_of_it_is_reported(model, check):
    folder = model("a = 1\nb = 2\n", 1, 2)
    assert check().code == 1
    result = check("--baseline", "known.json", "--update-baseline")
    assert result.code == 0
    assert result.out.startswith("No problems found (2 in the baseline) in 1 model")
    assert result.err == f"buildtrace: wrote {folder / 'known.json'}: 2 known, 2 new, 0 gone\n"
    result = check("--baseline", "known.json")
    assert (result.code, result.err) == (0, "")
    assert "(2 in the baseline)" in result.out


def test_lines_may_move(model, check):
    model("a = 1\nb = 2\n", 1, 2)
    check("--baseline", "known.json", "--update-baseline")
    model("# new\n\na =  1\nb = 2\nc = 3\n", 3, 4, 5)
    result = check("--baseline", "known.json")
    assert result.code == 1
    found, total = result.out.splitlines()
    assert found == "model.py:5: BT105 warning: It went wrong."
    assert total.startswith("Found 1 problem (2 in the baseline) in 1 model")


def test_what_is_gone_is_told_and_taken_out(model, check):
    folder = model("a = 1\nb = 2\n", 1, 2)
    check("--baseline", "known.json", "--update-baseline")
    model("a = 1\n", 1)
    result = check("--baseline", "known.json")
    assert (result.code, result.err) == (
        0,
        "buildtrace: 1 finding of the baseline is gone: --update-baseline takes them out\n",
    )
    assert check("--baseline", "known.json", "--ignore", "BT2").err == ""  # not all was looked for
    result = check("--baseline", "known.json", "--update-baseline")
    assert result.err.endswith("1 known, 0 new, 1 gone\n")
    (left,) = json.loads((folder / "known.json").read_text())["findings"]
    assert (left["code"], left["file"], left["text"]) == ("BT105", "model.py", "a = 1")
    assert check("--baseline", "known.json").err == ""


def test_a_second_one_like_it_is_new(model, check):
    model("a = 1\n", 1)
    check("--baseline", "known.json", "--update-baseline")
    model("a = 1\na = 1\n", 1, 2)
    assert check("--baseline", "known.json").code == 1


def test_a_small_change_is_a_small_change_of_the_file(model, check):
    folder = model("a = 1\nb = 2\nc = 3\n", 3, 1)
    check("--baseline", "known.json", "--update-baseline")
    before = (folder / "known.json").read_text().splitlines()
    model("a = 1\nb = 2\nc = 3\n", 1, 2, 3)
    check("--baseline", "known.json", "--update-baseline")
    after = (folder / "known.json").read_text().splitlines()
    assert [line for line in before if line not in after] == []
    assert len(after) - len(before) == 7  # the lines of one entry


def test_the_settings_may_name_it(model, check, tmp_path):
    model("a = 1\n", 1)
    (tmp_path / "pyproject.toml").write_text('[tool.buildtrace]\nbaseline = "known.json"')
    result = check()
    assert (result.code, len(result.err.splitlines())) == (2, 1)
    assert "there is no baseline" in result.err
    assert "--update-baseline writes it" in result.err
    assert check("--update-baseline").code == 0
    assert check().code == 0


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is no baseline of buildtrace"),
        (b"[]", "is no baseline of buildtrace"),
        (b'{"format": "else"}', "is no baseline of buildtrace"),
        (b'{"format": "buildtrace-baseline", "version": 2}', "a newer buildtrace"),
        (b'{"findings": [{"code": 1}]}', "is no baseline of buildtrace"),
        (b"\xff\xfe", "is no baseline of buildtrace"),
        (b"[" * 100_000, "is no baseline of buildtrace"),
    ],
)
def test_another_file_is_refused_before_anything_runs(model, check, content, says):
    folder = model("open('ran', 'w')\n", 1)
    (folder / "known.json").write_bytes(content)
    for options in ((), ("--update-baseline",)):
        result = check("--baseline", "known.json", *options)
        assert (result.code, result.out) == (2, "")
        assert len(result.err.splitlines()) == 1
        assert says in result.err
    assert (folder / "known.json").read_bytes() == content
    assert not (folder / "ran").exists()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--update-baseline"], "--update-baseline needs to know which file"),
        (["--baseline", "none/x.json", "--update-baseline"], "there is no folder"),
        (["--baseline", "none.json"], "there is no baseline"),
        (["--baseline", "x", "--update-baseline", "--select", "BT1"], "leave out --select"),
        (["--baseline", "x", "--update-baseline", "--fix"], "goes without --fix"),
    ],
)
def test_what_makes_no_sense_is_refused(model, check, options, says):
    folder = model("open('ran', 'w')\n", 1)
    result = check(*options)
    assert (result.code, len(result.err.splitlines())) == (2, 1)
    assert says in result.err
    assert not (folder / "ran").exists()


def test_of_a_saved_trace(cli, model):
    model("a = 1\n", 1)
    options = ("check", "--concise", "--baseline", "known.json")
    assert cli(*options, "--update-baseline", "build.json").code == 0
    assert cli(*options, "build.json").code == 0


# -- of several -----------------------------------------------------------------------------------


@pytest.fixture
def several(monkeypatch, tmp_path):
    """Scripts; gives a dictionary of their runs by name, to be changed."""
    monkeypatch.chdir(tmp_path)
    runs = {}

    def run_all(works, *_):
        for work in works:
            yield ScriptRun(work, **runs[work.path.stem](work.path))

    monkeypatch.setattr(check_several, "run_all", run_all)
    for name in ("a", "b"):
        (tmp_path / f"{name}.py").write_text("import keras\nkeras.Input((3,))\n")
        runs[name] = fine
    return runs


def fine(path):
    return {"record": RunRecord(0), "trace": Trace()}


def faulty(path):
    return {"record": RunRecord(0), "trace": replaced(str(path))}


def failing(kind):
    def run(path):
        line = SourceLine(file=str(path), line=2)
        return {
            "record": RunRecord(1),
            "trace": Trace(error=ErrorInfo(type=kind, message="no", lines=(line,))),
        }

    return run


def hanging(path):
    return {"problem": "did not end in 3 seconds"}


def test_all_that_is_found_is_known_then(cli, several):
    several |= {"a": faulty, "b": failing("FileNotFoundError")}
    Path("broken.py").write_text("import keras\nprint 1\n")
    options = ("check", "--no-cache", "--concise", "--baseline", "known.json")
    assert cli("check", "--no-cache", ".").code == 1
    assert cli(*options, "--update-baseline", ".").code == 0
    result = cli(*options, ".")
    assert (result.code, result.err) == (0, "")
    assert "No problems found (3 in the baseline) in 3 scripts" in result.out
    several |= {"b": failing("KeyError")}
    result = cli(*options, ".")
    assert result.code == 2
    assert "b.py:2: failure error: KeyError: no" in result.out
    several |= {"b": hanging}
    assert cli(*options, ".").code == 2
    assert cli(*options, "--update-baseline", ".").code == 0
    assert cli(*options, ".").code == 0


def test_what_did_not_run_is_not_gone(cli, several):
    several |= {"a": faulty, "b": faulty}
    options = ("check", "--no-cache", "--baseline", "known.json")
    cli(*options, "--update-baseline", ".")
    several |= {"b": failing("KeyError")}  # before it came to that
    result = cli(*options, "--each", "--update-baseline", "b.py")
    assert result.err.endswith(": 3 known, 1 new, 0 gone\n")
    several |= {"b": fine}
    result = cli(*options, "--each", "--update-baseline", "b.py")
    assert result.err.endswith(": 1 known, 0 new, 2 gone\n")


def test_one_script_and_several_have_the_same_baseline(cli, several, recording, tmp_path):
    several |= {"a": faulty}
    cli("check", "--no-cache", "--baseline", "known.json", "--update-baseline", ".")
    (tmp_path / "build.json").write_bytes(to_json(replaced(str(tmp_path / "a.py"))))
    assert cli("check", "build.json").code == 1
    assert cli("check", "--baseline", "known.json", "build.json").code == 0
