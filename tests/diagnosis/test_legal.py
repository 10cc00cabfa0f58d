"""Nothing is told of what is well: legal ways to build, on each Keras."""

from __future__ import annotations

import pytest

from diagnosis import scripts
from diagnosis.examples import told
from diagnosis.legal import HEAD, SCRIPTS

QUICK = ("nested models", "a block with a lazy child in a functional model", "wrappers")


@pytest.mark.sampled(3)
@pytest.mark.parametrize("generation", scripts.installed())
@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[] if n in QUICK else pytest.mark.slow) for n in SCRIPTS]
)
def test_nothing_is_told(server, name, generation):
    ran = server(generation).run(HEAD + SCRIPTS[name])
    assert ran.code == 0, ran.output
    assert told(ran.trace) == []
