"""Compares two runs of the same tests."""

from __future__ import annotations

from difflib import unified_diff
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keras_own.notes import ArmNote, TestNote


class Difference(NamedTuple):
    """What of one test was one way untraced and is another way traced.

    Attributes:
        test: its id.
        aspect: which of the things noted of it.
        lines: a diff, from untraced to traced.
    """

    test: str
    aspect: str
    lines: list[str]


def differences(plain: ArmNote, traced: ArmNote) -> list[Difference]:
    """Everything that is not the same in both runs, in the order of the tests."""
    found = []
    for test in dict.fromkeys([*plain.tests, *traced.tests]):
        before, after = aspects(plain.tests.get(test)), aspects(traced.tests.get(test))
        for aspect in dict.fromkeys([*before, *after]):
            old, new = before.get(aspect, []), after.get(aspect, [])
            if old != new:
                lines = unified_diff(old, new, "untraced", "traced", lineterm="")
                found.append(Difference(test, aspect, list(lines)))
    return found


def confirmed(
    found: Sequence[Difference], plain: ArmNote, plain_again: ArmNote, traced_again: ArmNote
) -> tuple[list[Difference], list[tuple[Difference, str]]]:
    """Which differences tracing makes, judged by another run of either arm.

    Args:
        found: the differences to the first untraced run.
        plain: that run.
        plain_again: the tests that are concerned, run again untraced.
        traced_again: and traced.

    Returns:
        Those of which both untraced runs are alike, and both traced ones are not like them; and
        the others, each with what it is.
    """
    real, flaky = [], []
    for each in found:
        first, second, traced = (
            aspects(note.tests.get(each.test)).get(each.aspect, [])
            for note in (plain, plain_again, traced_again)
        )
        if first != second:
            flaky.append((each, "traced or not"))
        elif traced == second:
            flaky.append((each, "traced, but once only"))
        else:
            real.append(each)
    return real, flaky


def aspects(note: TestNote | None) -> dict[str, list[str]]:
    """What was noted, as lines; nothing of a test that did not run."""
    if note is None:
        return {"ran": ["no"]}
    return {
        "ran": ["yes"],
        "phases": note.phases,
        "warnings": note.warnings,
        "output": note.output.splitlines(),
        "state": [f"{name}: {value}" for name, value in note.state.items()],
    }
