"""The action for GitHub: its steps run here as they stand, on traces and on a real script."""

import json
import re
import subprocess
import sys
from pathlib import Path

import composite_action
import pytest
from made_traces import failing, mlp3, replaced

pytest.importorskip("yaml", reason="pip install pyyaml")

STUB = """\
#!/usr/bin/env bash
# Stands for buildtrace: writes down its arguments, and a log with results of the given levels.
printf '%s\\n' "$@" >> {folder}/arguments
while [ $# -gt 0 ]; do
  if [ "$1" = -o ]; then printf '%s' '{log}' > "$2"; shift; fi
  shift
done
exit {code}
"""
TRAIN = """\
import keras

model = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(3, name="head")])
model.compile(keras.optimizers.Adam(lr=0.1), "mse")
"""
LINE = 4
"""Where Keras 3 does not take an argument of Keras 2."""


@pytest.fixture
def checkout(tmp_path):
    folder = tmp_path / "check out"
    folder.mkdir()
    return folder


@pytest.fixture
def action(checkout, tmp_path):
    """Run the action in the checkout, with the command of this project."""
    composite_action.command(tmp_path / "bin", "buildtrace", "buildtrace")

    def run(**inputs):
        return composite_action.run(checkout, tmp_path / "bin", install="false", **inputs)

    return run


@pytest.fixture
def stub(checkout, tmp_path):
    """Run it with a command that finds so many errors, warnings and notes; gives its arguments."""

    def run(code=0, levels=(), **inputs):
        commands = tmp_path / "bin"
        commands.mkdir()
        log = json.dumps({"runs": [{"results": [{"level": level} for level in levels]}]})
        text = STUB.format(folder=f"'{tmp_path}'", log=log, code=code)
        (commands / "buildtrace").write_text(text, encoding="utf-8")
        (commands / "buildtrace").chmod(0o755)
        job = composite_action.run(checkout, commands, install="false", **inputs)
        said = tmp_path / "arguments"
        return job, said.read_text(encoding="utf-8").splitlines() if said.exists() else []

    return run


def test_findings_are_annotations_and_sarif_and_a_summary(action, checkout):
    replaced(str(checkout / "net.py")).save(str(checkout / "build.json"))
    job = action(paths="build.json", sarif="out/a findings.sarif")
    assert (job.code, job.outputs["errors"], job.outputs["warnings"]) == (1, "1", "0")
    assert re.search(rf"::error title=BT105 [^,]*,file={checkout / 'net.py'},line=12::", job.log)
    log = json.loads((checkout / job.outputs["sarif"]).read_text(encoding="utf-8"))
    assert [result["ruleId"] for result in log["runs"][0]["results"]] == ["BT105"]
    assert job.summary.startswith("### buildtrace: found 1 problem in 0 models")
    assert "net.py:12" in job.summary


@pytest.mark.parametrize("name", ["build.json", "build.json.gz"])
def test_nothing_is_wrong(action, checkout, name):
    mlp3().save(str(checkout / name))
    job = action(paths=name)
    assert (job.code, job.outputs["errors"], job.outputs["fits"]) == (0, "0", "")
    assert (checkout / "buildtrace.sarif").exists()
    assert job.summary.startswith("### buildtrace: no problems found")
    assert job.ran == ["Check", "Decide"]


def test_a_script_that_failed_is_an_error(action, checkout):
    failing().save(str(checkout / "build.json"))
    job = action(paths="build.json", fail_on="error")
    assert (job.code, job.outputs["errors"]) == (1, "1")
    assert "units must be positive" in job.summary


@pytest.mark.parametrize(
    ("inputs", "says"),
    [
        ({"paths": "gone.py"}, "gone.py"),
        ({"paths": "build.json", "select": "BT0"}, "BT0"),
        ({"paths": "build.json", "keras": "4"}, "--keras"),
        ({"paths": "build.json", "sarif": "build.json/x.sarif"}, "build.json"),
    ],
)
def test_a_request_that_makes_no_sense_always_fails(action, checkout, inputs, says):
    mlp3().save(str(checkout / "build.json"))
    job = action(fail_on="never", **inputs)
    assert (job.code, job.ran) == (2, ["Check"])
    assert says in job.log


def test_findings_of_an_earlier_run_are_not_taken_for_those_of_this_one(action, checkout):
    (checkout / "buildtrace.sarif").write_text('{"runs": []}', encoding="utf-8")
    assert action(paths="gone.py", fail_on="never").code == 2
    assert not (checkout / "buildtrace.sarif").exists()


def test_a_plan_that_fits_and_one_that_does_not(action, checkout):
    mlp3().save(str(checkout / "build.json"))
    job = action(paths="", plan="build.json\nbuild.json", device_memory="1MiB")
    assert (job.code, job.outputs["fits"], job.ran) == (1, "false", ["Check", "Plan", "Decide"])
    assert job.summary.count("### buildtrace: the plan") == 2
    assert re.search(r"^ {4}.*1.* MiB", job.summary, flags=re.MULTILINE)
    assert "does not fit" in job.log


def test_a_plan_that_fits(action, checkout):
    mlp3().save(str(checkout / "build.json"))
    job = action(paths="", plan="build.json", device_memory="1GiB")
    assert (job.code, job.outputs["fits"]) == (0, "true")


def test_what_cannot_be_planned_fails(action, checkout):
    job = action(paths="", plan="gone.py", fail_on="never")
    assert (job.code, job.outputs["fits"]) == (2, "")


@pytest.mark.parametrize(
    ("fail_on", "levels", "code"),
    [
        *(("warning", levels, code) for levels, code in [("", 0), ("n", 0), ("w", 1), ("nwe", 1)]),
        *(("error", levels, code) for levels, code in [("", 0), ("nww", 0), ("we", 1)]),
        *(("never", levels, 0) for levels in ("", "wwe")),
    ],
)
def test_what_fails_the_job(stub, fail_on, levels, code):
    names = {"n": "note", "w": "warning", "e": "error"}
    job, _ = stub(1 if {*levels} - {"n"} else 0, map(names.get, levels), fail_on=fail_on)
    assert job.code == code
    assert (job.outputs["errors"], job.outputs["warnings"]) == (
        str(levels.count("e")),
        str(levels.count("w")),
    )


def test_an_unknown_fail_on_runs_nothing(stub):
    job, arguments = stub(fail_on="errors")
    assert (job.code, arguments) == (2, [])
    assert "::error::fail-on is one of warning, error and never" in job.log


def test_a_module_of_the_project_is_not_imported_for_one_of_pythons(stub, checkout):
    (checkout / "json.py").write_text("raise SystemExit('not for you')")
    job, _ = stub(1, ["error"])
    assert (job.code, job.outputs["errors"]) == (1, "1")


def test_a_command_that_died_fails_whatever_it_had_found(stub):
    job, _ = stub(139, ["note"], fail_on="never")
    assert job.code == 139


def test_inputs_become_options(stub):
    _, arguments = stub(
        paths="src/a model.py\n\nexamples\n",
        keras="3",
        select="BT1",
        ignore="BT105",
        baseline="known.json",
        since="origin/main",
        timeout="60",
        sarif="x.sarif",
    )
    options, targets = arguments[: arguments.index("--")], arguments[arguments.index("--") + 1 :]
    assert targets == ["src/a model.py", "examples"]
    named = dict(zip(options[2::2], options[3::2], strict=True))
    assert options[:6] == ["check", "--each", "--format", "github", "-o", "x.sarif"]
    assert {name: named[name] for name in named if name not in ("-o", "--format")} == {
        "--keras": "3",
        "--select": "BT1",
        "--ignore": "BT105",
        "--baseline": "known.json",
        "--since": "origin/main",
        "--timeout": "60",
    }


def test_the_arguments_of_a_script(stub):
    _, arguments = stub(paths="train.py", arguments="--epochs\n3\nall of it\n\n")
    assert arguments[arguments.index("--") + 1 :] == ["train.py", "--epochs", "3", "all of it"]
    assert "--each" not in arguments


def test_no_input_is_run_as_code(stub, checkout):
    action = composite_action.load()
    names = action["inputs"].keys() - {"install", "fail-on", "sarif"}
    hostile = {
        name: f"{name} $(touch pwned)`touch pwned`'\"; touch pwned; exit 3 #" for name in names
    }
    job, arguments = stub(**{name.replace("-", "_"): text for name, text in hostile.items()})
    assert set(hostile.values()) <= set(arguments)
    assert (job.code, list(checkout.glob("pwned"))) == (0, [])
    for step in action["runs"]["steps"]:
        assert "${{" not in step["run"]


def test_each_input_is_used_and_each_one_used_is_an_input():
    action = composite_action.load()
    used = set(re.findall(r"inputs\.([\w-]+)", composite_action.FILE.read_text(encoding="utf-8")))
    assert used == action["inputs"].keys()
    for step in action["runs"]["steps"]:
        variables = set(re.findall(r"\bINPUT_\w+", step["run"]))
        assert variables == {name for name in step.get("env", {}) if name.startswith("INPUT_")}


@pytest.mark.parametrize(("install", "folder"), [("true", ""), ("core", "core")])
def test_it_installs_the_buildtrace_that_it_is_part_of(checkout, tmp_path, install, folder):
    (tmp_path / "bin").mkdir()
    said = tmp_path / "said"
    python = tmp_path / "bin" / "python"
    python.write_text(f"#!/bin/sh\nprintf '%s\\n' \"$@\" > '{said}'\nexit 3\n", encoding="utf-8")
    python.chmod(0o755)
    job = composite_action.run(checkout, tmp_path / "bin", paths="x.py", install=install)
    assert (job.code, job.ran) == (3, ["Install buildtrace"])
    said = said.read_text(encoding="utf-8").splitlines()
    assert said[:3] == ["-m", "pip", "install"]
    assert Path(said[-1]) == composite_action.ROOT / folder
    assert (Path(said[-1]) / "pyproject.toml").exists()


@pytest.mark.slow
def test_a_real_project(action, checkout):
    (checkout / "src").mkdir()
    (checkout / "src" / "train.py").write_text(TRAIN, encoding="utf-8")
    sound = TRAIN.replace("lr=", "learning_rate=")
    (checkout / "src" / "sound.py").write_text(sound, encoding="utf-8")
    (checkout / "src" / "tools.py").write_text("raise SystemExit('no script')\n", encoding="utf-8")
    job = action(plan="src/sound.py", device_memory="8GiB", optimizer="adam")
    log = json.loads((checkout / job.outputs["sarif"]).read_text(encoding="utf-8"))
    (result,) = [result for run in log["runs"] for result in run["results"]]
    (place,) = result["locations"]
    assert place["physicalLocation"]["artifactLocation"]["uri"] == "src/train.py"
    assert place["physicalLocation"]["region"]["startLine"] == LINE
    assert f"file={checkout / 'src' / 'train.py'},line={LINE}::" in job.log
    assert f"src/train.py:{LINE}" in job.summary
    assert (job.code, job.outputs["fits"]) == (1, "true")
    assert "### buildtrace: the plan" in job.summary


@pytest.mark.slow
def test_it_is_what_github_takes_for_an_action():
    pytest.importorskip("check_jsonschema", reason='pip install ".[ci]"')
    from check_jsonschema import main

    with pytest.raises(SystemExit) as end:
        main(["--builtin-schema", "vendor.github-actions", str(composite_action.FILE)])
    assert end.value.code == 0


PAGE = composite_action.ROOT / "docs" / "ci.md"


def documents():
    """The blocks of YAML on the page, each with what it says."""
    import yaml

    blocks = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    return [(block, yaml.safe_load(block)) for block in blocks]


def test_the_page_has_all_inputs_with_their_defaults_and_all_outputs():
    action = composite_action.load()
    prose = PAGE.read_text(encoding="utf-8")
    inputs = prose.partition("| input |")[2].partition("\n\n")[0]
    told = {}
    for names, default in re.findall(r"^\| (`.*?`) \| (.*?)\|", inputs, flags=re.MULTILINE):
        told |= dict.fromkeys(re.findall(r"`(.*?)`", names), default.strip(" `"))
    assert told == {name: about["default"] for name, about in action["inputs"].items()}
    outputs = prose.partition("| output |")[2].partition("\n\n")[0]
    told = {
        name for row in re.findall(r"^\| (`.*?`) \|", outputs, re.M) for name in row.split(", ")
    }
    assert told == {f"`{name}`" for name in action["outputs"]}


def test_workflows_on_the_page_give_inputs_that_there_are():
    inputs = composite_action.load()["inputs"].keys()
    jobs = [job for _, said in documents() for job in said.get("jobs", {}).values()]
    given = [
        step["with"].keys()
        for job in jobs
        for step in job["steps"]
        if "/buildtrace@" in step.get("uses", "")
    ]
    assert len(given) == 2
    assert all(names <= inputs for names in given)


def test_hooks_on_the_page_are_those_that_there_are():
    import yaml

    hooks = yaml.safe_load((composite_action.ROOT / ".pre-commit-hooks.yaml").read_bytes())
    used = {
        hook["id"]
        for _, said in documents()
        for repository in said.get("repos", [])
        for hook in repository["hooks"]
    }
    assert used
    assert used <= {hook["id"] for hook in hooks}
    assert all(hook["id"] in PAGE.read_text(encoding="utf-8") for hook in hooks)


SCHEMAS = {"jobs": "github-workflows", "buildtrace": "gitlab-ci"}


@pytest.mark.slow
def test_what_is_on_the_page_is_what_the_services_take(tmp_path):
    pytest.importorskip("check_jsonschema", reason='pip install ".[ci]"')
    pytest.importorskip("pre_commit", reason='pip install ".[ci]"')
    file, validated = tmp_path / "file.yaml", []
    for block, said in documents():
        file.write_text(block, encoding="utf-8")
        (what,) = {"jobs", "buildtrace", "repos"} & said.keys()
        command = ["check_jsonschema", "--builtin-schema", f"vendor.{SCHEMAS.get(what)}"]
        command = ["pre_commit", "validate-config"] if what == "repos" else command
        done = subprocess.run(
            [sys.executable, "-m", *command, file], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        validated.append(what)
    assert validated.count("jobs") == 2
    assert set(validated) == {"jobs", "buildtrace", "repos"}
