"""Which examples of which rules run, and where: for the tests of all rules."""

from __future__ import annotations

import pytest

from buildtrace.diagnosis import Rule, all_rules
from diagnosis.scripts import installed


def _cases(chosen):
    """One test a rule and generation; the newest generation is enough for a quick look."""
    for rule in all_rules():
        for generation in chosen(rule):
            marks = []
            if generation not in installed():
                marks.append(pytest.mark.skip(reason=f"{generation} is not installed"))
            elif "import tf_keras" in rule.bad and len(installed()) < 2:
                marks.append(pytest.mark.skip(reason="needs both generations"))
            elif generation != max(rule.generations):
                marks.append(pytest.mark.slow)
            yield pytest.param(rule, generation, marks=marks, id=f"{rule.code}-{generation}")


on_its_generations = pytest.mark.parametrize(
    ("rule", "generation"), list(_cases(lambda rule: rule.generations))
)
"""For a test with the arguments `rule` and `generation`: each generation that it is for."""


on_each_generation = pytest.mark.parametrize(
    "generation",
    [
        pytest.param(name, marks=[] if name == max(installed()) else pytest.mark.slow)
        for name in installed()
    ],
)
"""For a test with the argument `generation`: the newest one is enough for a quick look."""


def of_rule(trace, rule: Rule):
    """The findings of one rule."""
    return [finding for finding in trace.findings if finding.code == rule.code]


def told(trace):
    """The findings that fail a check: for messages of tests."""
    return [
        f"{finding.code} {finding.severity}: {finding.message}"
        for finding in trace.findings
        if finding.severity != "note"
    ]
