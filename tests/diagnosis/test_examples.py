"""Each rule's examples: the bad one is found, the good one is well."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from operator import attrgetter

import pytest

from buildtrace.diagnosis import all_rules, diagnose
from buildtrace.diagnosis.rule import BOTH
from buildtrace.traces import trace_file
from diagnosis import expected_edits, scripts
from diagnosis.examples import (
    of_rule,
    on_each_generation,
    on_its_generations,
    on_the_newest,
    reported,
)

WITH_EDITS = [rule for rule in all_rules() if expected_edits.generation_of(rule)]


@on_its_generations
def test_the_bad_example_is_found_first(runner, rule, generation):
    ran = runner(generation).run(rule.bad)
    assert ran.trace.findings, f"nothing was found\n{ran.output}"
    first = ran.trace.findings[0]
    assert first.code == rule.code, reported(ran.trace)
    assert first.caller is not None
    assert first.caller.file == str(ran.path)
    assert 1 <= first.caller.line <= len(rule.bad.splitlines())


@on_its_generations
def test_the_good_example_is_well_and_can_be_saved(runner, rule, generation):
    ran = runner(generation).run(rule.good, save=True)
    assert ran.code == 0, ran.output
    assert reported(ran.trace) == []
    assert of_rule(ran.trace, rule) == []
    assert ran.problem == ""


@on_its_generations
def test_what_the_edits_change_in_the_bad_example(runner, rule, generation):
    first, *_ = of_rule(runner(generation).run(rule.bad).trace, rule)
    lines = expected_edits.lines_that_come(rule.bad, expected_edits.made(rule.bad, first))
    assert lines == expected_edits.come(generation, rule.code)


@pytest.mark.slow
@pytest.mark.parametrize("rule", WITH_EDITS, ids=attrgetter("code"))
def test_with_its_edits_the_bad_example_is_well(server, rule):
    """No wrong remedy."""
    generation = expected_edits.generation_of(rule)
    if not scripts.can_run(generation):
        pytest.skip(f"{generation} is not installed")
    first, *_ = of_rule(server(generation).run(rule.bad).trace, rule)
    ran = server(generation).run(expected_edits.made(rule.bad, first))
    assert ran.code == 0, ran.output
    assert of_rule(ran.trace, rule) == []
    assert reported(ran.trace) == []


@pytest.mark.parametrize("generation", BOTH)
def test_the_rule_keeps_to_its_generations(runner, generation):
    """On a generation or a backend that a rule is not for, its examples are not found by it."""
    codes = [
        rule.code
        for rule in all_rules()
        if generation not in rule.generations or rule.backend
        if not (rule.backend and generation == "keras2")
        if of_rule(runner(generation).run(rule.bad).trace, rule)
    ]
    assert codes == []


def bad_example(generation):
    """The first one that is for this generation."""
    for rule in all_rules():
        if generation in rule.generations and not rule.backend:
            return rule.bad
    return pytest.skip("no rule is for this generation")


@pytest.mark.slow
@on_each_generation
def test_a_saved_trace_has_the_same_findings(server, generation):
    trace = server(generation).run(bad_example(generation)).trace
    assert diagnose(trace) == trace.findings


@pytest.mark.slow
@on_the_newest
def test_a_forked_process_finds_what_one_of_its_own_does(server, generation, tmp_path):
    forked = server(generation).run(bad_example(generation))
    command = ["-m", "buildtrace", "--keras", generation[-1], "-o", str(tmp_path / "build.json")]
    subprocess.run(
        [sys.executable, *command, str(forked.path)],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(scripts.ROOT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=scripts.TIMEOUT,
    )
    assert trace_file.load(tmp_path / "build.json").findings == forked.trace.findings


@pytest.mark.slow
@on_the_newest
def test_scripts_can_be_run_without_fork(generation, tmp_path):
    """As it is done on Windows."""
    (tmp_path / "model.py").write_text(
        "from tensorflow import keras\n"
        "model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])\n"
    )
    request = {"script": str(tmp_path / "model.py"), "folder": str(tmp_path), "save": True}
    path = os.pathsep.join([str(scripts.ROOT), str(scripts.ROOT / "tests")])
    done = subprocess.run(
        [sys.executable, scripts.__file__, generation[-1], "once"],
        env=os.environ | {"PYTHONPATH": path},
        input=json.dumps(request),
        text=True,
        timeout=scripts.TIMEOUT,
    )
    assert done.returncode == 0
    assert trace_file.load(tmp_path / "build.json").calls
    saved = json.loads((tmp_path / "saved.json").read_text())
    assert saved == {"saved": ["model.weights.h5", "model.keras"], "problem": ""}
