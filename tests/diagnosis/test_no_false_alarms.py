"""No rule finds a fault in what has none: models and scripts as experienced users write them.

All of them are run in CI; of every seventh, what was recorded is diagnosed by a plain `pytest`.
Other models without a fault are run by tests of the capture, which ask the rules as well:
scenarios (tests/alarms.py) and `keras.applications`.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from scenarios import GENERATIONS

import buildtrace
import buildtrace.examples
from diagnosis.examples import reported
from diagnosis.recordings import compare, record
from diagnosis.scripts import installed
from diagnosis.sound.tools import scripts

in_ci = pytest.mark.slow

EXAMPLES = sorted(
    path
    for path in Path(buildtrace.examples.__file__).parent.glob("*.py")
    if path.stem != "__init__"
)


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


@pytest.mark.parametrize("generation", [2, 3])
def test_what_was_recorded(recorded_runs, generation):
    runs = recorded_runs("no_false_alarms", f"keras{generation}").runs
    assert runs
    for name, run in runs.items():
        assert reported(run.diagnosed()) == [], name


@in_ci
@pytest.mark.parametrize("generation", installed())
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example(server, generation, example, noted):
    ran = server(generation).run(example)
    assert ran.code == 0, ran.output
    noted(ran.trace)
    assert reported(ran.trace) == []
