"""BT510 on real functions of the backend."""

from __future__ import annotations

import pytest

from diagnosis.rules.running import findings, on, run

HEAD = """
K = keras.backend
i = keras.Input((3,))
o = keras.layers.Dropout(0.5)(i)
"""
GIVEN = {
    "to a function": "K.function([i, K.learning_phase()], [o])  # here",
    "to a model": "keras.Model([i, K.learning_phase()], o)  # here",
}
OTHERS = {
    "another number": "keras.Model([i, 0], o)",
    "only asked for": "phase = K.learning_phase()\nkeras.Model(i, o)",
}


@on("keras2")
@pytest.mark.parametrize("form", GIVEN)
def test_the_phase_is_given(runner, generation, form):
    ran = run(runner, generation, HEAD + GIVEN[form])
    (finding,) = [f for f in ran.trace.findings if f.severity == "error"]
    assert finding.code == "BT510"
    assert finding.caller.line == ran.line_of("# here")


@on("keras2")
@pytest.mark.parametrize("form", OTHERS)
def test_it_is_not_given(runner, generation, form):
    assert findings(runner, generation, HEAD + OTHERS[form], "BT510") == []
