"""What came of trying a remedy, in words and as the lines that change: the same in all views."""

from __future__ import annotations

from typing import TYPE_CHECKING

from buildtrace.traces import wording

if TYPE_CHECKING:
    from buildtrace.traces.schema import Finding, Trial

MOST_LINES = 12
"""A longer change is not shown in the place of words."""


def heading(finding: Finding, usual: str) -> str:
    """What stands above the code of a remedy: what is usual, but of one that does not help."""
    trial = finding.trial
    return "Tried, but it does not help" if trial and trial.outcome == "does not help" else usual


def sentence(trial: Trial | None) -> str:
    """What came of it, on one line; "" if nobody tried."""
    if trial is None:
        return ""
    message = wording.sanitize_long(trial.message, 400)
    if trial.outcome == "not tried":
        return f"not tried: {message}"
    if trial.outcome == "goes through":
        return "tried: the build goes through"
    where = f" at {wording.line(trial.caller)}" if trial.caller else ""
    if not message:
        return f"tried: {trial.outcome}"
    if trial.helped:
        return f"tried: {trial.outcome}, with {message}{where}"
    return f"tried: {trial.outcome} ({message}{where})"


def changes(trial: Trial | None) -> list[str]:
    """The lines that go and that come, by their signs; none if they do not help, or are many."""
    if trial is None or not trial.helped:
        return []
    lines = [line.rstrip("\r") for line in trial.patch.split("\n")]
    lines = [
        wording.sanitize_long(line.expandtabs(4), 400)
        for line in lines
        if line[:1] in ("+", "-") and not line.startswith(("+++ ", "--- "))
    ]
    return lines if len(lines) <= MOST_LINES else []
