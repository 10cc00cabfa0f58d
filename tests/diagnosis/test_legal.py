"""Nothing is reported of what is well: legal ways to build and to train, on each Keras."""

from __future__ import annotations

import pytest

from buildtrace.diagnosis.rule import BOTH
from diagnosis import fitted, legal
from diagnosis.examples import reported
from diagnosis.rules import running


@pytest.mark.parametrize("generation", BOTH)
@pytest.mark.parametrize("name", legal.SCRIPTS)
def test_nothing_is_reported(runner, name, generation):
    ran = runner(generation).run(legal.HEAD + legal.SCRIPTS[name])
    assert ran.code == 0, ran.output
    assert reported(ran.trace) == []


@pytest.mark.parametrize("generation", BOTH)
@pytest.mark.parametrize("name", fitted.SCRIPTS)
def test_nothing_is_reported_of_a_training(runner, name, generation):
    ran = running.run(runner, generation, fitted.SCRIPTS[name])
    assert ran.code == 0, ran.output
    assert any(call.loss for call in ran.trace.calls) or "train_step" in ran.source
    assert reported(ran.trace) == []
