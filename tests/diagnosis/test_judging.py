"""What is said of a run with edits, beside the run without them."""

from __future__ import annotations

import msgspec
import pytest
from made_traces import Recording, mlp3

from buildtrace.diagnosis.judging import ProgramRun, judged
from buildtrace.traces.schema import Edit, Finding
from diagnosis.hand import FILE, error, line

# A line is put before line 3, and a word changed in line 5.
EDITS = (
    Edit(file=FILE, line=3, column=0, end_line=3, end_column=0, text="x = 1\n"),
    Edit(file=FILE, line=5, column=2, end_line=5, end_column=3, text="y"),
)


def finding(number, code="BT105", severity="error", calls=()):
    at = None if number is None else line(number)
    return Finding(
        code=code, severity=severity, message="m", why="w", fix="f", caller=at, calls=calls
    )


def run(*findings, failed=None, calls=True, complete=None):
    """A run with these findings, and an exception that ended it."""
    trace = msgspec.structs.replace(mlp3() if calls else Recording().trace(), findings=findings)
    trace = msgspec.structs.replace(trace, error=failed)
    return ProgramRun(trace, failed is None if complete is None else complete)


def outcome(before, after):
    trial = judged(before.trace.findings[0], EDITS, before, after)
    return trial.outcome, trial.message, trial.caller and trial.caller.line


OTHER = error("TypeError", "another", 9)
FIRST = error("ValueError", "the first", 6)


def test_it_goes_through_if_the_finding_is_gone():
    assert outcome(run(finding(6)), run()) == ("goes through", "", None)
    assert outcome(run(finding(6), failed=FIRST), run()) == ("goes through", "", None)
    assert outcome(run(finding(None)), run()) == ("goes through", "", None)


@pytest.mark.parametrize(("before", "after"), [(2, 2), (3, 4), (6, 7)])
def test_the_same_finding_is_known_where_its_line_has_moved_to(before, after):
    assert outcome(run(finding(before)), run(finding(after)))[0] == "does not help"


def test_a_finding_of_another_line_is_another_one():
    same, other = finding(6), finding(9)
    assert outcome(run(same, other), run(finding(10)))[0] == "goes through"
    failing = run(same, failed=FIRST)
    assert outcome(failing, run(finding(10), failed=OTHER))[0] == "fails further on"


def test_of_two_on_one_line_one_less_is_enough():
    two = run(finding(6), finding(6))
    assert outcome(two, run(finding(7)))[0] == "goes through"
    assert outcome(two, run(finding(7), finding(7)))[0] == "does not help"


def test_the_next_failure_is_told_with_its_line_as_it_is_without_edits():
    before = run(finding(6), failed=FIRST)
    assert outcome(before, run(failed=OTHER)) == ("fails further on", "TypeError: another", 8)


def test_a_failure_is_told_in_one_line_without_the_calls_around_it():
    text = "Exception encountered when calling layer 'a'.\n\nIt is\n\nodd."
    trial = outcome(run(finding(6), failed=FIRST), run(failed=error("ValueError", text, 9)))
    assert trial == ("fails further on", "ValueError: It is odd.", 8)


def test_the_same_failure_is_no_help():
    before = run(finding(6), failed=FIRST)
    moved = error("ValueError", "in other words", 7)
    assert outcome(before, run(failed=moved)) == ("does not help", "ValueError: in other words", 6)


def test_a_failure_of_another_matter_may_stay():
    """A warning on the way to a failure that it says nothing of."""
    before = run(finding(2, severity="warning"), failed=FIRST)
    assert outcome(before, run(failed=error("ValueError", "the first", 7))) == (
        "fails further on",
        "ValueError: the first",
        6,
    )


def test_a_failure_in_what_was_changed_is_no_help():
    before = run(finding(6), failed=FIRST)
    for number in (3, 6):  # the line that was put there, and the one that was changed
        assert outcome(before, run(failed=error("NameError", "y", number)))[0] == "does not help"
    assert outcome(before, run(failed=error("NameError", "y", 8)))[0] == "fails further on"


def test_a_failure_before_as_much_was_built_is_no_help():
    before = run(finding(6), failed=FIRST)
    assert outcome(before, run(failed=OTHER, calls=False))[0] == "does not help"


def test_what_went_well_before_must_not_fail():
    before = run(finding(6, severity="warning"))
    assert outcome(before, run(failed=OTHER))[0] == "does not help"
    assert outcome(before, run(complete=False))[0] == "does not help"


def test_another_problem_in_its_place_is_no_help():
    before, other = run(finding(6)), finding(9, "BT999", "warning")
    assert outcome(before, run(other)) == ("does not help", "m", None)
    assert outcome(before, run(finding(9, "BT999", "note")))[0] == "goes through"
    assert outcome(run(finding(6), finding(8, "BT999")), run(other))[0] == "goes through"


def test_problems_that_a_failure_had_hidden_are_no_fault_of_the_edits():
    before = run(finding(6), failed=FIRST)
    assert outcome(before, run(finding(9, "BT999")))[0] == "goes through"
