"""`buildtrace check FOLDER`, from the arguments to the report. What runs is not the matter here."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from made_traces import mlp3, replaced

from buildtrace.cli.check_formats import FORMATS
from buildtrace.cli.repository import check_several
from buildtrace.cli.repository.child import RunRecord
from buildtrace.cli.repository.script_runs import ScriptRun
from buildtrace.traces.schema import ErrorInfo, SourceLine

BUILDS = "import keras\nkeras.Input((3,))\n"
DEFINES = "import keras\ndef make():\n    return keras.Input((3,))\n"
SUMMARY = "`buildtrace explain BT105` says why."


@pytest.fixture
def ran(monkeypatch):
    """What comes of each script, by its name; and a list of those that ran.

    Of one that is not named, a build in which nothing is wrong.
    """

    class Ran(list):
        def __init__(self):
            self.outcomes = {}

        def __call__(self, works, jobs, timeout, tell):
            for work in works:
                self.append(work)
                outcome = self.outcomes.get(work.path.stem, lambda _: {})(work)
                if outcome is KeyboardInterrupt:
                    raise KeyboardInterrupt
                files = (str(work.path),)
                default = {"record": RunRecord(0, stopped=True, files=files), "trace": mlp3()}
                yield ScriptRun(work, **{**default, "started": time.time() + 1, **outcome})

    ran = Ran()
    monkeypatch.setattr(check_several, "run_all", ran)
    return ran


def faulty(file="", line=12):
    """A run in which a layer was built twice, at a line of a file."""

    def outcome(work):
        return {"trace": replaced(str(work.path.with_name(file) if file else work.path))}

    return outcome


def failing(work):
    line = SourceLine(file=str(work.path), line=2)
    error = ErrorInfo(type="FileNotFoundError", message="no file data.csv", lines=(line,))
    return {
        "record": RunRecord(1),
        "trace": mlp3().__class__(error=error),
        "output": ("Traceback",),
    }


def hanging(work):
    return {
        "record": None,
        "trace": None,
        "problem": "did not end in 9 seconds, and was ended here",
        "output": ("waiting for a server",),
    }


def interrupted(work):
    return KeyboardInterrupt


def names(ran):
    return [work.program.target for work in ran]


# -- what runs ------------------------------------------------------------------------------------


def test_the_scripts_of_a_folder_run_and_the_others_are_named(cli, project, ran):
    project(train=BUILDS, net=DEFINES, tool="import json", examples__in__deep=BUILDS)
    result = cli("check", ".")
    assert (result.code, result.err) == (0, "")
    assert names(ran) == ["examples/deep.py", "train.py"]
    assert result.out.splitlines() == [
        "Not run:",
        "  net.py  defines models or layers, and builds none when it is run",
        "",
        "No problems found in 2 scripts of 4 files, with 2 models",
    ]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["examples"], ["examples/b.py"]),
        (["examples", "a.py"], ["a.py", "examples/b.py"]),
        (["*.py"], ["a.py", "c.py"]),
        (["--each", "a.py", "c.py"], ["a.py", "c.py"]),
        (["--each", "a.py"], ["a.py"]),
        (["--each"], ["a.py", "c.py", "examples/b.py"]),
        (["--each", "--", "a.py", "examples"], ["a.py", "examples/b.py"]),
    ],
)
def test_what_arguments_stand_for(cli, project, ran, arguments, expected):
    project(a=BUILDS, c=BUILDS, examples__in__b=BUILDS)
    assert cli("check", *arguments).code == 0
    assert names(ran) == expected


def test_behind_a_script_stand_its_arguments(cli, script, recording, ran):
    script(BUILDS, "other.py")
    name = script("import sys\nassert sys.argv[1:] == ['other.py', '--since', 'x']\n")
    result = cli("check", name, "other.py", "--since", "x")
    assert (result.code, names(ran)) == (0, [])
    hint = f"buildtrace: {name} runs with the argument other.py: --each checks each of them\n"
    assert hint not in result.err  # it has other arguments as well
    script("import sys\nassert sys.argv[1:] == ['other.py']\n")
    assert hint in cli("check", name, "other.py").err


def test_a_folder_that_is_a_program_runs_as_one(cli, script, recording, ran):
    script("import sys\nassert sys.argv[1:] == ['x']\n", "app/__main__.py")
    assert cli("check", "app", "x").code == 0
    assert names(ran) == []
    assert cli("check", "--each", "app").code == 0


def test_options_reach_the_scripts(cli, project, ran, monkeypatch):
    seen = {}

    def run_all(works, jobs, timeout, tell):
        seen.update(jobs=jobs, timeout=timeout)
        return ran(works, jobs, timeout, tell)

    monkeypatch.setattr(check_several, "run_all", run_all)
    folder = project(train=BUILDS, args=BUILDS)
    (folder / "pyproject.toml").write_text(
        '[tool.buildtrace]\nkeras = "2"\njobs = 3\ntimeout = 4.5\nexclude = ["none"]\n'
        '[tool.buildtrace.arguments]\n"args.py" = ["--epochs", "1"]'
    )
    cli("check", "--train", ".")
    assert seen == {"jobs": 3, "timeout": 4.5}
    assert [work.program.keras for work in ran] == ["2", "2"]
    assert {work.program.no_train for work in ran} == {""}
    assert [work.program.arguments for work in ran] == [("--epochs", "1"), ()]
    cli("check", "--jobs", "2", "--timeout", "7", "--keras", "3", "--no-cache", ".")
    assert seen == {"jobs": 2, "timeout": 7.0}
    assert {work.program.keras for work in ran[2:]} == {"3"}
    assert {work.program.no_train for work in ran[2:]} == {"end"}


def test_settings_include_and_exclude(cli, project, ran):
    folder = project(a=BUILDS, old__in__b=BUILDS, examples__in__c=BUILDS, examples__in__d=BUILDS)
    settings = folder / "pyproject.toml"
    settings.write_text('[tool.buildtrace]\nexclude = ["old", "d.py"]')
    cli("check", ".")
    assert names(ran) == ["a.py", "examples/c.py"]
    ran.clear()
    settings.write_text('[tool.buildtrace]\ninclude = ["examples/*.py"]\nexclude = ["d.py"]')
    cli("check", "--no-cache", ".")
    assert names(ran) == ["examples/c.py"]


# -- the report -----------------------------------------------------------------------------------


def test_findings_stand_by_their_files(cli, project, ran):
    project(a=BUILDS, z=BUILDS, sub__in__m=BUILDS)
    ran.outcomes = {"a": faulty(), "z": faulty(), "m": faulty()}
    result = cli("check", "--concise", ".")
    assert (result.code, result.err) == (1, "")
    starts = [line.partition(" error:")[0] for line in result.out.splitlines()]
    assert starts[:3] == ["a.py:12: BT105", "sub/m.py:12: BT105", "z.py:12: BT105"]
    assert result.out.splitlines()[3:] == [
        "Found 3 problems in 3 scripts of 3 files, with 0 models"
    ]
    assert cli("check", ".").out.splitlines()[-1] == SUMMARY


def test_the_same_finding_of_two_scripts_is_told_once(cli, project, ran):
    project(a=BUILDS, b=BUILDS, c=BUILDS, shared=DEFINES)
    ran.outcomes = {"a": faulty("shared.py"), "b": faulty("shared.py"), "c": faulty("c.py")}
    lines = cli("check", "--concise", ".").out.splitlines()
    assert [line.partition(":")[0] for line in lines[:2]] == ["c.py", "shared.py"]
    assert lines[1].endswith(" It was reached from a.py and b.py.")
    assert "reached" not in lines[0]
    assert lines[-1].startswith("Found 2 problems in 3 scripts")


def test_scripts_that_fail_are_told_and_make_it_fail(cli, project, ran):
    project(a=BUILDS, b=BUILDS, c=BUILDS)
    ran.outcomes = {"a": failing, "b": hanging}
    result = cli("check", ".")
    assert (result.code, result.err) == (2, "")
    assert result.out.splitlines() == [
        "a.py:2: failure error: FileNotFoundError: no file data.csv",
        "",
        "b.py:1: failure error: the script did not end in 9 seconds, and was ended here.",
        "  | waiting for a server",
        "",
        "No problems found in 3 scripts of 3 files, with 1 model",
        "2 scripts failed, or did not end",
    ]
    ran.outcomes["c"] = faulty()
    assert cli("check", "--no-cache", ".").code == 1


def test_a_file_that_is_no_python_makes_it_fail(cli, project, ran):
    project(a="import keras\nprint 1")
    result = cli("check", ".")
    assert result.code == 2
    assert result.out.startswith("a.py:2: failure error: the script is no Python: ")


def test_an_interrupt_shows_what_there_is(cli, project, ran):
    project(a=BUILDS, b=BUILDS, c=BUILDS)
    ran.outcomes = {"a": faulty(), "b": interrupted}
    result = cli("check", "--concise", ".")
    assert result.code == -signal.SIGINT
    assert "interrupted: not all scripts have run" in result.err
    assert result.out.splitlines()[0].startswith("a.py:12: BT105 error: ")
    assert "  b.py  has not run" in result.out
    assert "  c.py  has not run" in result.out


def test_names_that_a_terminal_would_obey_are_made_safe(cli, project, ran):
    folder = project()
    (folder / "[bold]\x1b[31m.py").write_text(BUILDS)
    (folder / "<script>.py").write_text(DEFINES)
    ran.outcomes = {"[bold]\x1b[31m": failing}
    out = cli("check", ".").out
    assert "\x1b" not in out
    assert "[bold]" in out
    assert "<script>.py" in out


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="names are Unicode there")
@pytest.mark.parametrize("form", FORMATS)
def test_names_that_are_no_text(cli, project, ran, form):
    folder = project()
    for name in (b"\xff.py", b"\xfe.py", b"a\nb.py"):
        (folder / os.fsdecode(name)).write_text(BUILDS if name != b"\xfe.py" else "import keras\n(")
    ran.outcomes = {os.fsdecode(b"\xff"): faulty()}
    options = ("check", "--format", form, "--baseline", "known.json")
    result = cli(*options, "--update-baseline", ".")
    assert (result.code, "a fault of buildtrace" in result.err) == (0, False)
    assert cli(*options, ".").code == 0
    result = cli("check", "--format", form, ".")
    assert (result.code, "a fault of buildtrace" in result.err) == (1, False)


@pytest.mark.parametrize("form", ["json", "gitlab"])
def test_lists_are_one_list(cli, project, ran, form):
    project(a=BUILDS, b=BUILDS, c=BUILDS, net=DEFINES)
    ran.outcomes = {"a": faulty(), "b": failing}
    result = cli("check", "--format", form, ".")
    assert result.code == 1
    assert len(json.loads(result.out)) == 2
    assert "net.py  defines models" in result.err
    assert "Found 1 problem in 3 scripts" in result.err
    ran.outcomes = {}
    assert json.loads(cli("check", "--format", form, "--no-cache", ".").out) == []


def test_json_names_the_files(cli, project, ran):
    project(a=BUILDS, b=BUILDS, sub__in__c=BUILDS)
    ran.outcomes = {"a": faulty(), "b": failing, "c": hanging}
    entries = json.loads(cli("check", "--format", "json", ".").out)
    assert [(e["code"], e["file"], e["line"]) for e in entries] == [
        ("BT105", "a.py", 12),
        ("failure", "b.py", 2),
        ("failure", "sub/c.py", 1),
    ]
    assert entries[2]["title"] == "The program did not come to its end"


def test_sarif_is_one_run(cli, project, ran):
    folder = project(a=BUILDS, b=BUILDS, c=BUILDS, net=DEFINES)
    ran.outcomes = {"a": faulty(), "b": faulty(), "c": failing}
    cli("check", "-o", "out.sarif", ".")
    (run,) = json.loads((folder / "out.sarif").read_text())["runs"]
    assert [result["ruleId"] for result in run["results"]] == ["BT105", "BT105", "failure"]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["BT105", "failure"]
    (invocation,) = run["invocations"]
    assert invocation["executionSuccessful"] is False
    (note,) = invocation["toolExecutionNotifications"]
    assert note["level"] == "note"
    assert note["message"]["text"].startswith("net.py: defines models")
    known_by = [result["partialFingerprints"]["buildtrace/v1"] for result in run["results"][:2]]
    assert len(set(known_by)) == 2


def test_sarif_of_nothing_is_a_whole_log(cli, project, ran):
    project(net=DEFINES)
    result = cli("check", "--format", "sarif", ".")
    (run,) = json.loads(result.out)["runs"]
    assert (result.code, run["results"]) == (0, [])
    assert run["invocations"][0]["executionSuccessful"] is True


def test_github_and_markdown(cli, project, ran):
    project(a=BUILDS, b=BUILDS)
    ran.outcomes = {"a": faulty(), "b": failing}
    lines = cli("check", "--format", "github", ".").out.splitlines()
    assert [line.partition(" ")[0] for line in lines] == ["::error", "::error"]
    text = cli("check", "--format", "markdown", ".").out
    assert text.count("\n| ❌ error |") == 2
    assert "### buildtrace: found 1 problem in 2 scripts of 2 files" in text


def test_a_file_that_cannot_be_written_is_told_before_anything_runs(cli, project, ran):
    project(a=BUILDS)
    result = cli("check", "-o", "none/out.sarif", ".")
    assert (result.code, names(ran)) == (2, [])
    assert len(result.err.splitlines()) == 1


# -- what has not changed -------------------------------------------------------------------------


def test_unchanged_scripts_do_not_run_again(cli, project, ran):
    folder = project(a=BUILDS, b=BUILDS)
    ran.outcomes = {"a": faulty()}
    first = cli("check", ".")
    assert (folder / ".buildtrace_cache" / "CACHEDIR.TAG").exists()
    ran.clear()
    second = cli("check", ".")
    assert (first.code, second.code, names(ran)) == (1, 1, [])
    kept = "2 results of earlier runs, unchanged since"
    assert [line for line in second.out.splitlines() if line != kept] == first.out.splitlines()
    (folder / "b.py").write_text(f"{BUILDS}\n")
    third = cli("check", ".")
    assert names(ran) == ["b.py"]
    assert "1 result of earlier runs, unchanged since" in third.out
    ran.clear()
    cli("check", "--no-cache", ".")
    assert names(ran) == ["a.py", "b.py"]


def test_what_is_reported_is_asked_anew(cli, project, ran):
    folder = project(a=BUILDS)
    ran.outcomes = {"a": faulty()}
    assert cli("check", ".").code == 1
    ran.clear()
    assert cli("check", "--ignore", "BT105", ".").code == 0
    (folder / "pyproject.toml").write_text('[tool.buildtrace]\nignore = ["BT1"]')
    assert cli("check", ".").code == 0
    assert names(ran) == []


def test_the_cache_lies_beside_the_settings_or_where_one_says(cli, project, ran):
    folder = project(sub__in__a=BUILDS)
    (folder / "pyproject.toml").touch()
    cli("check", "sub")
    assert (folder / ".buildtrace_cache").is_dir()
    cli("check", "--cache-dir", "elsewhere/deep", "sub")
    assert (folder / "elsewhere" / "deep" / "CACHEDIR.TAG").exists()


# -- what has changed -----------------------------------------------------------------------------


@pytest.fixture
def committed(project):
    folder = project(
        a="import net\nnet.make()",
        b=BUILDS,
        c=BUILDS,
        d="import data\n" + BUILDS,
        net=DEFINES,
        data="",
    )
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "-c", "user.name=n", "-c", "user.email=e@x.org", "commit", "-qm", "first")
    return folder


def git(folder, *arguments):
    subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)


def test_only_what_has_changed_since_a_commit(cli, committed, ran):
    result = cli("check", "--since", "HEAD", ".")
    assert (result.code, names(ran)) == (0, [])
    assert result.out == "No problems found in 0 scripts of 0 files, with 0 models\n"
    (committed / "c.py").write_text(f"{BUILDS}\n")
    (committed / "new.py").write_text(BUILDS)
    cli("check", "--since", "HEAD", ".")
    assert names(ran) == ["c.py", "new.py"]


def test_a_module_that_has_changed_changes_who_imports_it(cli, committed, ran):
    (committed / "net.py").write_text(f"{DEFINES}\n")
    cli("check", "--since", "HEAD")
    assert names(ran) == ["a.py"]


def test_a_module_that_is_gone_changes_who_imports_it(cli, committed, ran):
    (committed / "data.py").unlink()
    cli("check", "--since", "HEAD")
    assert names(ran) == ["d.py"]


@pytest.mark.parametrize("revision", ["none", "", "-x"])
def test_an_unknown_commit(cli, committed, ran, revision):
    result = cli("check", f"--since={revision}", ".")
    assert result.code == 2
    assert result.err == (f"buildtrace: error: --since {revision}: git knows no such commit here\n")


def test_since_outside_of_git(cli, project, ran):
    project(a=BUILDS)
    result = cli("check", "--since", "HEAD", ".")
    assert result.code == 2
    assert "is in no work tree of git" in result.err
    assert names(ran) == []
