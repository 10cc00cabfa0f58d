"""Nothing is reported of what is well: legal ways to build, on each Keras."""

from __future__ import annotations

import pytest

from buildtrace.diagnosis.rule import BOTH
from diagnosis.examples import reported
from diagnosis.legal import HEAD, SCRIPTS


@pytest.mark.parametrize("generation", BOTH)
@pytest.mark.parametrize("name", SCRIPTS)
def test_nothing_is_reported(runner, name, generation):
    ran = runner(generation).run(HEAD + SCRIPTS[name])
    assert ran.code == 0, ran.output
    assert reported(ran.trace) == []
