"""The scripts that people stumble over: the right cause first, at the right line, on each Keras.

The scripts are no part of the project, what was recorded of them is.
"""

from __future__ import annotations

from functools import partial

import pytest

from buildtrace.diagnosis.rule import BOTH
from diagnosis.cases import FOLDER, TABLE, Expected, expected
from diagnosis.expected_edits import made
from diagnosis.scripts import installed

LONG = "93_thousand_layers"

on_each_generation = pytest.mark.parametrize("generation", BOTH)


def findings(ran):
    """Those that would fail a check; the notes if there is none of these."""
    alarms = [finding for finding in ran.trace.findings if finding.severity != "note"]
    return alarms or list(ran.trace.findings)


def differences(ran, wanted):
    """How the findings differ from what they have to be, in words."""
    reported = findings(ran)
    codes = tuple(finding.code for finding in reported if finding.severity != "note")
    if codes != wanted.codes:
        return [f"{', '.join(codes) or 'nothing'} in the place of {', '.join(wanted.codes)}"]
    if wanted.note and (not reported or reported[0].code != wanted.note):
        return [f"there is no note {wanted.note}"]
    if not codes and not wanted.note:
        return []
    first, text = reported[0], ran.source.splitlines()
    at = "" if first.caller is None else text[first.caller.line - 1]
    return [
        f"{wish!r} is not in {what}"
        for wish, what in ((wanted.line, at), (wanted.word, first.message), (wanted.fix, first.fix))
        if wish not in what
    ]


@on_each_generation
def test_the_cause_is_found(runner, generation):
    problems = [
        f"{case}: {difference}"
        for case in TABLE
        for difference in differences(case_on(runner, generation, case), expected(case, generation))
    ]
    assert not problems, "\n".join(problems)


@pytest.mark.skipif(not FOLDER.is_dir(), reason=f"there is no {FOLDER}")
@on_each_generation
def test_with_its_edits_a_case_is_python_still(runner, generation):
    """And another one than before, whichever lines a rule has found."""
    changed = set()
    for name in TABLE:
        text = (FOLDER / f"{name}.py").read_text()
        for finding in case_on(runner, generation, name).trace.findings:
            if finding.edits:
                assert made(text, finding) != text
                changed.add(finding.code)
    assert len(changed) > 5


def case_on(runner, generation, case):
    return runner(generation).run(FOLDER / f"{case}.py")


@pytest.mark.skipif(not FOLDER.is_dir(), reason=f"there is no {FOLDER}")
def test_there_is_a_script_for_each_row():
    assert [case for case in TABLE if not (FOLDER / f"{case}.py").exists()] == []


@pytest.mark.slow
@pytest.mark.parametrize("generation", installed())
def test_other_scripts_can_be_traced(server, generation):
    """No rule is expected to find something in them, yet."""
    for path in sorted(FOLDER.glob("*.py")):
        if path.stem not in (*TABLE, LONG):
            assert server(generation).run(path).source == path.read_text()


@pytest.mark.slow
@pytest.mark.parametrize("generation", installed())
def test_a_thousand_layers(server, generation):
    """It is run anew each time: a recorded run of so many calls would be read in every other."""
    ran = server(generation).run(FOLDER / f"{LONG}.py")
    wanted = Expected(("BT405",), "keras.Sequential(", "layer in a row", "sys.setrecursionlimit(")
    assert differences(ran, wanted) == []


@on_each_generation
def test_differences_are_reported(runner, generation):
    """The comparison itself can fail."""
    ran = case_on(runner, generation, "01_summary_before_build")
    compared = partial(differences, ran)
    wanted = expected("01_summary_before_build", generation)
    assert compared(wanted) == []
    assert compared(wanted._replace(codes=("BT999",))) == ["BT101 in the place of BT999"]
    assert compared(wanted._replace(line="model.fit()"))
    assert compared(wanted._replace(word="'another'"))
    assert compared(wanted._replace(fix="something else"))
