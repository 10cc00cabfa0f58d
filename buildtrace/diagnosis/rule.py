"""What a rule is: a code, a title, why Keras behaves so, two example scripts, and the check."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from buildtrace.traces.schema import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from buildtrace.traces.schema import Edit, Severity, SourceLine
    from buildtrace.traces.trace import Trace

BOTH = ("keras2", "keras3")

TOPICS = {
    "1": "builds",
    "2": "state",
    "3": "shapes and masks",
    "4": "graphs",
    "5": "the two generations",
    "6": "hidden exceptions",
    "7": "losses",
    "8": "files",
    "9": "devices",
}
"""What a rule is about, by the first digit of its code."""


class Rule(NamedTuple):
    """One cause of builds that go wrong.

    Attributes:
        code: stable, never given to another rule: "BT" and three digits, of which the first says
            what it is about (`TOPICS`).
        title: in a few words, for a table of all rules.
        severity: how bad it is.
        generations: those that it happens in.
        why: why Keras behaves so, in a few sentences; where it was read: module and version.
        bad: a whole script that has the fault, with `keras` imported in its first lines as
            `from tensorflow import keras`.
        good: the same script with the remedy applied; it builds, saves and loads.
        check: looks for it in a trace; yields a finding for each place.
        hides: codes of rules that say less of the same: a finding of theirs that shares a call
            with one of this rule is left out.
    """

    code: str
    title: str
    severity: Severity
    generations: tuple[str, ...]
    why: str
    bad: str
    good: str
    check: Callable[[Trace], Iterable[Finding]]
    hides: tuple[str, ...] = ()
    backend: str = ""

    @property
    def topic(self) -> str:
        """What it is about, in a word or two."""
        return TOPICS[self.code.removeprefix("BT")[0]]

    def finding(
        self,
        message: str,
        fix: str,
        calls: Iterable[int] = (),
        caller: SourceLine | None = None,
        layer: int | None = None,
        *,
        edits: Iterable[Edit] = (),
        why: str | None = None,
        severity: Severity | None = None,
    ) -> Finding:
        """A finding of this rule.

        Args:
            message: one sentence: what happened, with the real names and shapes.
            fix: the remedy, as code that would work in place.
            calls: ids of the calls that prove it.
            caller: the user's line to look at first.
            layer: id of the layer that it is about.
            edits: the same remedy as changes of the source, where it is mechanical and sure (see
                `buildtrace.diagnosis.edits`).
            why: if it is not the rule's own.
            severity: as well.
        """
        return Finding(
            code=self.code,
            title=self.title,
            severity=severity or self.severity,
            message=message,
            why=why or self.why,
            fix=fix,
            calls=tuple(dict.fromkeys(calls)),
            layer=layer,
            caller=caller,
            edits=tuple(edits),
        )
