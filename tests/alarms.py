"""No rule finds a fault in the scenarios that have none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from diagnosis.examples import reported

if TYPE_CHECKING:
    from scenarios import Keras, Scenario

    from buildtrace import Trace

RIGHTLY_FOUND: dict[str, dict[int, set[str]]] = {
    # `build` of a subclassed model without one of its own builds nothing in Keras 3.
    "subclassed_build": {3: {"BT102"}},
    "subclassed_with_sequential": {3: {"BT102"}},
    "several_models": {3: {"BT102"}},
    "swallowed_by_keras": {3: {"BT102"}},
    # Without a shape it builds nothing, and says nothing, in Keras 3.
    "sequential_build_without_shape": {3: {"BT102"}},
}
"""Scenarios that are wrong on purpose: generation → codes.

Others fail on purpose, and catch it themselves: that was foreseen, and nothing is told of it.
"""


def no_false_alarm(k: Keras, scenario: Scenario, trace: Trace) -> None:
    """Fail if the rules find anything else than what is wrong with a scenario on purpose."""
    right = RIGHTLY_FOUND.get(scenario.name, {}).get(k.generation, set())
    codes = {finding.code for finding in trace.findings if finding.severity != "note"}
    assert codes == right, reported(trace)
