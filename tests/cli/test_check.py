"""What `buildtrace check` reports, in which form, and its exit code. No Keras needed."""

import contextlib
import json
import sys
from types import SimpleNamespace

import pytest
from fake_tracing import FakeTracing
from made_traces import failing, mlp3, replaced

from buildtrace import diagnosis
from buildtrace.cli import run
from buildtrace.traces.schema import Finding, SourceLine
from buildtrace.traces.trace import Trace
from buildtrace.traces.trace_file import to_json

LINE = (
    "model.py:12: BT105 error: Linear.build of 'linear' (Linear) ran a second time and replaced "
    "'w': what the first one had learned or loaded is lost."
)
FIX = [
    "  fix:",
    "    def build(self, input_shape):",
    "        ...  # make the weights, as now",
    "        super().build(input_shape)  # sets self.built = True",
]


def finding(severity="warning", code="BT105", message="It went wrong.", line=7, file=None, **more):
    caller = SourceLine(file=file or "model.py", line=line) if line else None
    more = {"why": "Keras is like that.", "fix": "do_better()", "title": "a title"} | more
    return Finding(code=code, severity=severity, message=message, caller=caller, **more)


@pytest.fixture
def trace_of(tmp_path, monkeypatch):
    """Saves a trace into the folder that the test runs in; gives the file's name."""
    monkeypatch.chdir(tmp_path)

    def save(trace, name="build.json"):
        (tmp_path / name).write_bytes(to_json(trace))
        return name

    return save


@pytest.fixture
def found(monkeypatch):
    """Has the diagnosis say this, whatever it looks at."""
    return lambda *findings: monkeypatch.setattr(diagnosis, "diagnose", lambda _: findings)


@pytest.fixture
def recorded(recording):
    """Whatever script runs, this trace is recorded."""
    return lambda trace: recording.setattr(FakeTracing, "recorded", staticmethod(lambda: trace))


# -- the list -----------------------------------------------------------------------------------


def test_a_finding_is_a_line_and_its_remedy(cli, trace_of, tmp_path):
    result = cli("check", trace_of(replaced(str(tmp_path / "model.py"))))
    assert (result.code, result.err) == (1, "")
    assert result.out.splitlines() == [
        LINE,
        *FIX,
        "",
        "Found 1 problem in 0 models, 8 calls",
        "`buildtrace explain BT105` says why.",
    ]


def test_concise(cli, trace_of, tmp_path):
    result = cli("check", "--concise", trace_of(replaced(str(tmp_path / "model.py"))))
    assert result.out.splitlines() == [LINE, "Found 1 problem in 0 models, 8 calls"]


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_no_line_is_wrapped_by_us(command, trace_of, tmp_path, columns):
    name = trace_of(replaced(str(tmp_path / "model.py")))
    result = command("-m", "buildtrace", "check", name, env={"COLUMNS": str(columns)})
    assert result.out.splitlines()[: len(FIX) + 1] == [LINE, *FIX]


def test_nothing_found(cli, trace_of):
    result = cli("check", trace_of(mlp3()))
    assert (result.code, result.err) == (0, "")
    assert result.out == f"No problems found in 1 model, {len(mlp3().calls)} calls\n"


def test_notes_are_told_and_no_problems(cli, trace_of, found):
    found(finding("note"), finding("note", "BT201"))
    result = cli("check", trace_of(mlp3()))
    assert result.code == 0
    assert "model.py:7: BT105 note: It went wrong.\n" in result.out
    assert "No problems found (2 notes) in 1 model" in result.out


@pytest.mark.parametrize("severity", ["error", "warning"])
def test_problems_are_counted_without_notes(cli, trace_of, found, severity):
    found(finding(severity), finding("note"), finding(severity, line=8))
    result = cli("check", trace_of(mlp3()))
    assert result.code == 1
    assert f"model.py:8: BT105 {severity}: It went wrong.\n" in result.out
    assert "Found 2 problems (1 note) in 1 model" in result.out


def test_a_remedy_of_several_is_told_once(cli, trace_of, found):
    found(finding(line=1), finding(line=2), finding(line=3, fix="do_otherwise()"), finding(line=4))
    lines = cli("check", trace_of(mlp3())).out.splitlines()
    head, fix = "model.py:{}: BT105 warning: It went wrong.", ["  fix:", "    do_better()", ""]
    assert lines[:12] == [
        *(head.format(1), head.format(2), *fix),
        *(head.format(3), fix[0], "    do_otherwise()", ""),
        *(head.format(4), *fix[:2]),
    ]


def test_a_path_elsewhere_is_whole(cli, trace_of, found):
    found(finding(file="/nowhere/else.py"))
    assert cli("check", trace_of(mlp3())).out.startswith("/nowhere/else.py:7: BT105 ")


def test_a_finding_without_a_place_is_the_programs(cli, trace_of, found):
    found(finding(line=None))
    assert cli("check", trace_of(mlp3())).out.startswith("build.json: BT105 warning: It went")


def test_names_do_no_harm(cli, trace_of, found):
    evil = "[bold]x[/]\n::error::\x1b[31m"
    found(finding(message=evil, fix=f"'{evil}'", file=f"/{evil}.py"))
    first, *rest = cli("check", trace_of(mlp3())).out.splitlines()
    assert first.endswith("warning: [bold]x[/]\\n::error::\\x1b[31m")
    assert "\x1b" not in "".join(rest)
    assert not [line for line in rest if line.startswith("::")]


def test_colors_only_for_a_terminal(cli, trace_of, found, monkeypatch):
    found(finding())
    assert "\x1b[" not in cli("check", trace_of(mlp3())).out
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[" in cli("check", trace_of(mlp3())).out


# -- how it ended -------------------------------------------------------------------------------


def test_a_script_is_run_and_checked(cli, script, recorded, tmp_path):
    recorded(replaced(str(tmp_path / "model.py")))
    result = cli("check", script("import sys; print('from the script', sys.argv[1:])"), "-o", "x")
    assert result.code == 1
    assert result.out.startswith(f"from the script ['-o', 'x']\n{LINE}\n")
    assert result.err == ""


ENDS = {
    "well": ("", mlp3, 0, ""),
    "with exit code 0": ("raise SystemExit(0)", mlp3, 0, ""),
    "by an error": ("1 / 0", mlp3, 2, "\nNo rule says why the program failed: 1 model, "),
    "by an error that is explained": ("1 / 0", replaced, 1, ", before the program failed\n"),
    "with an exit code": ("exit(3)", mlp3, 2, "\nNo rule says why the program failed: 1 model, "),
    "by Ctrl-C": ("raise KeyboardInterrupt", replaced, -2, ", before the program failed\n"),
}


@pytest.mark.parametrize("how", ENDS)
def test_the_exit_code(cli, script, recorded, how):
    source, made, code, says = ENDS[how]
    recorded(made())
    result = cli("check", script(source))
    assert result.code == code
    assert says in result.out
    assert ("the program failed" in result.out) == bool(says)


FAILURES = {
    "a missing module": ("import nosuchmodule", "ModuleNotFoundError: No module named 'nosuchmod"),
    "a missing file": ("open('data.csv')", "FileNotFoundError: [Errno 2] No such file or direct"),
    "no Python": ("x = (1", "SyntaxError: '(' was never closed"),
    "an exit code": ("import sys; sys.exit(3)", "SystemExit: 3"),
    "a text at the end": ("exit('no data')", "SystemExit: no data"),
    "an exception of a build": ("1 / 0", "ZeroDivisionError: division by zero"),
}


@pytest.mark.parametrize("what", FAILURES)
def test_a_failure_that_no_finding_is_about_is_told_in_each_form(
    cli, script, recorded, what, tmp_path
):
    source, error = FAILURES[what]
    recorded(mlp3())
    name = script(f"# a script\n{source}\n")
    text = cli("check", "-o", "a.json", "-o", "a.sarif", name)
    assert text.code == 2
    assert f"  {error}" in text.out
    assert f"> 2 │ {source}\n" in text.out
    (made,) = json.loads((tmp_path / "a.json").read_text())
    assert (made["code"], made["severity"]) == ("failure", "error")
    assert (made["file"], made["line"]) == (name, 2)
    assert f"{made['failure']['type']}: {made['failure']['message']}".startswith(error)
    cli("check", "--format", "github", "-o", "a.log", name)
    told = (tmp_path / "a.log").read_text()
    assert told.startswith("::error title=The ")
    assert f"/{name},line=2::{error.partition(': ')[0]}" in told
    assert told.count("\n") == 1
    (result,) = json.loads((tmp_path / "a.sarif").read_text())["runs"][0]["results"]
    assert error in result["message"]["text"]
    assert result["locations"][0]["physicalLocation"]["region"] == {"startLine": 2}


CAUGHT = "import sys\ntry:\n    1 / 0\nexcept ZeroDivisionError:\n    "


@pytest.mark.parametrize(
    ("rest", "told"),
    [
        ("sys.exit(1)", ("ZeroDivisionError", 3)),
        ("raise SystemExit(1) from None", ("SystemExit", 5)),
        ("pass\nsys.exit(1)", ("SystemExit", 6)),
    ],
)
def test_what_a_script_gave_up_for_is_its_failure(cli, script, recorded, rest, told):
    recorded(mlp3())
    (made,) = json.loads(cli("check", "--format", "json", script(CAUGHT + rest)).out)
    assert (made["failure"]["type"], made["line"]) == told


def test_a_failure_with_all_that_is_known_of_it(cli, trace_of):
    (made,) = json.loads(cli("check", "--format", "json", trace_of(failing())).out)
    assert made["title"] == "The build failed in Dense.build of bad (Dense) on (None, 8)"
    assert made["failure"] == {
        "type": "ValueError",
        "message": "units must be positive,\ngot -1",
        "call": "Dense.build",
        "layer": {"name": "bad", "class": "Dense"},
        "given": [{"shape": [None, 8], "dtype": "float32"}],
        "facts": [],
        "lines": [{"file": "model.py", "line": 7}],
    }


def test_a_failure_stands_beside_what_was_found_elsewhere(cli, script, recorded, tmp_path):
    recorded(replaced(str(tmp_path / "other.py")))
    result = cli("check", "-o", "a.json", script("1 / 0"))
    assert "  ZeroDivisionError: division by zero\n" in result.out
    assert result.out.splitlines()[-2] == (
        "Found 1 problem in 0 models, 8 calls, before the program failed"
    )
    made = json.loads((tmp_path / "a.json").read_text())
    assert [entry["code"] for entry in made] == ["BT105", "failure"]


def test_a_finding_at_a_line_of_the_failure_is_about_it(cli, script, recorded, tmp_path):
    recorded(replaced(str(tmp_path / "model.py")))
    source = "\n" * 11 + "1 / 0"  # at line 12, as the finding
    made = json.loads(cli("check", "--format", "json", script(source)).out)
    assert [entry["code"] for entry in made] == ["BT105"]


def test_the_traceback_comes_first_and_then_what_explains_it(command, script):
    source = "import sys\nprint('out')\nsys.stdout.flush()\n1 / 0"
    result = command("-m", "buildtrace", "check", script(source))
    assert result.code == 2
    assert result.err.startswith("Traceback (most recent call last):\n")
    assert result.err.count("Traceback") == 1
    told = result.out.splitlines()
    assert told[0] == "out"
    assert "  ZeroDivisionError: division by zero" in told
    assert "  > 4 │ 1 / 0" in told
    assert told[-1] == "No rule says why the program failed: 0 models, 0 calls"
    assert "No problems" not in result.out


def test_a_saved_trace_of_a_program_that_failed(cli, trace_of):
    result = cli("check", trace_of(failing()))
    assert result.code == 2
    assert result.err == (
        "buildtrace: the program failed: ValueError: units must be positive,\\ngot -1\n"
    )


UNTIL = "up to the first change of a weight"


def test_a_script_ends_before_it_changes_a_weight_unless_told_otherwise(cli, script, recorded):
    recorded(mlp3())
    name = script("from buildtrace.capture import TrainingReached\nraise TrainingReached")
    result = cli("check", name)
    assert result.code == 0
    assert result.out == f"No problems found in 1 model, {len(mlp3().calls)} calls, {UNTIL}\n"
    assert (
        result.err == "buildtrace: ended before the first change of a weight "
        "(--train goes on and checks the rest)\n"
    )


@pytest.mark.parametrize(
    ("options", "wanted"), [([], [False]), (["--train"], []), (["--no-train=skip"], [True])]
)
def test_fits_are_dry_for(cli, script, recorded, monkeypatch, options, wanted):
    asked = []

    @contextlib.contextmanager
    def dry_fits(*, goes_on):
        asked.append(goes_on)
        yield SimpleNamespace(count=0)

    recorded(mlp3())
    monkeypatch.setattr(run, "dry_fits", dry_fits)
    assert cli("check", *options, script("")).code == 0
    assert asked == wanted


def test_a_script_without_keras_is_said(command, script):
    result = command("-m", "buildtrace", "check", script("print('hello')"))
    assert result.code == 0
    assert result.out == "hello\nNo problems found in 0 models, 0 calls\n"
    assert result.err == "buildtrace: nothing to check: the script did not import Keras\n"


def test_what_was_found_before_any_build_is_not_nothing(cli, script, recorded, found):
    """As `model.summary()` of a model that nobody has built."""
    recorded(Trace(findings=(finding(),)))
    found(finding())
    result = cli("check", script(""))
    assert (result.code, result.err) == (1, "")
    assert "Found 1 problem in 0 models, 0 calls\n" in result.out


def test_a_diagnosis_that_fails_is_no_success(cli, trace_of, monkeypatch):
    def diagnose(_):
        raise KeyError("no such layer")

    monkeypatch.setattr(diagnosis, "diagnose", diagnose)
    result = cli("check", trace_of(mlp3()))
    assert (result.code, result.out) == (2, "")
    assert result.err == (
        "buildtrace: error: the diagnosis itself failed: KeyError('no such layer')\n"
    )


BAD = {
    "no script": ([], "which script"),
    "missing script": (["nope.py"], "there is no file nope.py"),
    "unknown option": (["--fast", "model.py"], "--fast"),
    "unknown format": (["--format", "xml", "model.py"], "xml"),
    "unknown code": (["--select", "BT1,XY9", "model.py"], "no rule has the code 'XY9'"),
    "no code": (["--ignore", "", "model.py"], "no rule has the code ''"),
    "unknown Keras": (["--keras", "4", "model.py"], "'4'"),
    "no folder": (["-o", "nowhere/x.json", "model.py"], "there is no folder"),
    "unknown suffix": (["-o", "x.svg", "model.py"], "Use --format NAME"),
    "no such module": (["-m", "no_such_module_anywhere"], "no module no_such_module_anywhere"),
    "arguments of a trace": (["build.json", "--concise"], "`buildtrace check --concise build.js"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_clear_line(cli, script, trace_of, name):
    script("print('ran')")
    trace_of(mlp3())
    arguments, says = BAD[name]
    result = cli("check", *arguments)
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("buildtrace: error: ")
    assert says in result.err
    assert result.err.count("\n") == 1


# -- for programs -------------------------------------------------------------------------------

NOISE = """
import atexit, os, sys
print("from the script")
os.system("echo from a child")
os.write(1, b"from below Python\\n")
sys.stdout = sys.__stdout__
atexit.register(print, "from the end")
"""


@pytest.mark.parametrize(("line", "code"), [(12, 0), (11, 1)])
def test_comments_are_heeded_when_the_script_is_gone(cli, trace_of, tmp_path, line, code):
    path = tmp_path / "model.py"
    lines = [f"x({n})" + "  # buildtrace: ignore[BT105]" * (n == line) for n in range(1, 20)]
    path.write_text("\n".join(lines))
    name = trace_of(replaced(str(path)))
    assert cli("check", name).code == code
    path.unlink()
    assert cli("check", name).code == code


@pytest.mark.parametrize("form", ["json", "sarif"])
def test_stdout_is_clean_whatever_the_script_writes(command, script, form):
    result = command("-m", "buildtrace", "check", "--format", form, script(NOISE))
    assert result.code == 0
    json.loads(result.out)
    for line in ("from the script", "from a child", "from below Python", "from the end"):
        assert f"{line}\n" in result.err


def test_annotations_are_clean_whatever_the_script_writes(command, script):
    result = command("-m", "buildtrace", "check", "--format", "github", script(NOISE))
    assert (result.code, result.out) == (0, "")


@pytest.mark.parametrize("form", ["text", "json"])
def test_without_a_stdout(command, script, form):
    code = "import sys; sys.stdout = None; from buildtrace.cli import main; sys.exit(main())"
    result = command("-c", code, "check", "--format", form, script("1 / 0"))
    assert (result.code, result.out) == (2, "")
    assert result.err.count("Traceback") == 1


def test_json(cli, trace_of, tmp_path):
    trace = replaced(str(tmp_path / "sub" / "model.py"))
    (made,) = json.loads(cli("check", "--format", "json", trace_of(trace)).out)
    assert LINE.endswith(made["message"])
    assert made["file"].replace("\\", "/") == "sub/model.py"
    assert (made["line"], made["code"], made["severity"]) == (12, "BT105", "error")
    assert made["fix"].splitlines() == [line[4:] for line in FIX[1:]]
    assert made["calls"] == [0, 4]
    assert json.loads(cli("check", "--format", "json", trace_of(mlp3())).out) == []


def test_annotations_of_github(cli, trace_of, found):
    found(
        finding("error", message="100 % of it\r\nfailed: a, b", fix="", title="a, b: c"),
        finding("warning", fix="one()\ntwo()", file="/a/b,c:d.py"),
        finding("note", line=None, fix=""),
    )
    assert cli("check", "--format", "github", trace_of(mlp3())).out.splitlines() == [
        "::error title=BT105 a%2C b%3A c,file=model.py,line=7::100 %25 of it%0D%0Afailed: a, b",
        "::warning title=BT105 a title,file=/a/b%2Cc%3Ad.py,line=7::It went wrong."
        "%0A%0Afix:%0Aone()%0Atwo()",
        "::notice title=BT105 a title::It went wrong.",
    ]


def test_files(cli, script, recorded, tmp_path):
    recorded(replaced(str(tmp_path / "model.py")))
    result = cli(
        *["check", "-o", "a.sarif", "-o", "b.json", "-o", "c.txt"], script("print('from it')")
    )
    assert result.code == 1
    assert result.out.startswith(f"from it\n{LINE}\n")
    assert json.loads((tmp_path / "a.sarif").read_text())["version"] == "2.1.0"
    assert json.loads((tmp_path / "b.json").read_text())[0]["code"] == "BT105"
    assert (tmp_path / "c.txt").read_text().startswith(f"{LINE}\n  fix:\n")
    names = [line.rpartition("/")[2] for line in result.err.splitlines()]
    assert names == ["a.sarif", "b.json", "c.txt"]


def test_a_format_makes_any_suffix_good(cli, trace_of, tmp_path):
    cli("check", "--format", "sarif", "-o", "x.log", trace_of(mlp3()))
    assert json.loads((tmp_path / "x.log").read_text())["version"] == "2.1.0"


def test_a_file_that_cannot_be_written_in_the_end(cli, script, recorded, tmp_path):
    recorded(mlp3())
    result = cli("check", "-o", "a.json", script("import os; os.mkdir('a.json')"))
    assert result.code == 2
    assert f"buildtrace: error: {tmp_path / 'a.json'} is not written: Is a directory" in result.err


@pytest.mark.skipif(sys.platform == "win32", reason="paths of this test")
def test_files_land_where_the_command_started(cli, script, recorded, tmp_path):
    recorded(replaced(str(tmp_path / "model.py")))
    (tmp_path / "sub").mkdir()
    result = cli("check", "-o", "a.json", script("import os; os.chdir('sub')"))
    assert (tmp_path / "a.json").is_file()
    assert result.out.startswith(f"{LINE}\n")
