"""The scripts that people stumble over: the right cause first, at the right line, on each Keras.

They are not part of the project: without them there is nothing to test. The run prints a table.
"""

from __future__ import annotations

import sys
from functools import partial

import pytest

from diagnosis import scripts
from diagnosis.cases import FOLDER, TABLE, expected

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not FOLDER.is_dir(), reason=f"there is no {FOLDER}"),
    pytest.mark.skipif(not scripts.installed(), reason="TensorFlow is not installed"),
]


def findings(ran):
    """Those that would fail a check; the notes if there is none of these."""
    found = ran.trace.findings
    return [finding for finding in found if finding.severity != "note"] or list(found)


def differences(ran, wanted):
    """How the findings differ from what they have to be, in words."""
    found = findings(ran)
    codes = tuple(finding.code for finding in found if finding.severity != "note")
    if codes != wanted.codes:
        return [f"{', '.join(codes) or 'nothing'} in the place of {', '.join(wanted.codes)}"]
    if wanted.note and (not found or found[0].code != wanted.note):
        return [f"there is no note {wanted.note}"]
    if not codes and not wanted.note:
        return []
    first, text = found[0], ran.path.read_text().splitlines()
    at = "" if first.caller is None else text[first.caller.line - 1]
    return [
        f"{wish!r} is not in {what}"
        for wish, what in ((wanted.line, at), (wanted.word, first.message), (wanted.fix, first.fix))
        if wish not in what
    ]


def row(case, generation, ran):
    """One line of the table, and what is wrong with it."""
    wanted = expected(case, generation)
    wrong = [] if wanted is None else differences(ran, wanted)
    first = next(iter(findings(ran)), None)
    line = first.caller.line if first and first.caller else ""
    says = first.message if first else ""
    verdict = "open" if wanted is None else "wrong" if wrong else "ok"
    codes = " ".join(finding.code for finding in findings(ran)) or "-"
    text = f"{verdict:6}{case[:40]:42}{generation:8}{codes:13}{line:4}  {says[:90]}"
    return text, [f"{case} on {generation}: {problem}" for problem in wrong]


def test_the_cause_is_found(server, capsys):
    table, wrong = [], []
    for path in sorted(FOLDER.glob("*.py")):
        for generation in scripts.installed():
            text, problems = row(path.stem, generation, server(generation).run(path))
            table.append(text)
            wrong += problems
    with capsys.disabled():  # stderr: the one of pytest-xdist's workers is seen as well
        sys.stderr.write("\n".join(["", *table, ""]))
    assert not wrong, "\n".join(wrong)


def test_there_is_a_script_for_each_row():
    assert [case for case in TABLE if not (FOLDER / f"{case}.py").exists()] == []


def test_differences_are_told(server):
    """The comparison itself can fail."""
    generation = scripts.installed()[-1]
    ran = server(generation).run(FOLDER / "01_summary_before_build.py")
    told = partial(differences, ran)
    wanted = expected("01_summary_before_build", generation)
    assert told(wanted) == []
    assert told(wanted._replace(codes=("BT999",))) == ["BT101 in the place of BT999"]
    assert told(wanted._replace(line="model.fit()"))
    assert told(wanted._replace(word="'another'"))
    assert told(wanted._replace(fix="something else"))
