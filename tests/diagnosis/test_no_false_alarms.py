"""No rule finds a fault in what has none: models and scripts as experienced users write them.

All of them are run in CI; of every seventh, what was recorded is diagnosed by a plain `pytest`.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from scenarios import GENERATIONS, SCENARIOS

import buildtrace
import buildtrace.examples
from diagnosis.examples import reported
from diagnosis.recordings import compare, record
from diagnosis.scripts import installed
from diagnosis.sound.applications import APPLICATIONS, make
from diagnosis.sound.tools import scripts

in_ci = pytest.mark.slow

EXAMPLES = sorted(
    path
    for path in Path(buildtrace.examples.__file__).parent.glob("*.py")
    if path.stem != "__init__"
)

RIGHTLY_FOUND = {
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


def _sound():
    for script in scripts():
        for keras in GENERATIONS:
            if keras.generation in script.generations:
                yield pytest.param(keras, script, id=f"{keras.name}-{script.name}")


RECORDED = [script.name for script in scripts()[::7]]


@pytest.fixture
def kept(request, recorded_runs):
    """`kept(k, name, trace)` records what is found in a trace, or compares it."""

    def keep(k, name, trace):
        runs = recorded_runs("no_false_alarms", f"keras{k.generation}")
        if name not in RECORDED:
            return
        if request.config.getoption("--record", default=False):
            runs.add(record(name, name, trace))
        else:
            compare(runs.runs[name], trace)

    return keep


@in_ci
@pytest.mark.parametrize(("k", "script"), list(_sound()), indirect=["k"])
def test_a_sound_script(k, script, tmp_path, noted, kept):
    if not k.tensorflow:
        pytest.skip("written for TensorFlow")
    with buildtrace.trace() as trace:
        script.run(k, tmp_path)
    noted(trace)
    assert reported(trace) == []
    kept(k, script.name, trace)


@in_ci
@pytest.mark.parametrize("whole", [True, False], ids=["whole", "from the middle"])
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_a_scenario(k, scenario, whole, noted):
    """From the middle, the trace knows nothing of how the layers were made."""
    if not scenario.runs_on(k):
        pytest.skip("not of this generation")
    if whole:
        with buildtrace.trace() as trace:
            scenario.build(k, scenario.make(k))
    else:
        model = scenario.make(k)
        with buildtrace.trace() as trace:
            scenario.build(k, model)
    noted(trace)
    right = RIGHTLY_FOUND.get(scenario.name, {}).get(k.generation, set())
    assert {finding.code for finding in trace.findings if finding.severity != "note"} == right, (
        reported(trace)
    )


@pytest.mark.parametrize("generation", [2, 3])
def test_what_was_recorded(recorded_runs, generation):
    runs = recorded_runs("no_false_alarms", f"keras{generation}").runs
    assert runs
    for name, run in runs.items():
        assert reported(run.diagnosed()) == [], name


@in_ci
@pytest.mark.parametrize("name", APPLICATIONS)
def test_an_application(k, name, noted):
    with buildtrace.trace() as trace:
        make(k, name)
    noted(trace)
    assert reported(trace) == []


@in_ci
@pytest.mark.parametrize("generation", installed())
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example(server, generation, example, noted):
    ran = server(generation).run(example)
    assert ran.code == 0, ran.output
    noted(ran.trace)
    assert reported(ran.trace) == []
