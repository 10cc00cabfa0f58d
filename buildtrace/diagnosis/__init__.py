"""Says why a build went wrong: rules over a trace, which is all that they look at.

A rule is a module in `rules/` with a `RULE`, and is found by being there. It runs when the program
is over, on plain data: it costs the traced program nothing, and works on a saved trace as well.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from typing import TYPE_CHECKING

import msgspec

from buildtrace.diagnosis import rules as _folder
from buildtrace.diagnosis.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterable

    from buildtrace.traces.schema import Finding
    from buildtrace.traces.trace import Trace

__all__ = ["Rule", "all_rules", "diagnose"]

SEVERITIES = ("error", "warning", "note")


@functools.cache
def all_rules() -> tuple[Rule, ...]:
    """All rules, by code."""
    names = pkgutil.iter_modules(_folder.__path__)
    modules = [importlib.import_module(f"{_folder.__name__}.{module.name}") for module in names]
    return tuple(sorted((module.RULE for module in modules), key=lambda rule: rule.code))


def diagnose(trace: Trace) -> tuple[Finding, ...]:
    """What the rules say of a trace, the worst first; empty if they have nothing to say."""
    findings: list[Finding] = []
    for rule in all_rules():
        findings += _merged(rule.check(trace))
    findings = _without_hidden(findings)
    return tuple(sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity)))


def _merged(findings: Iterable[Finding]) -> list[Finding]:
    """The findings without repetitions: Keras may try a thing twice, and fail twice of it."""
    merged: dict[tuple[str, str], Finding] = {}
    for finding in findings:
        key = (finding.code, finding.message)
        same = merged.get(key)
        calls = finding.calls if same is None else (*same.calls, *finding.calls)
        merged[key] = msgspec.structs.replace(same or finding, calls=tuple(dict.fromkeys(calls)))
    return list(merged.values())


def _without_hidden(findings: Iterable[Finding]) -> list[Finding]:
    """The findings without those that another one says better."""
    findings = list(findings)
    hides = {rule.code: rule.hides for rule in all_rules()}
    return [
        finding
        for finding in findings
        if not any(
            finding.code in hides[other.code] and set(finding.calls) & set(other.calls)
            for other in findings
        )
    ]
