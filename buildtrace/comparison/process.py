"""What was run to get there: failures, findings, landmarks and times."""

from __future__ import annotations

from collections import Counter
from math import inf
from typing import TYPE_CHECKING

from buildtrace.comparison.difference import Location
from buildtrace.comparison.ranked_change import ranked
from buildtrace.comparison.roles import role_of, unpaired
from buildtrace.traces.wording import count

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from buildtrace.comparison.layer_matching import LayerMatching
    from buildtrace.comparison.layer_tree import LayerTree
    from buildtrace.comparison.ranked_change import RankedChange
    from buildtrace.traces.schema import Call, Finding
    from buildtrace.traces.trace import Trace

MOST_TIMES = 5
"""So many roles whose time changed are reported."""


def failures(matching: LayerMatching) -> Iterator[RankedChange]:
    """Whether one build fails, or another way than the other."""
    was, now = matching.left.trace, matching.right.trace
    texts = _failure(was), _failure(now)
    if texts[0] == texts[1]:
        return
    if now.error is None:
        message = f"the build no longer fails{texts[0]}"
    elif was.error is None:
        message = f"the build fails{texts[1]}"
    else:
        message = f"the build fails{texts[1]}; it failed{texts[0]}"
    yield ranked("failure", message, _location(was.failed), _location(now.failed), severity="error")


def _failure(trace: Trace) -> str:
    if trace.error is None:
        return ""
    where = f" in {trace.failed.name}" if trace.failed else ""
    error = (trace.failed and trace.failed.error) or trace.error
    first = (error.message.strip().splitlines() or [""])[0]
    return f"{where}: {error.type}: {first}".rstrip(": ")


def _location(call: Call | None) -> Location | None:
    return Location(layer=call.layer, call=call.id, caller=call.caller) if call else None


def findings(matching: LayerMatching) -> Iterator[RankedChange]:
    """Findings that only one side has."""
    for finding in _only_in(matching, matching.right, matching.left):
        message = f"{finding.code} appeared: {finding.message}"
        where = _location_of_finding(finding)
        yield ranked("findings", message, None, where, severity=finding.severity)
    for finding in _only_in(matching, matching.left, matching.right):
        message = f"{finding.code} is gone: {finding.message}"
        yield ranked("findings", message, _location_of_finding(finding), None, severity="note")


def _only_in(matching: LayerMatching, tree: LayerTree, other: LayerTree) -> Iterator[Finding]:
    """The findings that a trace has more of than the other, the first of them."""
    numbers = Counter(_key(matching, tree, finding) for finding in tree.trace.findings)
    numbers.subtract(_key(matching, other, finding) for finding in other.trace.findings)
    for finding in tree.trace.findings:
        key = _key(matching, tree, finding)
        if numbers[key] > 0:
            numbers[key] -= 1
            yield finding


def _key(matching: LayerMatching, tree: LayerTree, finding: Finding) -> Hashable:
    """Equal for findings of one rule for the same layer."""
    return finding.code, None if finding.layer is None else matching.key(tree, finding.layer)


def _location_of_finding(finding: Finding) -> Location:
    call = finding.calls[0] if finding.calls else None
    return Location(call=call, caller=finding.caller)


def landmarks(matching: LayerMatching) -> Iterator[RankedChange]:
    """Landmarks whose role only one side plays; then those that are called otherwise."""
    was, now = _by_role(matching.left.trace), _by_role(matching.right.trace)
    names = matching.labels
    if matching.generations_differ:
        yield from _numbers(was, now, names)
    for role in was | now:
        ours, theirs = was.get(role, []), now.get(role, [])
        if ours and theirs:
            yield from _renamed(role, ours, theirs, names)
            continue
        trace, calls = (matching.left.trace, ours) if ours else (matching.right.trace, theirs)
        where = Location(call=calls[0].id, layer=calls[0].layer, caller=calls[0].caller)
        number = count(len(calls), "call")
        yield ranked(
            "landmarks",
            f"only {names[0] if ours else names[1]} runs {_landmarks(calls)} ({number}): it {role}",
            where if ours else None,
            None if ours else where,
            severity="note",
            why=unpaired(trace, calls[0]) if matching.generations_differ else "",
            position=calls[0].id,
        )


def _renamed(
    role: str, ours: list[Call], theirs: list[Call], names: tuple[str, str]
) -> Iterator[RankedChange]:
    was, now = _landmarks(ours), _landmarks(theirs)
    if was != now:
        locations = Location(call=ours[0].id, text=was), Location(call=theirs[0].id, text=now)
        message = f"what {role} is {was} in {names[0]}, and {now} in {names[1]}"
        yield ranked("landmarks", message, *locations, severity="note", position=inf)


def _numbers(
    was: dict[str, list[Call]], now: dict[str, list[Call]], names: tuple[str, str]
) -> Iterator[RankedChange]:
    """How often the generations run what both have, where that is not the same."""
    numbers = [
        f"{_landmarks(now[role])} {len(was[role]):,} and {len(now[role]):,}"
        for role in was
        if role in now and len(was[role]) != len(now[role])
    ]
    if numbers:
        text = f"calls in {names[0]} and in {names[1]}: {', '.join(numbers)}"
        yield ranked("landmarks", text, severity="note", position=inf)


def _by_role(trace: Trace) -> dict[str, list[Call]]:
    roles: dict[str, list[Call]] = {}
    for call in trace.calls:
        roles.setdefault(role_of(trace, call), []).append(call)
    return roles


def _landmarks(calls: list[Call]) -> str:
    return " or ".join(dict.fromkeys(call.landmark for call in calls))


def times(matching: LayerMatching) -> Iterator[RankedChange]:
    """How long it took, in all and by role, what changed most first."""
    was, now = (sum(c.duration_ns for c in s.trace.roots) for s in (matching.left, matching.right))
    yield ranked(
        "times", f"the build took {_ms(now)}, was {_ms(was)}", severity="note", position=-1
    )
    ours, theirs = _own_times(matching.left.trace), _own_times(matching.right.trace)
    differences = {role: theirs.get(role, 0) - ours.get(role, 0) for role in ours | theirs}
    most = sorted(differences, key=lambda role: -abs(differences[role]))
    for number, role in enumerate(most[:MOST_TIMES]):
        text = f"what {role} took {_ms(theirs.get(role, 0))}, was {_ms(ours.get(role, 0))}"
        yield ranked("times", text, severity="note", position=number)


def _whole_time(trace: Trace) -> int:
    return sum(call.duration_ns for call in trace.roots)


def _own_times(trace: Trace) -> dict[str, int]:
    """Nanoseconds by role, those of calls inside not counted."""
    inside: dict[int | None, int] = {}
    for call in trace.calls:
        inside[call.parent] = inside.get(call.parent, 0) + call.duration_ns
    own: dict[str, int] = {}
    for call in trace.calls:
        role = role_of(trace, call)
        own[role] = own.get(role, 0) + call.duration_ns - inside.get(call.id, 0)
    return own


def _ms(nanoseconds: int) -> str:
    return f"{nanoseconds / 10**6:,.1f} ms"
