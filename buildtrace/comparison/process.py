"""What was run to get there: failures, findings, landmarks and times."""

from __future__ import annotations

from collections import Counter
from math import inf
from typing import TYPE_CHECKING

from buildtrace.comparison.found import counted, found
from buildtrace.comparison.result import Side
from buildtrace.comparison.roles import role_of, unpaired

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from buildtrace.comparison.found import Found
    from buildtrace.comparison.identity import Sides
    from buildtrace.traces.schema import Call, Finding
    from buildtrace.traces.trace import Trace

GENERATIONS = {"keras2": "Keras 2", "keras3": "Keras 3"}

MOST_TIMES = 5
"""So many roles whose time changed are told."""


def failures(sides: Sides) -> Iterator[Found]:
    """Whether one build fails, or another way than the other."""
    was, now = sides.left.trace, sides.right.trace
    texts = _failure(was), _failure(now)
    if texts[0] == texts[1]:
        return
    if now.error is None:
        message = f"the build no longer fails{texts[0]}"
    elif was.error is None:
        message = f"the build fails{texts[1]}"
    else:
        message = f"the build fails{texts[1]}; it failed{texts[0]}"
    yield found("failure", message, _place(was.failed), _place(now.failed), severity="error")


def _failure(trace: Trace) -> str:
    if trace.error is None:
        return ""
    where = f" in {trace.failed.name}" if trace.failed else ""
    error = (trace.failed and trace.failed.error) or trace.error
    first = (error.message.strip().splitlines() or [""])[0]
    return f"{where}: {error.type}: {first}".rstrip(": ")


def _place(call: Call | None) -> Side | None:
    return Side(layer=call.layer, call=call.id, caller=call.caller) if call else None


def findings(sides: Sides) -> Iterator[Found]:
    """Findings that appeared, or went."""
    was = Counter(_finding(sides, finding, left=True) for finding in sides.left.trace.findings)
    now = Counter(_finding(sides, finding, left=False) for finding in sides.right.trace.findings)
    for finding in sides.right.trace.findings:
        key = _finding(sides, finding, left=False)
        if now[key] > was[key]:
            now[key] -= 1
            message = f"{finding.code} appeared: {finding.message}"
            yield found("findings", message, None, _where(finding), severity=finding.severity)
    now = Counter(_finding(sides, finding, left=False) for finding in sides.right.trace.findings)
    for finding in sides.left.trace.findings:
        key = _finding(sides, finding, left=True)
        if was[key] > now[key]:
            was[key] -= 1
            message = f"{finding.code} is gone: {finding.message}"
            yield found("findings", message, _where(finding), None, severity="note")


def _finding(sides: Sides, finding: Finding, *, left: bool) -> Hashable:
    if finding.layer is None:
        return finding.code, None
    key = sides.key(finding.layer) if left else sides.key(right=finding.layer)
    return finding.code, key


def _where(finding: Finding) -> Side:
    call = finding.calls[0] if finding.calls else None
    return Side(call=call, caller=finding.caller)


def landmarks(sides: Sides) -> Iterator[Found]:
    """Landmarks whose role only one side plays; then those that are called otherwise."""
    was, now = (_by_role(side.trace) for side in (sides.left, sides.right))
    names = _titles(sides)
    if sides.generations_differ:
        yield from _numbers(was, now, names)
    for role in was | now:
        ours, theirs = was.get(role, []), now.get(role, [])
        if ours and theirs:
            yield from _renamed(role, ours, theirs, names)
            continue
        trace, calls = (sides.left.trace, ours) if ours else (sides.right.trace, theirs)
        where = Side(call=calls[0].id, layer=calls[0].layer, caller=calls[0].caller)
        number = counted(len(calls), "call")
        yield found(
            "landmarks",
            f"only {names[0] if ours else names[1]} runs {_landmarks(calls)} ({number}): it {role}",
            where if ours else None,
            None if ours else where,
            severity="note",
            why=unpaired(trace, calls[0]) if sides.generations_differ else "",
            place=calls[0].id,
        )


def _renamed(
    role: str, ours: list[Call], theirs: list[Call], names: tuple[str, str]
) -> Iterator[Found]:
    was, now = _landmarks(ours), _landmarks(theirs)
    if was != now:
        sides = Side(call=ours[0].id, text=was), Side(call=theirs[0].id, text=now)
        message = f"what {role} is {was} in {names[0]}, and {now} in {names[1]}"
        yield found("landmarks", message, *sides, severity="note", place=inf)


def _numbers(
    was: dict[str, list[Call]], now: dict[str, list[Call]], names: tuple[str, str]
) -> Iterator[Found]:
    """How often the generations run what both have, where that is not the same."""
    found_ = [
        f"{_landmarks(now[role])} {len(was[role]):,} and {len(now[role]):,}"
        for role in was
        if role in now and len(was[role]) != len(now[role])
    ]
    if found_:
        text = f"calls in {names[0]} and in {names[1]}: {', '.join(found_)}"
        yield found("landmarks", text, severity="note", place=inf)


def _by_role(trace: Trace) -> dict[str, list[Call]]:
    roles: dict[str, list[Call]] = {}
    for call in trace.calls:
        roles.setdefault(role_of(trace, call), []).append(call)
    return roles


def _landmarks(calls: list[Call]) -> str:
    return " or ".join(dict.fromkeys(call.landmark for call in calls))


def _titles(sides: Sides) -> tuple[str, str]:
    """What to call the two in a sentence."""
    if not sides.generations_differ:
        return sides.labels
    found_ = []
    for side, label in zip((sides.left, sides.right), sides.labels, strict=True):
        names = {call.generation for call in side.trace.calls}
        found_.append(GENERATIONS.get(min(names), label) if len(names) == 1 else label)
    return found_[0], found_[1]


def times(sides: Sides) -> Iterator[Found]:
    """How long it took, in all and by role, what changed most first."""
    was, now = (sum(c.duration_ns for c in s.trace.roots) for s in (sides.left, sides.right))
    yield found("times", f"the build took {_ms(now)}, was {_ms(was)}", severity="note", place=-1)
    ours, theirs = _own_times(sides.left.trace), _own_times(sides.right.trace)
    differences = {role: theirs.get(role, 0) - ours.get(role, 0) for role in ours | theirs}
    most = sorted(differences, key=lambda role: -abs(differences[role]))
    for place, role in enumerate(most[:MOST_TIMES]):
        text = f"what {role} took {_ms(theirs.get(role, 0))}, was {_ms(ours.get(role, 0))}"
        yield found("times", text, severity="note", place=place)


def _own_times(trace: Trace) -> dict[str, int]:
    """Nanoseconds by role, those of calls inside not counted."""
    inside: dict[int | None, int] = {}
    for call in trace.calls:
        inside[call.parent] = inside.get(call.parent, 0) + call.duration_ns
    found_: dict[str, int] = {}
    for call in trace.calls:
        role = role_of(trace, call)
        found_[role] = found_.get(role, 0) + call.duration_ns - inside.get(call.id, 0)
    return found_


def _ms(nanoseconds: int) -> str:
    return f"{nanoseconds / 10**6:,.1f} ms"
