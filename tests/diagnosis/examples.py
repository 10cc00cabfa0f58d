"""Which examples of which rules run, and where: for the tests of all rules."""

from __future__ import annotations

import pytest

from buildtrace.diagnosis import Rule, all_rules
from diagnosis.scripts import installed

on_its_generations = pytest.mark.parametrize(
    ("rule", "generation"),
    [
        pytest.param(rule, generation, id=f"{rule.code}-{generation}")
        for rule in all_rules()
        for generation in ((rule.backend,) if rule.backend else rule.generations)
    ],
)
"""For a test with the arguments `rule` and `generation`: each generation that it is for.

A rule of one backend of Keras 3 has that in the generation's place.
"""


on_each_generation = pytest.mark.parametrize("generation", installed())
"""For a test with the argument `generation` that runs the installed Keras."""

on_the_newest = pytest.mark.parametrize("generation", installed()[-1:])
"""The same for what is about processes, not about Keras: each takes seconds to import it."""


def of_rule(trace, rule: Rule):
    """The findings of one rule."""
    return [finding for finding in trace.findings if finding.code == rule.code]


def reported(trace):
    """The findings that fail a check: for messages of tests."""
    return [
        f"{finding.code} {finding.severity}: {finding.message}"
        for finding in trace.findings
        if finding.severity != "note"
    ]
